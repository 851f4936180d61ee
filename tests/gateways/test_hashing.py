"""A storm of sign-ins: everybody is answered, nobody waits for another's passwords, and nothing else is held up (G4)."""
import asyncio
import collections
import json
import os
import re
import subprocess
import unittest

from swarm import Swimmer
from world import PASSWORD, Client, World, expect, wait_until

BURST = 200         # sign-ins of as many people
ONE_ACCOUNT = 100   # sign-ins of one person
ANSWERS = {200, 401, 429, 503}


class Distant(Swimmer):
    """A browser with an address of its own."""

    def __init__(self, port, number):
        super().__init__(port)
        self.number = number

    async def exchange(self, head, body=b"", hold=None):
        if self.stream is None:
            address = "127.1.%d.%d" % (self.number // 250, 1 + self.number % 250)
            self.stream = await asyncio.open_connection("127.0.0.1", self.port, local_addr=(address, 0))
        return await super().exchange(head, body, hold)


def password_form(uid, password=PASSWORD):
    return {"username": uid, "method": "password", "password": password}


async def storm(swimmers, forms, meanwhile=None):
    """Everybody has the page and sends the form at once: [(status, answer), …], and what `meanwhile` collected."""
    tokens = await asyncio.gather(*(swimmer.csrf("login") for swimmer in swimmers))
    hold, over = asyncio.Event(), asyncio.Event()
    tasks = [asyncio.ensure_future(swimmer.send("login", {**form, "csrf": token}, hold))
             for swimmer, form, token in zip(swimmers, forms, tokens)]
    await asyncio.sleep(0.01)
    beside = asyncio.ensure_future(meanwhile(over)) if meanwhile else None
    hold.set()
    answers = await asyncio.gather(*tasks)
    over.set()
    return answers, (await beside if beside else None)


def close(swimmers):
    for swimmer in swimmers:
        if swimmer.stream:
            swimmer.stream[1].close()


class Hashing(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = World("hashing", 4, people=BURST + 20, timeout="10s", limits="password_free=1000 hash_wait=30s")
        cls.addClassCleanup(cls.world.stop)
        cls.slow_passwords()

    @classmethod
    def slow_passwords(cls):
        """What Debian's mkpasswd makes, instead of the quick ones of the other tests: tens of milliseconds each."""
        secret = subprocess.run(["perl", "-e", 'print crypt $ARGV[0], q{$y$j9T$abcdefghijklmnop}', PASSWORD],
                                check=True, capture_output=True, text=True).stdout
        assert secret.startswith("$y$"), secret
        path = os.path.join(cls.world.root, "people")
        with open(path) as people_file:
            people = people_file.read()
        with open(path, "w") as people_file:
            people_file.write(re.sub(r"\$6\$[^:]*", secret, people))

    def worker_pids(self):
        pids = []
        for master in self.world.processes:
            with open(f"/proc/{master.pid}/task/{master.pid}/children") as children:
                pids += [int(pid) for pid in children.read().split()]
        return pids

    def assert_everything_works(self):
        """By the password, at each gateway, for somebody who has not signed in before."""
        for port in self.world.ports:
            client = Client(port)
            expect(client.login(self.world.people.pop()), "ok")
            self.assertEqual(client.get("/desk/page.txt").status, 200)

    def test_everybody_in_a_storm_of_sign_ins_is_answered_and_pages_are_served_meanwhile(self):
        async def pages(over):
            reader, served = Swimmer(self.world.ports[0]), []
            reader.cookies = dict(signed_in.cookies)
            while not over.is_set():
                served.append((await reader.exchange("GET /desk/page.txt HTTP/1.1"))[0])
            close([reader])
            return served

        async def burst():
            swimmers = [Distant(self.world.ports[number % 2], number) for number in range(BURST)]
            forms = [password_form(uid, PASSWORD if number % 4 else "wrong")
                     for number, uid in enumerate(self.world.people[:BURST])]
            try:
                return await asyncio.wait_for(storm(swimmers, forms, pages), 60)
            finally:
                close(swimmers)

        signed_in = Client(self.world.ports[0])
        expect(signed_in.login(self.world.people[-1]), "ok")
        answers, served = asyncio.run(burst())
        counts = collections.Counter(status for status, _answer in answers)
        print(f"    {BURST} at once: {dict(counts)}; {len(served)} pages meanwhile")
        self.assertEqual(set(counts) - ANSWERS, set(), answers)
        self.assertGreater(counts[200], 0)
        for number, (status, answer) in enumerate(answers):
            if status == 200:
                self.assertNotEqual(number % 4, 0, "a wrong password")
            if status == 503:
                self.assertEqual(answer, {"error": "unavailable"})
            if status == 429:
                self.assertGreater(answer["retry_after"], 0)
        self.assertEqual(set(served), {200})
        self.assert_everything_works()

    def test_storm_of_one_account_keeps_nobody_else_from_signing_in(self):
        async def burst():
            swimmers = [Distant(self.world.ports[0], number) for number in range(ONE_ACCOUNT + 2)]
            forms = [password_form("p000")] * ONE_ACCOUNT + [password_form("p001"), password_form("p002")]
            try:
                return await asyncio.wait_for(storm(swimmers, forms), 60)
            finally:
                close(swimmers)

        answers, _nothing = asyncio.run(burst())
        counts = collections.Counter(status for status, _answer in answers[:ONE_ACCOUNT])
        print(f"    {ONE_ACCOUNT} of one account: {dict(counts)}")
        self.assertEqual(set(counts) - {200, 429}, set(), answers)
        self.assertGreater(counts[429], 0, "so many have no place")
        self.assertGreater(counts[200], 0)
        self.assertEqual([status for status, _answer in answers[ONE_ACCOUNT:]], [200, 200], "others sign in")
        expect(Client(self.world.ports[0]).login("p000"), "ok")

    def test_storm_of_invented_names_leaves_room_for_other_addresses(self):
        async def burst():
            strangers = [Distant(self.world.ports[0], 500) for _ in range(BURST)]
            people = [Distant(self.world.ports[0], 600 + number) for number in range(4)]
            forms = [password_form("invented%d" % number) for number in range(BURST)]
            forms += [password_form("p%03d" % (10 + number)) for number in range(4)]
            try:
                return await asyncio.wait_for(storm(strangers + people, forms), 60)
            finally:
                close(strangers + people)

        answers, _nothing = asyncio.run(burst())
        counts = collections.Counter(status for status, _answer in answers[:BURST])
        print(f"    {BURST} invented names of one address: {dict(counts)}")
        self.assertEqual(set(counts) - {401, 429, 503}, set(), answers)
        self.assertGreater(counts[429], 0, "one address does not fill the queue")
        self.assertEqual([status for status, _answer in answers[BURST:]], [200] * 4)

    def test_key_does_not_wait_for_passwords(self):
        """A passcode needs no hash: it gets an answer however many passwords wait, and is not refused with them."""
        async def burst():
            swimmers = [Distant(self.world.ports[0], 700 + number) for number in range(BURST)]
            forms = [password_form("p%03d" % number) for number in range(BURST)]
            forms[BURST - 20:] = [{"username": "p%03d" % number, "method": "passcode", "passcode": "0000000000"}
                                  for number in range(20)]
            try:
                return await asyncio.wait_for(storm(swimmers, forms), 60)
            finally:
                close(swimmers)

        answers, _nothing = asyncio.run(burst())
        self.assertEqual({status for status, _answer in answers[BURST - 20:]}, {401})

    def test_who_leaves_gives_the_place_back(self):
        """More of them than there are places, at every moment of a sign-in; and one person who is impatient."""
        async def leave(swimmer, form, after):
            token = await swimmer.csrf("login")
            task = asyncio.ensure_future(swimmer.send("login", {**form, "csrf": token}))
            await asyncio.sleep(after)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            close([swimmer])

        async def some(offset):
            await asyncio.gather(*(leave(Distant(self.world.ports[0], 900 + number), password_form("p%03d" % number),
                                         0.0005 * number + offset) for number in range(100)))

        async def impatient():
            for _ in range(20):
                await leave(Distant(self.world.ports[0], 850), password_form("p150"), 0.002)

        for offset in (0, 0.001, 0.01, 0.05):
            asyncio.run(asyncio.wait_for(some(offset), 60))
        asyncio.run(asyncio.wait_for(impatient(), 60))
        wait_until(lambda: Client(self.world.ports[0]).login("p150").status == 200, "whoever left is forgotten", 30)

        async def full():
            swimmers = [Distant(self.world.ports[0], 900 + number) for number in range(60)]
            try:
                return await storm(swimmers, [password_form("p%03d" % number) for number in range(len(swimmers))])
            finally:
                close(swimmers)

        counts = collections.Counter(status for status, _answer in asyncio.run(asyncio.wait_for(full(), 60))[0])
        self.assertEqual(set(counts) - {200, 503}, set())
        self.assertGreater(counts[200], 20, "there is room as before")

    def test_refused_sign_ins_are_in_audit_and_metrics(self):
        verdicts = collections.Counter()
        for number in range(2):
            with open(os.path.join(self.world.root, f"gateway{number}-audit.log")) as audit:
                for line in audit:
                    event = json.loads(line)
                    if event["event"] == "password":
                        verdicts[event["verdict"]] += 1
        self.assertEqual(set(verdicts) - {"ok", "denied", "throttled", "busy"}, set(), verdicts)
        self.assertGreater(verdicts["throttled"] + verdicts["busy"], 0)
        figures = "".join(Client(port).get("/metrics").body.decode() for port in self.world.ports)
        computed = sum(map(int, re.findall(r'otp_password_hashes_total\{verdict="computed"\} (\d+)', figures)))
        refused = sum(map(int, re.findall(r'otp_password_hashes_total\{verdict="(?:throttled|busy)"\} (\d+)', figures)))
        self.assertEqual(computed, verdicts["ok"] + verdicts["denied"])
        self.assertEqual(refused, verdicts["throttled"] + verdicts["busy"])

    def test_the_logs_are_quiet(self):
        self.assertNotRegex(self.world.logs(), r"\[(alert|emerg|crit)\]|queue overflow")


if __name__ == "__main__":
    unittest.main()
