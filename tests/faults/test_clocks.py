"""Clocks that jump by an hour: nothing is accepted twice, locks hold, and the difference is told."""
import os
import re
import subprocess
import time
import unittest

from town import Town
from world import BUILD, PERIOD, PIN, Client, wait_until

HOUR = 3600
LOCK = 10       # wrong passcodes


class Clocks(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.town = Town("clocks", clocks=("gateway0", "gateway1", "redis"), proxies=False)
        cls.addClassCleanup(cls.town.stop)
        cls.people = iter(cls.town.people)

    def setUp(self):
        self.addCleanup(self.back)

    def tearDown(self):
        self.assertEqual(self.town.alarms(), [])

    def move(self, seconds, *names):
        for name in names:
            self.town.move_clock(name, seconds)
        self.see()

    def back(self):
        for name in ("gateway0", "gateway1", "redis"):
            self.town.move_clock(name, 0)
        self.see()

    def see(self):
        """nginx looks at the clock when something happens."""
        for port in self.town.ports:
            wait_until(lambda: Client(port).get("/otp/health").status == 200, "it goes on")
        time.sleep(0.1)

    def enrol(self):
        uid = next(self.people)
        key, client = self.town.enrol(uid)
        return uid, key, client

    def tries(self, uid, port, code):
        return Client(port).login_passcode(uid, PIN + code).json.get("verdict")

    def accepted(self, uid, key, port, step):
        return self.tries(uid, port, key.code(step)) == "ok"

    def spent_everywhere(self, uid, key, steps):
        for port in self.town.ports:
            for step in steps:
                self.assertFalse(self.accepted(uid, key, port, step), f"step {step} at {port}")

    def a_code_once(self, ahead, *names):
        """What was accepted before the jump, or during it, is accepted by nobody during it and after it."""
        uid, key, _client = self.enrol()
        before = key.used + 1
        self.assertTrue(self.accepted(uid, key, self.town.ports[0], before))
        self.move(ahead, *names)
        moved = int((time.time() + ahead) // PERIOD)
        taken = {port: self.accepted(uid, key, port, moved) for port in self.town.ports}
        # Ahead: one displayed code, one door.  Behind: it is older than the last accepted one.
        self.assertEqual(sum(taken.values()), 1 if ahead > 0 else 0)
        self.spent_everywhere(uid, key, (before, moved))
        self.back()
        self.spent_everywhere(uid, key, (before, moved))
        return uid, key

    def test_one_gateway_ahead(self):
        self.a_code_once(HOUR, "gateway0")

    def test_one_gateway_behind(self):
        self.a_code_once(-HOUR, "gateway0")

    def test_all_ahead(self):
        self.a_code_once(HOUR, "gateway0", "gateway1", "redis")

    def test_all_behind(self):
        self.a_code_once(-HOUR, "gateway0", "gateway1", "redis")

    def test_redis_ahead_and_behind(self):
        for ahead in (HOUR, -HOUR):
            uid, key, _client = self.enrol()
            another, other, _client = self.enrol()
            step = key.used + 1
            self.assertTrue(self.accepted(uid, key, self.town.ports[0], step))
            self.move(ahead, "redis")
            self.spent_everywhere(uid, key, (step, step - 1))
            self.assertTrue(self.accepted(another, other, self.town.ports[1], other.used + 1), "it is not needed to sign in")
            self.back()
            self.spent_everywhere(uid, key, (step,))

    def test_sessions_and_pages_while_clocks_jump(self):
        uid, _key, client = self.enrol()
        for ahead, names in ((-HOUR, ("gateway0",)), (-HOUR, ("redis",)), (-HOUR, ("gateway0", "gateway1", "redis"))):
            self.move(ahead, *names)
            for port in self.town.ports:
                answer = client.at(port).get("/echo/")
                self.assertIn(answer.status, (200, 401), f"{names} {ahead}")
                if answer.status == 200:
                    self.assertEqual(answer.body, b"the application of " + uid.encode())
            self.back()
        for port in self.town.ports:
            self.assertEqual(client.at(port).get("/echo/").status, 200, "the same session goes on")

    def locked(self):
        uid, key, _client = self.enrol()
        for _ in range(LOCK):
            self.tries(uid, self.town.ports[1], key.code(key.step() - 1000))
        self.assertFalse(self.accepted(uid, key, self.town.ports[1], key.used + 1), "it is locked")
        return uid, key

    def test_lock_outlives_redis_clock(self):
        for ahead in (HOUR, -HOUR):
            uid, key = self.locked()
            self.move(ahead, "redis")
            self.assertFalse(self.accepted(uid, key, self.town.ports[0], key.used + 1))
            self.back()
            self.assertFalse(self.accepted(uid, key, self.town.ports[1], key.used + 1))

    def test_lock_outlives_a_gateway_that_jumped(self):
        """A lock ends by a clock, so one that is ahead ends it early, there: but only for codes of that hour, which
        nobody's key shows; and it is still there when the clock is right again."""
        for ahead in (HOUR, -HOUR):
            uid, key = self.locked()
            self.move(ahead, "gateway0")
            self.assertFalse(self.accepted(uid, key, self.town.ports[0], key.used + 1), "the key shows another hour's code")
            self.assertFalse(self.accepted(uid, key, self.town.ports[1], key.used + 1), "the other one keeps the lock")
            self.back()
            for port in self.town.ports:
                self.assertFalse(self.accepted(uid, key, port, key.used + 1))

    def test_doctor_tells_the_difference(self):
        self.assertNotRegex(self.doctor(), "(?im)^.*(warn|error).*clock")
        self.move(HOUR, "redis")
        self.assertRegex(self.doctor(), r"(?i)clock.*3[56]\d\d|clock.*(ahead|behind|differ)")

    def doctor(self):
        done = subprocess.run([os.path.join(BUILD, "otpctl"), "--redis", self.town.address("otpctl"), "--keyring",
                               os.path.join(self.town.root, "keyring"), "doctor"], capture_output=True, text=True)
        return "\n".join(line for line in (done.stdout + done.stderr).splitlines() if re.search("(?i)clock|time", line))


if __name__ == "__main__":
    unittest.main()
