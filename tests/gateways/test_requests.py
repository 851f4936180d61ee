"""More requests for activation than a page of the helpdesk shows, all listed once from page to page."""
import json
import unittest
import urllib.parse

from world import AGENT, Client, Key, World, expect

REQUESTS = 50       # a page shows 48


class Requests(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = World("requests", 14, people=REQUESTS)

    @classmethod
    def tearDownClass(cls):
        cls.world.stop()

    def ask(self, uid):
        serial = "9" + uid[1:].zfill(8)
        key = Key(json.loads(self.world.otpctl("key", "generate", "--serial", serial))["uri"], serial, 60)
        client = Client(self.world.ports[0])
        expect(client.login(uid), "ok")
        expect(client.submit("key", serial=serial, code=key.code(key.step())), "requested")
        return serial

    def test_pages_of_requests(self):
        asked = [self.ask(uid) for uid in self.world.people]
        _key, agent = self.world.enrol(AGENT)
        first = agent.at(self.world.ports[1]).get("/otp/helpdesk/requests").json
        self.assertEqual(len(first["requests"]), 48)
        self.assertTrue(first["more"])
        address = "/otp/helpdesk/requests?after=" + urllib.parse.quote(first["after"])
        second = agent.at(self.world.ports[1]).get(address).json
        self.assertFalse(second["more"])
        listed = first["requests"] + second["requests"]
        self.assertEqual(sorted(row["serial"] for row in listed), sorted(asked))
        self.assertEqual([row["at"] for row in listed], sorted(row["at"] for row in listed))
        page = agent.get("/otp/helpdesk/requests", headers={"Accept": "text/html"}).body.decode()
        self.assertIn("helpdesk/requests?after=" + first["after"], page)


if __name__ == "__main__":
    unittest.main()
