"""The helpdesk: an agent reaches whom he may, with the key, in one order, and all of it is written down (G8).

| case | test |
|---|---|
| on one's own account | test_agent_does_nothing_to_his_own_account |
| on another agent's | test_agent_does_nothing_to_another_agent |
| without OTP level | test_agent_without_the_key_does_nothing, test_agent_with_an_emergency_password_does_nothing |
| two agents at once | test_two_agents_at_once_have_one_order_and_both_are_in_the_audit |
| beside it | who is no agent, forged groups, the deed by GET, by another's token, a note that forges a line, who has left |
"""
import json
import os
import re
import threading
import unittest
import urllib.parse

from stage import HTML, PASSWORD, PIN, Attack, Browser, crypted, verdict
from world import expect

HASH = crypted(PASSWORD, "$6$rounds=1000$nichtsalzig")
ACTIONS = {"pin-clear": {}, "key-assign": {"serial": "700000019"}, "key-unassign": {"serial": None},
           "key-disable": {"serial": None, "reason": "lost"}, "key-enable": {"serial": None}, "emergency": {},
           "emergency-revoke": {}, "unlock": {}, "sessions-revoke": {}}


class Helpdesk(Attack):
    PEOPLE = 30
    EXTRA = [f"{uid}:{HASH}:Agent {uid}:{uid}@example.org:helpdesk,staff" for uid in ("p901", "p902", "p903", "p904", "p905")]

    @classmethod
    def prepare(cls):
        cls.agents = {}
        for uid in ("p901", "p902"):
            key, browser = cls.house.enrol(uid)
            cls.agents[uid] = key, browser
        cls.agent, cls.victim = cls.agents["p901"][1], cls.house.people[-1]
        cls.victim_key, _browser = cls.house.enrol(cls.victim)

    def account(self, uid):
        return self.house.otpctl("user", "show", uid)

    def all_actions(self, browser, uid, serial):
        """Every action on this person, each with what it needs."""
        for action, fields in ACTIONS.items():
            fields = {name: serial if value is None else value for name, value in fields.items()}
            yield action, browser.act(uid, action, **fields)

    def nothing_done(self, browser, uid, serial, *words):
        before = self.account(uid)
        for action, answer in self.all_actions(browser, uid, serial):
            self.assertIn(answer.status, (401, 403), f"{action}: {answer}")
            self.assertIn(answer.json.get("reason") or answer.json.get("error"), words, action)
            self.assertNotIn(b"password", answer.body)
        self.assertEqual(self.account(uid), before)

    def test_agent_does_nothing_to_his_own_account(self):
        """Otherwise who has an agent's session gives himself a key.  In other spellings neither.  Source: CWE-639."""
        key, browser = self.agents["p901"]
        for spelling in ("p901", "P901", "%70901", "p901%20", "%20p901"):
            self.nothing_done(browser, spelling, key.serial, "own_account") if spelling == "p901" else [
                self.assertIn(answer.status, (400, 403, 404), (spelling, action))
                for action, answer in self.all_actions(browser, spelling, key.serial)]

    def test_agent_does_nothing_to_another_agent(self):
        """No ladder from one agent to the next."""
        self.nothing_done(self.agent, "p902", self.agents["p902"][0].serial, "agent")
        self.nothing_done(self.agents["p902"][1], "p901", self.agents["p901"][0].serial, "agent")

    def test_agent_without_the_key_does_nothing(self):
        """Signed in with the password only: asked for the key."""
        browser = Browser(self.first)
        expect(browser.login("p902"), "ok")
        self.nothing_done(browser, self.victim, self.victim_key.serial, "otp_required")
        for path in ("helpdesk", "helpdesk?q=p", "helpdesk/user/" + self.victim, "helpdesk/requests"):
            answer = browser.get("/otp/" + path)
            self.assertEqual(answer.status, 401, path)
            self.assertNotIn(self.victim_key.serial.encode(), answer.body)

    def test_agent_with_an_emergency_password_does_nothing(self):
        """It opens applications, not the helpdesk (S10)."""
        issued = json.loads(self.house.otpctl("emergency", "issue", "p903"))["password"]
        browser = Browser(self.first)
        expect(browser.login("p903"), "ok")
        expect(browser.submit("passcode", passcode=issued), "ok")
        self.assert_opens(browser)
        self.nothing_done(browser, self.victim, self.victim_key.serial, "otp_required")

    def test_who_is_no_agent_does_nothing(self):
        """With the key, with headers that say otherwise, and a group whose name is only alike."""
        uid = next(self.people)
        key, browser = self.house.enrol(uid)
        self.nothing_done(browser, self.victim, self.victim_key.serial, "forbidden")
        self.nothing_done(browser, uid, key.serial, "forbidden")
        for name in ("Remote-Groups", "Remote-User", "X-Otp-Groups"):
            self.assertEqual(browser.get("/otp/helpdesk", headers={name: "helpdesk"}).status, 403)
        self.assertEqual(Browser(self.first).get("/otp/helpdesk").status, 401)

    def test_deed_by_get_is_a_question_only(self):
        """A link, an image, a prefetching browser: nothing happens.  HEAD and other methods neither."""
        before = self.account(self.victim)
        for action in ACTIONS:
            token = self.agent.token()
            path = (f"/otp/helpdesk/user/{self.victim}/{action}?serial={self.victim_key.serial}&reason=lost&note=x&confirm=1"
                    f"&csrf={token}")
            for method in ("GET", "HEAD", "PUT", "DELETE", "OPTIONS"):
                for headers in ({}, HTML):
                    self.assertIn(self.agent.request(method, path, headers=headers).status, (200, 404, 405, 409), action)
        self.assertEqual(self.account(self.victim), before)

    def test_deed_needs_the_token_of_the_agent(self):
        """No token, another agent's, a person's, one in the address.  Source: CWE-352."""
        before = self.account(self.victim)
        uid = next(self.people)
        person = Browser(self.first)
        expect(person.login(uid), "ok")
        tokens = [None, "", "x" * 49, self.agents["p902"][1].token(), person.token(), Browser(self.first).token("login")]
        for action in ACTIONS:
            path = f"/otp/helpdesk/user/{self.victim}/{action}"
            for token in tokens:
                fields = {"serial": self.victim_key.serial, "reason": "lost", "note": "x", "confirm": "1"}
                if token is not None:
                    fields["csrf"] = token
                self.assertEqual(self.agent.post(path, fields).json, {"error": "csrf"}, action)
            fields = {"serial": self.victim_key.serial, "reason": "lost", "note": "x", "confirm": "1"}
            answer = self.agent.post(path + "?csrf=" + urllib.parse.quote(self.agent.token()), fields)
            self.assertEqual(answer.json, {"error": "csrf"}, action)
        self.assertEqual(self.account(self.victim), before)

    def test_two_agents_at_once_have_one_order_and_both_are_in_the_audit(self):
        """One disables the key, the other enables it, many times, at two gateways: each change has its event, in one order,
        and the record is what the last one says."""
        uid = next(self.people)
        key, _browser = self.house.enrol(uid)
        done = []

        def work(name, port, action, more):
            browser = self.agents[name][1].at(port)
            for _ in range(6):
                answer = browser.act(uid, action, serial=key.serial, note="race", **more)
                done.append((name, action, verdict(answer), answer.status))

        threads = [threading.Thread(target=work, args=("p901", self.first, "key-disable", {"reason": "lost"})),
                   threading.Thread(target=work, args=("p902", self.second, "key-enable", {}))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(len(done), 12, done)
        self.assertLessEqual({status for _name, _action, _verdict, status in done}, {200, 409})
        raced = [event for event in map(json.loads, self.house.audit()) if event.get("note") == "race" and event["verdict"] == "ok"]
        own = [json.loads(entry[1][1]) for entry in self.house.enemy("XRANGE", self.house.enemy.name(f"hist:*:{uid}"), "-", "+")]
        own = [event for event in own if event.get("note") == "race" and event["verdict"] == "ok"]
        # Who finds it so already changes nothing and leaves no event.
        self.assertGreaterEqual([event["event"] for event in own].count("key_disable"), 1)
        self.assertEqual({event["actor"] for event in own} | {"p902"}, {"p901", "p902"})
        self.assertEqual(sorted((event["time"], event["request"], event["verdict"]) for event in raced),
                         sorted((event["time"], event["request"], event["verdict"]) for event in own), "the audit of both gateways has them all")
        state = json.loads(self.account(uid))["keys"][0]["state"]
        self.assertEqual(state, {"key_disable": "disabled", "key_enable": "usable"}[own[-1]["event"]], own[-1])

    def test_two_agents_issue_emergency_passwords_at_once_and_one_is_live(self):
        """The later one ends the earlier."""
        uid, issued = next(self.people), []

        def work(name, port):
            answer = self.agents[name][1].at(port).act(uid, "emergency")
            issued.append(answer.json.get("password"))

        threads = [threading.Thread(target=work, args=("p901", self.first)),
                   threading.Thread(target=work, args=("p902", self.second))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        said = []
        for password in filter(None, issued):
            browser = Browser(self.first)
            expect(browser.login(uid), "ok")
            said.append(verdict(browser.submit("passcode", passcode=password)))
        self.assertEqual(said.count("ok"), 1, said)

    def test_note_forges_no_line_of_the_audit(self):
        """Line ends, quotes and what JSON or a terminal would take for something else.  Source: CWE-117."""
        uid = next(self.people)
        self.house.enrol(uid)
        for number, note in enumerate(('x\r\n{"event":"forged"}', 'x"},{"event":"forged"', "\x1b[2J", "x\u2028y", "x\u202egnp", "\0",
                                       "\\", "\\u0000", "x\n", "</script><script>alert(1)</script>", "\xff", "%0d%0a")):
            self.agent.act(uid, "unlock", note=f"{number} {note}")
        for line in self.house.audit():
            event = json.loads(line)
            self.assertNotEqual(event.get("event"), "forged")
            self.assertNotRegex(line, r"[\x00-\x1f\x7f\u2028\u2029\u202e]")
        page = self.agent.get(f"/otp/helpdesk/user/{uid}", headers=HTML).body
        self.assertNotIn(b"<script>alert", page)

    def test_path_of_a_person_is_not_a_path(self):
        """Dots, slashes, a second person, an action that is none."""
        for path in ("user/..%2f..%2flogin", "user/../requests/x/approve", "user//unlock", "user/%00/unlock", "user/*/unlock",
                     f"user/{self.victim}/unlock/x", f"user/{self.victim}/nothing",
                     "user/" + "x" * 300 + "/unlock", "requests/%2e%2e/approve", "requests/x/delete", "user/<script>/unlock"):
            answer = self.agent.send("helpdesk/" + path, note="x")
            self.assertIn(answer.status, (400, 403, 404, 405, 409, 422), path)

    def test_agent_who_has_left_does_nothing(self):
        """Taken out of the group while the session is open: the next deed is refused."""
        key, browser = self.house.enrol("p904")
        self.assertEqual(browser.get("/otp/helpdesk").status, 200)
        path = os.path.join(self.house.root, "people")
        with open(path) as file:
            text = file.read()
        with open(os.open(path + ".new", os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
            file.write(re.sub(r"(?m)^(p904:.*):helpdesk,staff$", r"\1:staff", text))
        os.rename(path + ".new", path)
        self.nothing_done(browser, self.victim, self.victim_key.serial, "forbidden")
        self.assertEqual(browser.get("/otp/helpdesk").status, 403)

    def test_refusals_are_in_the_audit(self):
        """Who tried what he may not is written down, with the verdict."""
        uid = next(self.people)
        _key, browser = self.house.enrol(uid)
        browser.act(self.victim, "emergency")
        self.agent.act("p902", "pin-clear")
        events = [json.loads(line) for line in self.house.audit()]
        for actor in (uid, "p901"):
            self.assertTrue([event for event in events if actor in (event.get("actor"), event.get("user"))
                             and event["event"].startswith("helpdesk") or event.get("actor") == actor
                             and event["verdict"] != "ok"], actor)

    def test_emergency_password_is_shown_once(self):
        """In the answer to the deed; not on a page, in the events, or to who asks again later."""
        uid = next(self.people)
        answer = self.agent.act(uid, "emergency")
        password = answer.json["password"].encode()
        for path in (f"helpdesk/user/{uid}", f"helpdesk/user/{uid}/emergency", "activity", "helpdesk"):
            for headers in ({}, HTML):
                self.assertNotIn(password, self.agent.get("/otp/" + path, headers=headers).body)
        self.assertFalse([line for line in self.house.audit() if password.decode() in line])
        self.assertNotIn(password.decode(), self.house.otpctl("user", "show", uid))


if __name__ == "__main__":
    unittest.main()
