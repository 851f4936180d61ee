"""Redis Cluster: everybody's records are somewhere, and are found wherever they go (G1, G2)."""
import hashlib
import re
import signal
import threading
import time
import unittest
import urllib.parse

from clusters import TAGS, ClusterWorld, TcpClient
from world import PASSWORD, PIN, Client, expect, quiet_step, wait_until

BUDGET = 3      # seconds a request may take at most: its timeout, and what a busy machine adds
FOUND = 5       # seconds after which a new master is found: one or two, and what a busy machine adds
HAND_OVER = 60  # seconds in which a cluster makes a replica the master: far more than it needs


def session_name(client):
    return "otp:sess:{%s}" % hashlib.sha256(client.cookies["otp"].encode()).hexdigest()


def sign_in(client, page, **fields):
    return client.request("POST", "/otp/login", urllib.parse.urlencode({**fields, "csrf": page.json["csrf"]}))


class Base(unittest.TestCase):
    name, replicas, people = "cluster", 0, 100

    def setUp(self):
        self.world = ClusterWorld(self.name, 0, replicas=self.replicas, people=self.people)
        self.lab = self.world.lab

    def tearDown(self):
        self.world.stop()

    def page(self, client, port=None):
        start = time.monotonic()
        answer = client.at(port or client.port).get("/desk/page.txt")
        self.assertLess(time.monotonic() - start, BUDGET)
        self.assertIn(answer.status, (200, 401, 503))
        return answer.status

    @staticmethod
    def verdict(port, passcode):
        """None: it cannot say."""
        client = Client(port)
        page = client.get("/otp/login")
        if page.status != 200:
            return None
        return sign_in(client, page, username="p000", method="passcode", passcode=passcode).json.get("verdict")

    def verdicts(self, port, passcode):
        """Once all workers can say: what they do."""
        row = []

        def tried():
            verdict = self.verdict(port, passcode)
            row.append(verdict) if verdict else row.clear()
            return len(row) == 8

        wait_until(tried, "a new master is found", HAND_OVER)
        return set(row)

    def signed_in(self, uid, port=None):
        client = Client(port or self.world.ports[0])
        expect(client.login(uid), "ok")
        return client

    def at_master(self, client):
        """The master that this browser's session is at."""
        return self.lab.owner(self.lab.slot(session_name(client)))

    def account_at(self, uid):
        return self.lab.owner(self.lab.slot(self.world.names("otp:acct:*:" + uid)[0].decode()))

    def assert_calm(self):
        self.assertNotRegex(self.world.logs(), r"\[(alert|emerg|crit)\]|CROSSSLOT|exited on signal")

    def stop_gateways(self, how):
        for process in self.world.processes:
            process.send_signal(how)
        for process in self.world.processes:
            self.assertEqual(process.wait(20), 0)


class Everywhere(Base):
    def test_people_of_all_tags_and_both_gateways(self):
        for number, uid in enumerate(self.world.people):
            client = self.signed_in(uid, self.world.ports[number % 2])
            self.assertEqual([self.page(client, port) for port in self.world.ports], [200, 200])
        tags = {name.split(b"{")[1][:1] for name in self.world.names("otp:user:*")}
        self.assertEqual(len(tags), len(TAGS), "each tag has somebody")
        for node in self.lab.nodes:
            self.assertTrue(node("KEYS", "otp:sess:*"), "each master has sessions")
        answer = client.get("/desk/page.txt")
        self.assertEqual(answer.headers.get("X-Cache"), "BYPASS")

        # First use, step-up, log-out; and the other gateway knows at once.
        for uid in self.world.people[:4]:
            key, client = self.world.enrol(uid)
            self.assertEqual([client.at(port).get("/app/page.txt").status for port in self.world.ports], [200, 200])
            expect(client.submit("logout"), "ok")
            one = self.signed_in(uid, self.world.ports[1])
            self.assertNotEqual(one.get("/app/page.txt").status, 200, "a password is not enough")
            quiet_step()
            if key.step() + 1 > key.used:
                expect(one.submit("passcode", passcode=PIN + key.code(max(key.step(), key.used + 1))), "ok")
                self.assertEqual(one.at(self.world.ports[0]).get("/app/page.txt").status, 200)
            kept = one.at(self.world.ports[0])
            expect(one.submit("logout"), "ok")
            self.assertEqual(self.page(kept), 401, "logged out everywhere")
            again = self.signed_in(uid)
            self.world.otpctl("session", "revoke", "--user", uid)
            self.assertEqual([self.page(again, port) for port in self.world.ports], [401, 401])
        for error in ("CROSSSLOT", "NOPERM"):
            self.assertEqual(self.lab.figure("errorstats", "errorstat_" + error, "count"), 0, error)
        self.assert_calm()
        self.stop_gateways(signal.SIGQUIT)
        self.assert_calm()


    def test_what_goes_to_several_masters_goes_in_order(self):
        """A session is written before its answer is kept, and after the person's list of sessions."""
        monitors = [TcpClient(node.port) for node in self.lab.nodes]
        for monitor in monitors:
            self.assertEqual(monitor("MONITOR"), b"OK")
            monitor.socket.settimeout(1)
        for uid in self.world.people[:60]:
            self.signed_in(uid)
        seen = []
        for monitor in monitors:
            try:
                while True:
                    seen.append(monitor.reply().decode())
            except TimeoutError:
                pass
        written = re.findall(r'(?m)^\S+ \[0 [^]]*\] "(ZADD" "otp:user|SET" "otp:sess|SET" "otp:once)',
                             "\n".join(sorted(seen)))
        once = 'SET" "otp:once'     # first claimed, then the answer
        self.assertEqual(written, [once, 'ZADD" "otp:user', 'SET" "otp:sess', once] * 60)


