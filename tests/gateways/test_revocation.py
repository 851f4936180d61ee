"""What ends a session ends it on every gateway, at once (G3)."""
import time
import unittest

from world import PIN, Client, World, expect


class Revocation(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = World("revocation", 2)
        cls.people = iter(cls.world.people)

    @classmethod
    def tearDownClass(cls):
        cls.world.stop()

    def signed_in(self):
        uid = next(self.people)
        client = Client(self.world.ports[0])
        expect(client.login(uid), "ok")
        other = client.at(self.world.ports[1])
        self.assertEqual(other.get("/desk/page.txt").status, 200, "good on both gateways")
        return uid, client, other

    def assert_ends(self, other, path="/desk/page.txt"):
        """Refused by the other gateway: tried each 10 ms; after 100 ms it must be."""
        start = time.monotonic()
        while other.get(path).status == 200:
            self.assertLess(time.monotonic() - start, 0.1)
            time.sleep(0.01)
        for _ in range(20):
            self.assertEqual(other.get(path).status, 401)

    def test_signing_out_on_one_gateway_is_refused_on_the_other(self):
        _uid, client, other = self.signed_in()
        kept = other.at(self.world.ports[1])
        expect(client.submit("logout"), "ok")
        self.assert_ends(kept)

    def test_the_cookie_before_the_passcode_is_dead_everywhere(self):
        uid = next(self.people)
        key, _client = self.world.enrol(uid)
        client = Client(self.world.ports[0])
        expect(client.login(uid), "ok")
        before = client.at(self.world.ports[1])
        expect(client.submit("passcode", passcode=PIN + key.code(key.used + 1)), "ok")
        self.assert_ends(before)
        self.assertEqual(client.at(self.world.ports[1]).get("/app/page.txt").status, 200)

    def test_otpctl_session_revoke_ends_the_sessions_of_a_person(self):
        uid, _client, other = self.signed_in()
        self.world.otpctl("session", "revoke", "--user", uid)
        self.assert_ends(other)

    def test_disabling_a_key_takes_the_level_of_the_sessions_it_opened(self):
        uid = next(self.people)
        key, client = self.world.enrol(uid)
        other = client.at(self.world.ports[1])
        self.assertEqual(other.get("/app/page.txt").status, 200)
        self.world.otpctl("key", "disable", key.serial, "--reason", "stolen")
        self.assert_ends(other, "/app/page.txt")
        self.assertNotEqual(client.login_passcode(uid, PIN + key.code(key.used + 1)).json.get("verdict"), "ok")

    def test_revoking_all(self):
        _uid, _client, other = self.signed_in()
        self.world.otpctl("session", "revoke", "--all")
        self.assert_ends(other)


if __name__ == "__main__":
    unittest.main()
