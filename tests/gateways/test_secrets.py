"""A full copy of Redis, of the logs and of the audit has no secret in it, in any spelling (G6)."""
import base64
import glob
import os
import time
import unittest

from world import PASSWORD, PIN, Client, World, expect


def spellings(secret):
    """The secret as bytes, in hexadecimal, base32 and base64, wherever it begins in a group of those."""
    yield secret
    yield secret.hex().encode()
    yield secret.hex().upper().encode()
    for lead in range(5):
        yield base64.b32encode(b"\0" * lead + secret)[8:].rstrip(b"=")[:-1]
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        for lead in range(3):
            yield encode(b"\0" * lead + secret)[4 if lead else 0:].rstrip(b"=")[:-1]
    yield secret[::-1]
    yield b"".join(b"\\x%02x" % byte for byte in secret)


class Secrets(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = World("secrets", 6)

    @classmethod
    def tearDownClass(cls):
        cls.world.stop()

    def test_nothing_at_rest_is_a_secret(self):
        uid = self.world.people[0]
        key, client = self.world.enrol(uid)
        wrong = "wrong-password-typed"
        Client(self.world.ports[0]).login(uid, wrong)
        Client(self.world.ports[0]).login_passcode(uid, "918273" + key.code(key.used + 1))
        stepped = Client(self.world.ports[1])
        expect(stepped.login(uid), "ok")
        half = Client(self.world.ports[0])
        other = self.world.new_key(self.world.people[1])
        expect(half.login_passcode(self.world.people[1], other.code(other.step())), "pin_required")
        time.sleep(0.3)

        secrets = {"seed": key.seed, "seed as text": key.base32.encode(), "seed of the second key": other.seed,
                   "PIN": PIN.encode(), "PIN that was wrong": b"918273",
                   "passcode": (PIN + key.code(key.used)).encode(),
                   "password": PASSWORD.encode(), "password that was wrong": wrong.encode()}
        for name, browser in (("session", client), ("password session", stepped), ("pending", half)):
            for cookie, value in browser.cookies.items():
                if len(value) == 43:
                    secrets[f"cookie {cookie} of {name}"] = value.encode()
                    secrets[f"bytes of cookie {cookie} of {name}"] = base64.urlsafe_b64decode(value + "=")
        self.assertGreaterEqual(sum("bytes of" in name for name in secrets), 3, "the cookies were found")
        with open(os.path.join(self.world.root, "keyring")) as ring:
            for line in ring:
                if len(line.split()) == 3:
                    secrets["key of the ring"] = base64.urlsafe_b64decode(line.split()[2] + "=")
        self.assertIn("key of the ring", secrets)

        places = {"Redis": b"".join(self.dump())}
        for path in glob.glob(os.path.join(self.world.root, "*.log")) + glob.glob(
                os.path.join(self.world.root, "redis", "**", "*"), recursive=True):
            if os.path.isfile(path):
                with open(path, "rb") as file:
                    places[os.path.basename(path)] = file.read()
        self.assertIn(uid.encode(), places["Redis"], "the dump is of the right Redis")
        for place, text in places.items():
            for name, secret in secrets.items():
                for spelling in spellings(secret):
                    self.assertFalse(len(spelling) > 3 and spelling in text, f"{name} as {spelling!r} in {place}")

    def dump(self):
        for name in self.world.redis_cli("--scan", binary=True).splitlines():
            kind = self.world.redis_cli("type", name.decode()).strip()
            yield name + b"\n"
            yield self.world.redis_cli("--raw", *{
                "string": ["get", name.decode()], "stream": ["xrange", name.decode(), "-", "+"],
                "set": ["smembers", name.decode()], "zset": ["zrange", name.decode(), "0", "-1"],
                "hash": ["hgetall", name.decode()], "list": ["lrange", name.decode(), "0", "-1"]}[kind], binary=True)


if __name__ == "__main__":
    unittest.main()