class Resharding(Base):
    """Slots move from master to master while people come and go."""

    name, people, rounds = "cluster-slots", 10, 3

    def swim(self, number, counts, stop):
        uid, port = self.world.people[number], self.world.ports[number % 2]
        while not stop.is_set():
            client = Client(port)
            try:
                answers = [client.get("/otp/login")]
                if answers[-1].status == 200:
                    answers.append(sign_in(client, answers[-1], username=uid, method="password", password=PASSWORD))
                if answers[-1].json.get("verdict") == "ok":
                    answers += [client.at(where).get("/desk/page.txt") for where in self.world.ports]
                    answers.append(client.get("/otp/session"))
                if answers[-1].json.get("uid") == uid:
                    answers.append(client.request("POST", "/otp/logout", urllib.parse.urlencode(
                        {"csrf": answers[-1].json["csrf"]})))
            except OSError as wrong:
                counts.append(("wrong", repr(wrong)))
                return
            for answer in answers:
                right = answer.status == 200 and answer.json.get("verdict", "ok") == "ok"
                kind = "right" if right else "503" if answer.status == 503 else "wrong"
                counts.append((kind, repr(answer)))

    def move(self, slot):
        """With a pause in the middle, in which its names are at two masters."""
        here, there = self.lab.open(slot)
        self.lab.carry(slot, here, there, 1)
        time.sleep(0.05)
        self.lab.settle(slot, here, there)

    def test_slots_move_while_people_sign_in(self):
        counts, stop = [], threading.Event()
        threads = [threading.Thread(target=self.swim, args=(number, counts, stop)) for number in range(8)]
        for thread in threads:
            thread.start()
        try:
            for _ in range(self.rounds):
                for tag in TAGS:
                    self.move(self.lab.tag(tag))
                    for name in self.world.names("otp:sess:*")[:2]:
                        self.move(self.lab.slot(name))
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        kinds = [kind for kind, _ in counts]
        seen = {error: self.lab.figure("errorstats", "errorstat_" + error + ":", "count")
                for error in ("ASK", "MOVED", "TRYAGAIN", "CROSSSLOT")}
        seen["ASKING"] = self.lab.figure("commandstats", "cmdstat_asking:", "calls")
        print("answers: %s; of Redis: %s" % ({kind: kinds.count(kind) for kind in sorted(set(kinds))}, seen))
        self.assertEqual([answer for kind, answer in counts if kind == "wrong"], [])
        self.assertGreater(kinds.count("right"), 100)
        self.assertLess(kinds.count("503"), len(kinds) / 100 + 1)
        for what in ("ASK", "MOVED", "TRYAGAIN", "ASKING"):
            self.assertGreater(seen[what], 0, what)
        self.assertEqual(seen["CROSSSLOT"], 0)
        late = self.world.ports[1] + 1
        self.world.start_gateway("gateway2", late)
        expect(Client(late).login(self.world.people[0]), "ok")
        self.assertNotIn("are spent", self.world.logs(), "a slot that moves forgets nothing")
        self.assert_calm()


class ReshardingWithReplicas(Resharding):
    name, rounds, replicas = "cluster-slots-replicas", 1, 1


