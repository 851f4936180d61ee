"""The master changes, and the gateways find the new one by themselves; no code is good for a second time (G1, G2)."""
import re
import signal
import time
import unittest

from sentinels import Sentinels
from world import PERIOD, PIN, Client, World, expect, quiet_step, wait_until

BUDGET = 3      # seconds a request may take at most: its timeout, and what a busy machine adds
FOUND = 4       # seconds after which a new master is found: one or two, and what a busy machine adds


class Failover(unittest.TestCase):
    def setUp(self):
        self.world = Sentinels("sentinel", 18)
        self.people = iter(self.world.people)

    def tearDown(self):
        self.world.stop()

    def ask(self, client):
        start = time.monotonic()
        answer = client.get("/app/page.txt")
        self.assertLess(time.monotonic() - start, BUDGET)
        self.assertIn(answer.status, (200, 503))
        return answer.status

    def clients(self, client):
        return [client.at(port) for port in self.world.ports]

    def assert_found(self, clients, since):
        """Each gateway serves again, with the session of before, within FOUND seconds of `since`: all its workers."""
        for client in clients:
            wait_until(lambda: self.ask(client) == 200, "the gateway finds the master", 30)
            self.assertLess(time.monotonic() - since, FOUND)
        time.sleep(max(0, since + FOUND - time.monotonic()))
        for client in clients:
            self.assertEqual([self.ask(client) for _ in range(8)], [200] * 8)
            expect(Client(client.port).login(next(self.people)), "ok")

    def assert_calm(self):
        self.assertNotRegex(self.world.logs(), r"\[(alert|emerg|crit)\]")

    def test_the_master_is_killed(self):
        key, client = self.world.enrol(next(self.people))
        clients, old = self.clients(client), self.world.master()
        self.world.signal(old, signal.SIGKILL)
        for one in clients:
            self.assertEqual(self.ask(one), 503)
        self.assert_found(clients, self.world.await_other_master(old))
        for port in self.world.ports:
            answer = Client(port).login_passcode("p000", PIN + key.code(key.used))
            self.assertIn(answer.json.get("verdict"), ("already_used", "wait_next_code"))

        # The old one comes back as a replica; when it is the master again it is found again.
        self.world.start_server(old, self.world.master())
        wait_until(lambda: self.world.info(old, "master_link_status") == "up", "it follows", 30)
        self.assertEqual([self.ask(one) for one in clients], [200, 200])
        self.assertEqual(len(re.findall(r'master "salle" is at', self.world.log("gateway0"))), 2 * 2,
                         "a line a worker for the first master, and one for the second")
        self.assert_calm()

    def test_a_write_that_the_new_master_never_had(self):
        key, client = self.world.enrol(next(self.people))
        quiet_step(need=40)
        if key.step() > key.used + 1:
            key.used = key.step() - 1
        code, old = PIN + key.code(key.used + 1), self.world.master()
        others = [port for port in self.world.ports_of_redis if port != old]
        for port in others:
            self.world.signal(port, signal.SIGSTOP)
        self.world.cli(old, "client", "kill", "type", "replica")
        expect(Client(self.world.ports[0]).login_passcode("p000", code), "ok")
        self.world.signal(old, signal.SIGKILL)
        for port in others:
            self.world.signal(port, signal.SIGCONT)
        self.assert_found(self.clients(Client(0, client.cookies)), self.world.await_other_master(old))
        if key.step() < key.used + 1:
            time.sleep(PERIOD - time.time() % PERIOD)
        for port in self.world.ports:
            answer = Client(port).login_passcode("p000", code)
            self.assertIn(answer.json.get("verdict"), ("wait_next_code", "already_used"), f"at port {port}")
        self.assertIn("codes of up to now are spent", self.world.logs())
        self.assert_calm()

    def test_the_master_hangs(self):
        _key, client = self.world.enrol(next(self.people))
        clients, old = self.clients(client), self.world.master()
        self.world.signal(old, signal.SIGSTOP)
        for one in clients:
            self.ask(one)       # from the session cache, or not at all
        self.assert_found(clients, self.world.await_other_master(old))
        self.world.signal(old, signal.SIGCONT)
        wait_until(lambda: self.world.info(old, "role") == "slave", "the old one follows", 60)
        self.assertEqual([self.ask(one) for one in clients], [200, 200])
        self.assert_calm()

    def test_a_failover_by_hand_and_back(self):
        _key, client = self.world.enrol(next(self.people))
        clients = self.clients(client)
        for _ in range(2):
            old = self.world.master()
            sentinel = self.world.ports_of_sentinels[0]
            wait_until(lambda: self.world.cli(sentinel, "sentinel", "failover", "salle") == "OK", "it is begun", 60)
            since = self.world.await_other_master(old)
            wait_until(lambda: self.world.info(old, "role") == "slave", "the old one follows", 60)
            self.assert_found(clients, max(since, time.monotonic()))
        self.assert_calm()

    def test_a_sentinel_is_killed_and_then_the_master(self):
        _key, client = self.world.enrol(next(self.people))
        clients, old = self.clients(client), self.world.master()
        self.world.signal(self.world.ports_of_sentinels[0], signal.SIGKILL)
        for _ in range(20):
            self.assertEqual([self.ask(one) for one in clients], [200, 200])
            time.sleep(0.1)
        self.world.signal(old, signal.SIGKILL)
        self.assert_found(clients, self.world.await_other_master(old))
        self.world.start_sentinel(self.world.ports_of_sentinels[0])
        self.assert_calm()

    def test_without_sentinels_the_master_stays(self):
        _key, client = self.world.enrol(next(self.people))
        for port in self.world.ports_of_sentinels:
            self.world.signal(port, signal.SIGKILL)
        time.sleep(2)
        expect(Client(self.world.ports[0]).login(next(self.people)), "ok")
        self.world.start_gateway("gateway2", self.world.ports[1] + 1)
        late = Client(self.world.ports[1] + 1, client.cookies)
        self.assertEqual(self.ask(late), 503, "it has nobody to ask")
        for port in self.world.ports_of_sentinels:
            self.world.start_sentinel(port)
        wait_until(lambda: self.ask(late) == 200, "now it has", 10)
        self.assert_calm()


