"""The table of faults, line by line: two gateways, people who come and go, one fault at a time; then all is judged."""
import asyncio
import collections
import os
import random
import re
import signal
import subprocess
import threading
import time
import unittest

import faults
from crowd import Crowd, worked
from history import BACK, History, Limits
from test_hashing import Distant, close, password_form, storm
from town import PERIOD, Town, command
from world import BUILD, Client, wait_until

BUDGET = 3.0        # seconds: of one of Redis' answers, and what a busy machine adds
LEASE = 4           # seconds a session cache is believed that hears nothing, and what a busy machine adds
AT_ONCE = 0.5       # seconds a refusal takes that asks nobody
GUESTS, STORM = 8, 50

class Table(unittest.TestCase):
    CLOCKS, KEEPS, ORPHAN = (), True, None

    @classmethod
    def setUpClass(cls):
        cls.town = Town(cls.__name__.lower(), clocks=cls.CLOCKS, orphan=cls.ORPHAN, people=GUESTS + 8 + STORM)
        cls.addClassCleanup(cls.town.stop)
        cls.history = History()
        cls.crowd = Crowd(cls.town, cls.history, 1, people=2, guests=GUESTS)
        cls.known = set()
        cls.crowd.start()
        cls.addClassCleanup(cls.crowd.stop)

    def tearDown(self):
        self.served_again()
        wrong = self.crowd.verdict(Limits(budget=BUDGET, keeps_sessions=self.KEEPS))
        wrong += self.crowd.errors + self.town.alarms()
        new = [sentence for sentence in wrong if sentence not in self.known]
        self.known.update(new)
        self.maxDiff = None
        self.assertEqual(new, [])

    def served_again(self):
        """The next fault begins when every gateway serves; that takes no longer than BACK."""
        since = time.monotonic()
        for name in self.town.names():
            wait_until(lambda: any(one.kind == "page" and one.outcome == "ok" and one.gateway == name and one.invoked > since
                                   for one in self.history.operations[-200:]), f"{name} serves", BACK)

    def guest(self):
        """(somebody who has not tried the code of now, its step)"""
        while True:
            for guest in self.crowd.guests:
                if guest.key.step() > guest.tried:
                    return guest, guest.fresh_step(self.crowd.over.is_set)
            time.sleep(0.05)

    def tries(self, port):
        guest, step = self.guest()
        return guest.sign_in(port, step)[0]

    def refused(self, fault, seconds=0.5, public=True):
        """While it holds nobody signs in, at any gateway it concerns; afterwards one does, with a later code."""
        with fault.during(self.history):
            end = time.monotonic() + seconds
            ports = [port for port in self.town.ports if self.town.name_of(port) in fault.gateways]
            guest, step = self.guest()
            for port in ports:
                self.assertFalse(worked(guest.sign_in(port, step)[0]), fault.name)
                self.assertNotEqual(Client(port).login(self.town.people[-1]).json.get("verdict"), "ok", fault.name)
                if public:
                    self.assertEqual(Client(port).get("/open/page.txt").status, 200)
            time.sleep(max(0, end - time.monotonic()))
        self.comes_in()

    def comes_in(self, seconds=4 * PERIOD):
        """With the code of one of the next steps: a restart has spent those of up to now."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for port in self.town.ports:
                if worked(self.tries(port)):
                    return
        self.fail("nobody can sign in any more")


class RedisFaults(Table):
    def test_redis_killed_and_restarted_after_5_s(self):
        fault = faults.RedisKilled(self.town)
        with fault.during(self.history):
            for port in self.town.ports:
                page = Client(port, self.crowd.watcher.first.cookies).get("/echo/")
                self.assertEqual(page.status, 503)
                self.assertTrue(page.headers["Retry-After"].isdigit())
                self.assertEqual(Client(port).get("/otp/login").status, 503)
                self.assertEqual(Client(port).get("/open/page.txt").status, 200, "public pages are untouched")
            time.sleep(5)
        self.comes_in()

    def test_redis_hangs(self):
        with faults.RedisHangs(self.town).during(self.history):
            begun = time.monotonic()
            for port in self.town.ports:
                client = Client(port, self.crowd.watcher.first.cookies)
                while time.monotonic() < begun + LEASE:     # a cache that hears nothing is not believed for longer
                    self.timed(client, BUDGET)
                for _ in range(20):
                    self.assertEqual(self.timed(client, AT_ONCE), 503)
                    self.assertEqual(client.get("/open/page.txt").status, 200)
        self.comes_in()

    def timed(self, client, seconds):
        start = time.monotonic()
        status = client.get("/echo/").status
        self.assertIn(status, (200, 503))
        self.assertLess(time.monotonic() - start, seconds)
        return status

    def test_answers_that_do_not_arrive_at_one_gateway(self):
        with faults.Frozen(self.town, "gateway0").during(self.history):
            client = Client(self.town.ports[1], self.crowd.watcher.first.cookies)
            for _ in range(10):
                self.assertEqual(client.get("/echo/").status, 200, "the other one goes on")
                time.sleep(0.2)

    def test_answers_cut_reset_slow_and_nonsense(self):
        for how in ("cut", "reset", "nonsense", "other types", "too many"):
            with self.subTest(how):
                self.refused(faults.Spoiled(self.town, how, ("gateway0",)))
        self.served_again()
        with faults.Slow(self.town).during(self.history):
            operation = self.tries(self.town.ports[0])
            self.assertTrue(worked(operation), "slow is not away")

    def test_errors_of_every_kind(self):
        for name in faults.ERRORS:
            with self.subTest(name):
                self.refused(faults.Spoiled(self.town, name))

    def test_real_OOM(self):
        self.refused(faults.Setting(self.town, "Redis has no memory left", "maxmemory", "1", "0"))

    def test_real_NOREPLICAS(self):
        self.refused(faults.Setting(self.town, "Redis wants a replica", "min-replicas-to-write", "1", "0"))

    def test_real_READONLY(self):
        self.refused(faults.Replica(self.town))

    def test_real_MASTERDOWN(self):
        self.refused(faults.Replica(self.town, stale=False))

    def test_real_NOPERM(self):
        for what in ("-evalsha", "-@all", "resetkeys"):
            with self.subTest(what):
                self.refused(faults.NoRights(self.town, what))

    def test_real_NOAUTH(self):
        fault = faults.NoRights(self.town, "off")
        fault.begin = lambda: (self.town.redis_cli("acl", "setuser", "otp-gateway", "off"),
                               self.town.redis_cli("client", "kill", "user", "otp-gateway"))
        self.refused(fault)

    def test_real_NOSCRIPT(self):
        with faults.Flushed(self.town).during(self.history):
            pass
        self.comes_in()

    def test_eviction_policy_is_told_by_doctor(self):
        self.town.redis_cli("config", "set", "maxmemory-policy", "allkeys-lru")
        try:
            done = subprocess.run([os.path.join(BUILD, "otpctl"), "--redis", self.town.address("otpctl"), "--keyring",
                                   os.path.join(self.town.root, "keyring"), "doctor"], capture_output=True, text=True)
        finally:
            self.town.redis_cli("config", "set", "maxmemory-policy", "noeviction")
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stdout + done.stderr, "(?i)error.*maxmemory-policy|maxmemory-policy.*noeviction")


class GatewayFaults(Table):
    ORPHAN = "gateway0"

    def test_a_worker_killed_at_any_moment_of_a_sign_in(self):
        verdicts = []
        for moment in range(2 * GUESTS):
            fault, (guest, step) = faults.WorkerKilled(self.town, 0), self.guest()
            fault.begin = lambda: None
            with fault.during(self.history):
                signing = threading.Thread(target=guest.sign_in, args=(self.town.ports[0], step))
                signing.start()
                time.sleep(moment * 0.0004)
                for worker in self.town.workers(0):
                    os.kill(worker, signal.SIGKILL)
                signing.join()
            verdicts.append(guest.sign_in(self.town.ports[1], step)[0].verdict)
        print(f"\n    the same code again: {sorted(set(verdicts))}")
        self.comes_in()

    def test_reload_each_second_under_load(self):
        for _ in range(6):
            with faults.Reloaded(self.town, 0).during(self.history):
                time.sleep(1)

    def test_binary_upgrade_under_load(self):
        old, nginx = self.town.pid(0), command(self.town.pid(0))
        begun = time.monotonic()
        os.kill(old, signal.SIGUSR2)
        wait_until(lambda: os.path.exists(os.path.join(self.town.root, "gateway0.pid.oldbin"))
                   and os.path.exists(os.path.join(self.town.root, "gateway0.pid")) and self.town.pid(0) != old
                   and len(self.town.workers(0)) == 2, "the new binary is there", 20)
        os.kill(old, signal.SIGWINCH)
        time.sleep(1)
        os.kill(old, signal.SIGQUIT)
        wait_until(lambda: command(old) != nginx, "the old one ends", 20)
        self.history.fault("the binary is upgraded", begun, time.monotonic(), ("gateway0",))
        self.comes_in()

    def test_storm_of_password_hashes(self):
        """50 sign-ins a second with hashes that take tens of milliseconds: the excess is sent away, pages are served."""
        people = self.town.people[-STORM:]
        self.town.slow_passwords(people)
        begun = time.monotonic()
        statuses = [status for _ in range(3) for status in asyncio.run(self.storm(people))]
        pages = sorted(one.ended - one.invoked for one in self.history.operations
                       if one.kind == "page" and one.invoked > begun and one.ended)
        print(f"\n    {collections.Counter(statuses)}; {len(pages)} pages meanwhile, the slowest took {pages[-1]:.3f} s")
        self.assertEqual(set(statuses) - {200, 429, 503}, set())
        self.assertIn(200, statuses)
        self.assertGreater(len(pages), 10)
        self.assertLess(pages[-1], 1)

    async def storm(self, people):
        swimmers = [Distant(self.town.ports[number % 2], number) for number in range(STORM)]
        try:
            return [status for status, _answer in (await storm(swimmers, [password_form(uid) for uid in people]))[0]]
        finally:
            close(swimmers)

    def test_audit_file_that_cannot_be_written(self):
        """What was done is in Redis, in one step with the event; the alarm says what the file has not."""
        for number in range(2):
            before = len(re.findall("otp_audit: a line could not be written", self.town.log("gateway%d" % number)))
            with faults.AuditFull(self.town, number).during(self.history):
                self.tries(self.town.ports[number])
            after = len(re.findall("otp_audit: a line could not be written", self.town.log("gateway%d" % number)))
            self.assertGreater(after, before, "an alarm")

    def test_audit_that_redis_refuses(self):
        """No event, no change: nobody signs in, and the helpdesk can do nothing."""
        chance, (victim, step) = random.Random(1), self.guest()
        streams = self.town.redis_cli("--scan", "--pattern", "otp:events:*").split()
        begun = time.monotonic()
        with self.crowd.gate.shut():
            for stream in streams:
                self.town.redis_cli("rename", stream, stream + ":kept")
                self.town.redis_cli("set", stream, "no stream")
        try:
            self.assertFalse(worked(victim.sign_in(self.town.ports[0], step)[0]))
            before = self.town.last_steps([victim.uid])
            acted = [self.crowd.act(kind, victim, action, chance, serial=victim.key.serial, reason="lost")
                     for kind, action in (("disable", "key-disable"), ("revoke", "sessions-revoke"))]
            self.assertEqual([worked(one) for one in acted], [False, False])
            self.assertEqual(self.town.last_steps([victim.uid]), before)
            self.assertIn(victim.page(victim.first, self.town.ports[0]).status, (200,), "nothing was done")
        finally:
            with self.crowd.gate.shut():
                for stream in streams:
                    self.town.redis_cli("rename", stream + ":kept", stream)
            self.history.fault("the audit is refused", begun, time.monotonic(), self.town.names())
        self.comes_in()


if __name__ == "__main__":
    unittest.main()