class Failover(Base):
    name, people = "cluster-failover", 30

    def test_a_master_is_killed(self):
        key, client = self.world.enrol("p000")
        victim = self.account_at("p000")
        others = [one for one in map(self.signed_in, self.world.people[1:]) if self.at_master(one) is not victim]
        self.assertTrue(others)
        code = PIN + key.code(key.used)
        wait_until(lambda: victim("WAIT", 1, 1000) == 1, "its replica has everything")
        heir = self.lab.replica_of(victim)
        victim.kill()
        statuses, found = [], None
        end = time.monotonic() + HAND_OVER
        while found is None and time.monotonic() < end:
            statuses += [self.page(one, port) for one in others[:4] for port in self.world.ports]
            if self.lab.is_master(heir):
                found = time.monotonic()
        self.assertIsNotNone(found, "the replica takes over")
        self.assertEqual(set(statuses), {200}, "people of other masters do not notice")
        for port in self.world.ports:
            self.assertLessEqual(self.verdicts(port, code), {"already_used", "wait_next_code"})
            print("found after %.2f s" % (time.monotonic() - found))
            self.assertLess(time.monotonic() - found, FOUND)
        for port in self.world.ports:
            wait_until(lambda: [self.page(client, port) for _ in range(8)] == [200] * 8, "all workers find it", FOUND)
        # The old one comes back as a replica of the new one.
        victim.start()
        wait_until(lambda: victim("ROLE")[0] == b"slave", "it follows", HAND_OVER)
        self.assertEqual([self.page(client, port) for port in self.world.ports], [200, 200])
        self.assert_calm()

    def test_a_code_that_the_new_master_never_saw(self):
        key, _client = self.world.enrol("p000")
        victim = self.account_at("p000")
        heir = self.lab.replica_of(victim)
        quiet_step(need=40)
        if key.step() > key.used + 1:
            key.used = key.step() - 1
        code = PIN + key.code(key.used + 1)
        heir.freeze()
        victim("CLIENT", "KILL", "TYPE", "replica")
        expect(Client(self.world.ports[0]).login_passcode("p000", code), "ok")
        victim.kill()
        heir.thaw()
        wait_until(lambda: self.lab.is_master(heir), "the replica takes over", HAND_OVER)
        for port in self.world.ports:
            self.assertEqual(self.verdicts(port, code), {"wait_next_code"})
        self.assertIn("codes of up to now are spent", self.world.logs())
        self.assert_calm()

    def test_the_whole_cluster_is_down(self):
        client = self.signed_in("p001")
        for node in self.lab.everybody:
            node.kill()
        for port in self.world.ports:
            self.assertEqual(self.page(client, port), 503)
            self.assertEqual(Client(port).login("p002").status, 503)
            self.assertEqual(Client(port).get("/open/page.txt").status, 200)
        self.world.start_again()
        for port in self.world.ports:
            wait_until(lambda: self.page(client, port) == 200, "the same session works again", HAND_OVER)
            wait_until(lambda: Client(port).login("p002").json.get("verdict") == "ok", "people sign in", HAND_OVER)
        self.assert_calm()


    def test_gateways_quit_while_the_cluster_hangs(self):
        client = self.signed_in("p001")
        for node in self.lab.everybody:
            node.freeze()
        answers = []
        threads = [threading.Thread(target=lambda port=port: answers.append(self.page(client, port)))
                   for port in self.world.ports]
        for thread in threads:
            thread.start()
        time.sleep(0.2)
        self.stop_gateways(signal.SIGQUIT)
        for thread in threads:
            thread.join()
        self.assertEqual(answers, [503, 503], "whoever waited has an answer")
        self.assert_calm()


class Replicas(Base):
    name, replicas, people = "cluster-replicas", 1, 10

    def test_without_its_replica_a_master_writes_nothing_that_counts(self):
        key, _client = self.world.enrol("p000")
        master = self.account_at("p000")
        replica = self.lab.replica_of(master)
        replica.freeze()
        code = PIN + key.code(key.used + 1)
        one = Client(self.world.ports[0])
        self.assertEqual(one.login_passcode("p000", code).status, 503)
        replica.thaw()
        wait_until(self.lab.is_whole, "it is whole again", HAND_OVER)
        self.assertNotIn("ok", self.verdicts(self.world.ports[1], code))
        self.assertIn("nobody can sign in", self.world.logs())
        self.assert_calm()


class Setup(Base):
    """What a gateway says of a cluster that is not as it should be."""

    name, people = "cluster-setup", 4

    def start(self, seeds=None):
        port = self.world.ports[1] + 1
        self.world.start_gateway("gateway2", port, redis=seeds)
        return Client(port)

    def test_a_map_with_names_of_hosts(self):
        for node in self.lab.everybody:
            node("CONFIG", "SET", "cluster-announce-hostname", "redis.example")
            node("CONFIG", "SET", "cluster-preferred-endpoint-type", "hostname")
        client = self.start(self.lab.everybody[0].address)
        self.assertEqual(client.get("/otp/health").status, 503)
        wait_until(lambda: "cluster-preferred-endpoint-type" in self.world.log("gateway2"), "it says so")
        for node in self.lab.everybody:
            node("CONFIG", "SET", "cluster-preferred-endpoint-type", "ip")
        wait_until(lambda: client.get("/otp/health").status == 200, "and goes on when it is put right", 20)
        self.assert_calm()

    def test_a_user_who_may_not_ask(self):
        for node in self.lab.everybody:
            node("ACL", "SETUSER", "otp-gateway", "-cluster|slots")
        client = self.start(self.lab.everybody[0].address)
        self.assertEqual(client.get("/otp/health").status, 503)
        wait_until(lambda: self.world.log("gateway2").count("CLUSTER SLOTS was refused") == 2, "each worker says so")
        for node in self.lab.everybody:
            node("ACL", "SETUSER", "otp-gateway", "+cluster|slots")
        wait_until(lambda: client.get("/otp/health").status == 200, "and goes on when it is put right", 20)
        self.assertEqual(self.world.log("gateway2").count("CLUSTER SLOTS was refused"), 2, "once")
        self.assert_calm()

    def test_the_address_of_a_replica(self):
        client = self.start(self.lab.replica_of(self.lab.nodes[0]).address)
        wait_until(lambda: client.get("/otp/health").status == 200, "a replica knows the map, too", 20)
        expect(client.login("p001"), "ok")
        self.assert_calm()


if __name__ == "__main__":
    unittest.main()