class Replicas(unittest.TestCase):
    """replicas=1: no success before a replica has what was written."""

    def setUp(self):
        self.world = Sentinels("sentinel-replicas", 18, replicas=1)
        self.people = iter(self.world.people)

    def tearDown(self):
        self.world.stop()

    def test_without_a_replica_nobody_signs_in(self):
        key, _client = self.world.enrol(next(self.people))
        others = [port for port in self.world.ports_of_redis if port != self.world.master()]
        for port in others:
            self.world.signal(port, signal.SIGSTOP)
        one = Client(self.world.ports[0])
        answer = one.login_passcode("p000", PIN + key.code(key.used + 1))
        self.assertEqual(answer.status, 503, answer)
        self.assertEqual(one.get("/otp/session").status, 401, "there is no session")
        self.assertEqual(Client(self.world.ports[0]).login("p001").status, 503, "nor with a password")
        self.assertIn("nobody can sign in", self.world.logs())
        for port in others:
            self.world.signal(port, signal.SIGCONT)
        self.assertNotEqual(Client(self.world.ports[1]).login_passcode("p000", PIN + key.code(key.used + 1))
                            .json.get("verdict"), "ok", "the write survived, the code is spent")
        self.world.enrol(next(self.people))
        self.assertIn("replicas have what is written again", self.world.logs())

    def test_scripts_that_are_flushed_are_loaded_again(self):
        key, _client = self.world.enrol(next(self.people))
        self.world.redis_cli("script", "flush")
        code = PIN + key.code(key.used + 1)
        wait_until(lambda: Client(self.world.ports[0]).login_passcode("p000", code).json.get("verdict") == "ok",
                   "after one that failed", 5)

    def test_the_master_is_killed(self):
        key, client = self.world.enrol(next(self.people))
        old = self.world.master()
        expect(Client(self.world.ports[0]).login_passcode("p000", PIN + key.code(key.used + 1)), "ok")
        self.world.signal(old, signal.SIGKILL)
        since = self.world.await_other_master(old)
        one = client.at(self.world.ports[0])
        wait_until(lambda: one.get("/app/page.txt").status == 200, "the gateway finds the master", 30)
        self.assertLess(time.monotonic() - since, FOUND)
        wait_until(lambda: self.world.info(self.world.master(), "connected_slaves") == "1", "a replica follows", 60)
        code = PIN + key.code(key.used + 1)
        wait_until(lambda: Client(self.world.ports[1]).login_passcode("p000", code).status != 503, "it writes", 10)
        self.assertEqual(Client(self.world.ports[1]).login_passcode("p000", code).json.get("verdict"), "already_used",
                         "the replica had it")
        expect(Client(self.world.ports[0]).login(next(self.people)), "ok")


