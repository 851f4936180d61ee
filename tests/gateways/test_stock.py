"""Keys of vendors' files sign in: SecurID with the codes that `stoken` shows, OATH with those of `oathtool`."""
import json
import os
import subprocess
import time
import unittest

from world import PIN, Client, World, expect, quiet_step


def output(*words, given=""):
    return subprocess.run(words, check=True, input=given, capture_output=True, text=True).stdout.strip()


class Stock(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = World("stock", 12)

    @classmethod
    def tearDownClass(cls):
        cls.world.stop()

    def imported(self, name, text):
        path = os.path.join(self.world.root, name)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
            file.write(text)
        self.world.otpctl("key", "import", path)
        return path

    def stock(self):
        listed = json.loads(self.world.otpctl("key", "list"))
        return listed["keys"] if isinstance(listed, dict) else listed

    def sign_in(self, uid, first, *codes):
        """First use with `first`, then PIN + each of `codes`, then the last one again."""
        client = Client(self.world.ports[0])
        expect(client.login_passcode(uid, first), "pin_required")
        expect(client.submit("pin", pin=PIN, pin_confirm=PIN), "wait_next_code")
        expect(client.submit("passcode", passcode=PIN + codes[0]), "ok")
        for code in codes[1:]:
            expect(Client(self.world.ports[1]).login_passcode(uid, PIN + code), "ok")
        expect(Client(self.world.ports[1]).login_passcode(uid, PIN + codes[-1]), "already_used")
        self.assertEqual(client.get("/app/page.txt").status, 200)

    def test_securid_with_the_codes_that_stoken_shows(self):
        path = self.imported("one.sdtid", output("stoken", "issue"))
        serial = [key["serial"] for key in self.stock() if key["type"] == "securid"][0]
        uid = self.world.people[0]
        self.world.otpctl("key", "assign", serial, uid)
        quiet_step()
        now = int(time.time())
        self.sign_in(uid, *(output("stoken", "tokencode", "--file", path, "--pin", "0000", f"--use-time={now + offset}")
                            for offset in (-60, 0, 60)))

    def test_totp_of_another_digest_with_the_codes_of_oathtool(self):
        seed = "3132333435363738393031323334353637383930313233343536373839303132"
        self.imported("keys.csv", f"serial,secret_hex,type,digits,period,algorithm\nT-1,{seed},totp,8,60,sha256\n")
        uid = self.world.people[1]
        self.world.otpctl("key", "assign", "T-1", uid)
        quiet_step()
        now = int(time.time())
        self.sign_in(uid, *(output("oathtool", "--totp=sha256", "-d", "8", "-s", "60s", "-N", f"@{now + offset}", seed)
                            for offset in (-60, 0, 60)))

    def test_hotp_with_look_ahead_and_the_codes_of_oathtool(self):
        seed = "3132333435363738393031323334353637383930"
        self.imported("button.csv", f"serial,secret_hex,type,digits,counter\nB-1,{seed},hotp,6,0\n")
        uid = self.world.people[2]
        self.world.otpctl("key", "assign", "B-1", uid)
        self.sign_in(uid, *(output("oathtool", "--hotp", "-c", str(counter), seed) for counter in (0, 1, 9)))
        skipped = output("oathtool", "--hotp", "-c", "25", seed)
        following = output("oathtool", "--hotp", "-c", "26", seed)
        client = Client(self.world.ports[0])
        expect(client.login_passcode(uid, PIN + skipped), "next_code")
        expect(client.submit("passcode", passcode=following), "ok")

    def test_a_key_made_here_shows_the_codes_of_oathtool(self):
        uid = self.world.people[3]
        key = self.world.new_key(uid)
        quiet_step()
        now = int(time.time())
        self.sign_in(uid, *(output("oathtool", "--totp", "-b", "-s", "60s", "-N", f"@{now + offset}", key.base32)
                            for offset in (-60, 0, 60)))


if __name__ == "__main__":
    unittest.main()
