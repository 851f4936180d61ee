"""After export, flush and import every decision is what it was, spent codes included."""
import json
import os
import subprocess
import unittest

from world import BUILD, PIN, Client, World, expect, quiet_step


class Archive(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = World("archive", 10)

    @classmethod
    def tearDownClass(cls):
        cls.world.stop()

    def otpctl(self, *words, given=b""):
        return subprocess.run(
            [os.path.join(BUILD, "otpctl"), "--redis", self.world.address("otpctl"), "--keyring",
             os.path.join(self.world.root, "keyring"), *words], check=True, input=given, stdout=subprocess.PIPE).stdout

    def moved(self):
        """Everything through a file and an empty Redis."""
        archive = self.otpctl("export")
        self.world.redis_cli("flushall")
        self.otpctl("import", given=archive)

    def client(self):
        return Client(self.world.ports[1])

    def test_every_decision_is_as_before(self):
        used, unused, locked, disabled = self.world.people[:4]
        key, _client = self.world.enrol(used)
        fresh = self.world.new_key(unused)
        victim = self.world.new_key(locked)
        lost = self.world.new_key(disabled)
        self.world.otpctl("key", "disable", lost.serial, "--reason", "lost")
        for _ in range(10):
            expect(self.client().login_passcode(locked, "000000"), "denied")
        before = self.world.otpctl("user", "show", used), self.world.otpctl("user", "show", locked)
        emergency = self.world.otpctl("emergency", "issue", unused)
        self.moved()
        self.assertEqual((self.world.otpctl("user", "show", used), self.world.otpctl("user", "show", locked)), before)

        quiet_step()
        spent = expect(self.client().login_passcode(used, PIN + key.code(key.used)), "already_used")
        self.assertEqual(spent.status, 401, "the spent code stays spent")
        self.assertEqual(self.client().login_passcode(used, PIN + key.code(key.used - 1)).json["verdict"],
                         "already_used", "and every one before it")
        expect(self.client().login_passcode(used, PIN + key.code(key.used + 1)), "ok")
        expect(self.client().login_passcode(locked, victim.code(victim.step())), "denied")
        expect(self.client().login_passcode(disabled, lost.code(lost.step())), "denied")
        expect(self.client().login_passcode(unused, fresh.code(fresh.step())), "pin_required")
        client = self.client()
        expect(client.login(unused), "ok")
        expect(client.submit("passcode", passcode=json.loads(emergency)["password"]), "ok")
        self.assertEqual(client.get("/app/page.txt").status, 200)


if __name__ == "__main__":
    unittest.main()