class Restart(unittest.TestCase):
    """One Redis, started again: nobody can say what it has forgotten."""

    def setUp(self):
        self.world = World("sentinel-restart", 18)

    def tearDown(self):
        self.world.stop()

    def test_codes_of_before_are_spent(self):
        self.assertEqual(self.world.redis_cli("get", "otp:master:{0}").split()[1:], ["0"], "a new Redis spends nothing")
        key, client = self.world.enrol("p000")
        fresh = self.world.new_key("p001", 20)
        self.world.kill_redis()
        self.world.start_redis()
        wait_until(lambda: client.get("/app/page.txt").status == 200, "the same session works again")
        since = int(self.world.redis_cli("get", "otp:master:{0}").split()[1])
        self.assertLess(abs(since - time.time()), 60)

        # A gateway that starts later is told by Redis.  Ahead by one is what a window of one step may have accepted.
        self.world.start_gateway("gateway2", self.world.ports[1] + 1)
        ports = (*self.world.ports, self.world.ports[1] + 1)
        free = since // 20 + 2
        for port in ports:
            self.assertEqual(Client(port).login_passcode("p000", PIN + key.code(key.used)).json.get("verdict"),
                             "already_used")
            if time.time() < 20 * free - 2:
                self.assertEqual(Client(port).login_passcode("p001", fresh.code(fresh.step())).json.get("verdict"),
                                 "wait_next_code")
        time.sleep(max(0, 20 * free - time.time()) + 0.1)
        expect(Client(ports[2]).login_passcode("p001", fresh.code(fresh.step())), "pin_required")

    def test_a_master_since_tomorrow(self):
        name, who = "otp:master:{0}", self.world.redis_cli("get", "otp:master:{0}").split()[0]
        self.world.redis_cli("set", name, f"{who} {int(time.time()) + 86400}")
        port = self.world.ports[1] + 1
        self.world.start_gateway("gateway2", port)
        wait_until(lambda: Client(port).get("/otp/health").status == 200, "it goes on")
        self.assertRegex(self.world.log("gateway2"), r"master since 8\d{4} s from now: set the clocks")

    def test_a_redis_that_does_not_say_who_it_is(self):
        self.world.redis_cli("acl", "setuser", "otp-gateway", "-role", "-info")
        port = self.world.ports[1] + 1
        self.world.start_gateway("gateway2", port)
        wait_until(lambda: Client(port).get("/otp/health").status == 200, "it goes on")
        for right in ("+role", "+info"):
            self.assertIn(f"lua-free-conf/redis/otp.acl has: {right}", self.world.log("gateway2"))

    def test_a_replica_is_not_the_master(self):
        key, client = self.world.enrol("p000")
        self.assertEqual(client.get("/app/page.txt").status, 200)
        self.world.redis_cli("replicaof", "127.0.0.1", "1")
        port = self.world.ports[1] + 1
        self.world.start_gateway("gateway2", port)
        self.assertEqual(client.at(port).get("/app/page.txt").status, 503)
        self.assertIn("it is a replica: otp_redis takes the master's address", self.world.log("gateway2"))
        wait_until(lambda: self.world.log("gateway2").count("it is a replica:") == 2, "told by each worker")
        for one in (client, client.at(self.world.ports[1])):
            wait_until(lambda: one.get("/app/page.txt").status == 503, "those of before leave it, too", 15)
        self.world.redis_cli("replicaof", "no", "one")
        wait_until(lambda: client.at(port).get("/app/page.txt").status == 200, "it is the master again", 15)
        self.assertEqual(self.world.log("gateway2").count("it is a replica:"), 2, "told once")
        since = int(self.world.redis_cli("get", "otp:master:{0}").split()[1])
        self.assertGreater(since, 0, "it never stopped, and may have forgotten all the same")


if __name__ == "__main__":
    unittest.main()
