"""A Redis that has lost its last writes, as a replica may have when it becomes the master: what a gateway has accepted,
it does not accept again, and nobody is the worse for it."""
import json
import os
import signal
import subprocess
import unittest

from world import PIN, Client, World, expect, quiet_step, wait_until


class LostWrites(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = World("lost_writes", 20)
        cls.people = iter(cls.world.people)

    @classmethod
    def tearDownClass(cls):
        cls.world.stop()

    def redis(self, *words, given=b""):
        return subprocess.run(["redis-cli", "-s", self.world.socket, "--user", "admin", *words], input=given,
                              capture_output=True, check=True,
                              env={**os.environ, "REDISCLI_AUTH": "le mot de passe de admin"}).stdout

    def account(self, uid):
        """The name of the record, and the record."""
        names = [name for name in self.redis("--scan", "--pattern", "otp:acct:*").decode().split()
                 if name.endswith(":" + uid)]
        self.assertEqual(len(names), 1, names)
        return names[0], self.redis("dump", names[0])[:-1]

    def put_back(self, record):
        name, dump = record
        self.redis("del", name)
        self.assertEqual(self.redis("-x", "restore", name, "0", given=dump).strip(), b"OK")

    def person(self, uid):
        return json.loads(self.world.otpctl("user", "show", uid))

    def at(self, number):
        return Client(self.world.ports[number])

    def test_code_is_not_accepted_again_by_the_gateway_that_has_seen_it(self):
        uid = next(self.people)
        key, _client = self.world.enrol(uid)
        quiet_step(need=20)
        code = PIN + key.code(key.used + 1)
        before = self.account(uid)
        state = self.person(uid)
        expect(self.at(0).login_passcode(uid, code), "ok")
        self.put_back(before)
        for _ in range(12):     # more than would lock, and in either worker
            answer = expect(self.at(0).login_passcode(uid, code), "wait_next_code")
            self.assertEqual(answer.status, 401)
            self.assertGreater(answer.json["retry_after"], 0)
        self.assertEqual(self.account(uid)[1], before[1], "nothing was written to the account")
        self.assertEqual(self.person(uid), state, "no failure, no lock")
        events = self.world.otpctl("audit", "--user", uid)
        self.assertEqual(events.count('"wait_next_code"'), 12 + 1)      # one is of the PIN
        self.assertNotIn("replay", events)

        # What the key shows next is accepted, at the other gateway too.
        key.used += 1
        step = key.used + 1
        wait_until(lambda: key.step() >= step - 1, "the display changes", 70)
        expect(self.at(1).login_passcode(uid, PIN + key.code(step)), "ok")

    def test_first_use_is_not_opened_again(self):
        uid = next(self.people)
        key = self.world.new_key(uid)
        quiet_step(need=20)
        before = self.account(uid)
        code = key.code(key.step())
        expect(self.at(0).login_passcode(uid, code), "pin_required")
        self.put_back(before)
        expect(self.at(0).login_passcode(uid, code), "wait_next_code")
        expect(self.at(0).login_passcode(uid, key.code(key.step() + 1)), "pin_required")

    def test_reload_keeps_what_was_seen(self):
        uid = next(self.people)
        key, _client = self.world.enrol(uid)
        quiet_step(need=25)
        code = PIN + key.code(key.used + 1)
        before = self.account(uid)
        expect(self.at(0).login_passcode(uid, code), "ok")
        self.put_back(before)
        workers = self.workers()
        self.world.processes[0].send_signal(signal.SIGHUP)
        wait_until(lambda: not self.workers() & workers, "the old workers end")
        wait_until(lambda: self.at(0).get("/otp/health").status == 200, "the new ones answer")
        expect(self.at(0).login_passcode(uid, code), "wait_next_code")

    def workers(self):
        found = subprocess.run(["pgrep", "-P", str(self.world.processes[0].pid)], capture_output=True, text=True)
        return set(found.stdout.split())

    def test_without_a_lost_write_a_spent_code_is_still_told_as_used(self):
        uid = next(self.people)
        key, _client = self.world.enrol(uid)
        quiet_step(need=15)
        code = PIN + key.code(key.used + 1)
        expect(self.at(0).login_passcode(uid, code), "ok")
        for number in (0, 1, 0):
            expect(self.at(number).login_passcode(uid, code), "already_used")

    def test_the_logs_are_quiet(self):
        self.assertNotRegex(self.world.logs(), r"\[(alert|emerg|crit)\]")


if __name__ == "__main__":
    unittest.main()
