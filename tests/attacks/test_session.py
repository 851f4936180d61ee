"""The session: nobody plants one, nothing else is one, it ends everywhere, and it is nobody else's (G3).

| case | test |
|---|---|
| planted before sign-in (fixation) | test_cookie_planted_before_the_sign_in_…, test_session_of_the_attacker_… |
| a new id after the password and after the passcode | test_each_step_gives_a_new_cookie_and_the_old_one_is_dead |
| CSRF token, pending state, emergency id as a session | test_nothing_else_that_was_issued_is_a_session, test_pending_state_… |
| signed out on one gateway, tried on another every 10 ms | test_sign_out_is_heard_at_the_other_gateway |
| another person's identity in no answer, with resets | test_no_answer_is_about_somebody_else: ATTACKS_ANSWERS of them, 40,000 unless told |
| beside it | ends of all kinds, step-up of another's session, cookies of two installations |
"""
import asyncio
import json
import os
import random
import re
import time
import unittest

from stage import PASSWORD, PIN, Attack, Browser, reset
from world import expect

ANSWERS = int(os.environ.get("ATTACKS_ANSWERS", "40000"))
SERVER = """
location /mine/ { otp_require password; alias $ROOT/open/; add_header X-Whose $otp_user always; }
location /told/ { otp_require password; proxy_pass http://$APPLICATION; }
"""


class Sessions(Attack):
    PEOPLE = 40

    @classmethod
    def prepare(cls):
        cls.house.front(SERVER)
        cls.front = cls.house.front_port

    def signed_in(self):
        uid = next(self.people)
        browser = Browser(self.first)
        expect(browser.login(uid), "ok")
        return uid, browser

    def dead(self, value, what):
        self.assert_no_session(Browser(self.first, {"otp": value}), what)

    def test_cookie_planted_before_the_sign_in_is_not_kept(self):
        """The attacker chooses the value; the victim signs in.  Source: CWE-384."""
        planted = "A" * 42 + "A"
        uid = next(self.people)
        key, _browser = self.house.enrol(uid)
        for sign_in in (lambda browser: browser.login(uid),
                        lambda browser: browser.login_passcode(uid, PIN + key.code(key.used + 1))):
            victim = Browser(self.first, {"otp": planted, "otp-form": planted})
            expect(sign_in(victim), "ok")
            self.assertNotEqual(victim.cookies["otp"], planted)
            self.dead(planted, "planted")

    def test_session_of_the_attacker_does_not_become_the_victim_s(self):
        """The attacker signs in, plants that cookie, the victim signs in over it: the attacker's is not raised to the
        victim's identity, on any gateway.  Source: RFC 6265 section 8.4."""
        attacker_uid, attacker = self.signed_in()
        uid = next(self.people)
        victim = attacker.at(self.second)
        expect(victim.login(uid), "ok")
        self.assertNotEqual(victim.cookies["otp"], attacker.cookies["otp"])
        for port in self.house.ports:
            self.assertIn(attacker.at(port).session().json.get("user"), (None, attacker_uid))
            self.assertEqual(victim.at(port).session().json.get("user"), uid)

    def test_pending_state_of_the_attacker_does_not_become_the_victim_s(self):
        """Planted between six digits and PIN: the victim's PIN page is not the attacker's key."""
        uid = next(self.people)
        key = self.house.new_key(uid)
        attacker = Browser(self.first)
        expect(attacker.login_passcode(uid, key.code(key.step())), "pin_required")
        victim_uid = next(self.people)
        victim = attacker.at(self.second)
        expect(victim.login(victim_uid), "ok")
        self.assertEqual(victim.session().json["user"], victim_uid)
        self.assert_no_session(attacker, "pending")
        answer = victim.submit("pin", pin=PIN, pin_confirm=PIN)
        self.assertNotEqual(answer.json.get("verdict"), "wait_next_code")

    def test_each_step_gives_a_new_cookie_and_the_old_one_is_dead(self):
        """After the password, after the passcode, after another sign-in; tried on both gateways.  Source: OWASP ASVS 3.2.1."""
        uid = next(self.people)
        key, _browser = self.house.enrol(uid)
        browser, values = Browser(self.first), []
        browser.get("/otp/login")
        values.append(browser.cookies.get("otp"))
        expect(browser.login(uid), "ok")
        values.append(browser.cookies["otp"])
        expect(browser.submit("passcode", passcode=PIN + key.code(key.used + 1)), "ok")
        values.append(browser.cookies["otp"])
        expect(browser.login(uid), "ok")
        values.append(browser.cookies["otp"])
        self.assertEqual(len(set(values)), 4)
        for old in values[1:-1]:
            self.dead(old, "before the last step")
        self.assert_opens(browser, "/desk/page.txt")

    def test_nothing_else_that_was_issued_is_a_session(self):
        """Tokens, ids, names of Redis, the emergency password, cookies of other names.  Source: CVE-2026-19349
        (LemonLDAP::NG): a token of another kind was accepted as a session."""
        uid = next(self.people)
        _key, browser = self.house.enrol(uid)
        issued = json.loads(self.house.otpctl("emergency", "issue", next(self.people)))
        fresh = Browser(self.first)
        session = browser.session().json
        things = [session["csrf"], session["id"], fresh.token("login"), *fresh.cookies.values(), *issued.values(), uid, PIN,
                  PASSWORD, browser.token("key"), browser.token("login"),
                  *(value for name, value in browser.cookies.items() if name != "otp")]
        for name in self.house.enemy.names("*"):
            things += [name, *name.split(b":")[-1:]]
            if self.house.enemy("TYPE", name) == b"string":
                things += [self.house.enemy("GET", name), *re.findall(rb"[A-Za-z0-9_-]{43}", self.house.enemy("GET", name))]
        things = {thing.decode("latin-1") if isinstance(thing, bytes) else str(thing) for thing in things}
        things -= {browser.cookies["otp"]}
        self.assertGreater(len(things), 40)
        with self.nothing_opened():
            for thing in things:
                if re.fullmatch(r"[\x21-\x7e]{1,3000}", thing) and ";" not in thing:
                    for port in self.house.ports:
                        for path in ("/desk/page.txt", "/otp/session"):
                            self.assertEqual(Browser(port, {"otp": thing}).get(path).status, 401, thing)

    def test_pending_state_is_no_session(self):
        """Between six digits and the finished sign-in the cookie opens nothing, at any of its stages."""
        uid = next(self.people)
        key = self.house.new_key(uid)
        browser, step = Browser(self.first), key.step()
        with self.nothing_opened():
            expect(browser.login_passcode(uid, key.code(step)), "pin_required")
            self.assert_no_session(browser, "pin page")
            for path in ("/otp/", "/otp/key", "/otp/activity", "/otp/helpdesk", "/otp/key/pin"):
                self.assertIn(browser.get(path).status, (401, 403), path)
            expect(browser.submit("pin", pin=PIN, pin_confirm=PIN), "wait_next_code")
            self.assert_no_session(browser, "waiting")

    def test_session_cookie_is_no_pending_state_and_no_form_cookie(self):
        """The other way round: kinds are not mixed."""
        _uid, browser = self.signed_in()
        value = browser.cookies["otp"]
        self.assertEqual(Browser(self.first, {"otp": value}).get("/otp/pin").status, 401)
        for name in ("otp-form", "otp-lang", "otp-device", "otp-known"):
            one = Browser(self.first, {name: value})
            self.assertEqual(one.session().status, 401, name)

    def ends(self, browser, path="/desk/page.txt"):
        """At the other gateway, every 10 ms: after 100 ms it is over, and stays so."""
        start = time.monotonic()
        while browser.get(path).status == 200:
            self.assertLess(time.monotonic() - start, 0.1)
            time.sleep(0.01)
        for _ in range(10):
            self.assert_refused(browser.get(path), "", (401,))

    def test_sign_out_is_heard_at_the_other_gateway(self):
        """Signed out at one, tried at another.  Source: OWASP ASVS 3.3.1."""
        for _ in range(5):
            _uid, browser = self.signed_in()
            other = browser.at(self.second)
            self.assert_opens(other, "/desk/page.txt")
            third = browser.at(self.front)
            self.assert_opens(third, "/desk/page.txt")
            expect(browser.submit("logout"), "ok")
            self.ends(other)
            self.ends(third)

    def test_disabled_key_and_revoked_sessions_are_heard_at_the_other_gateway(self):
        """What an administrator ends."""
        for deed, path in ((lambda uid, key: ("key", "disable", key.serial, "--reason", "stolen"), "/app/page.txt"),
                           (lambda uid, key: ("session", "revoke", "--user", uid), "/app/page.txt"),
                           (lambda uid, key: ("key", "unassign", key.serial), "/app/page.txt")):
            uid = next(self.people)
            key, browser = self.house.enrol(uid)
            other = browser.at(self.second)
            self.assert_opens(other, path)
            self.house.otpctl(*deed(uid, key))
            self.ends(other, path)

    def test_session_ended_from_the_list_of_another_session_is_dead(self):
        """And nobody ends, or sees, somebody else's."""
        uid, browser = self.signed_in()
        other = Browser(self.second)
        expect(other.login(uid), "ok")
        stranger_uid, stranger = self.signed_in()
        identifier = other.session().json["id"]
        self.assertEqual(stranger.send("activity/end", session=identifier).status, 404)
        self.assertNotIn(identifier.encode(), stranger.get("/otp/activity").body)
        self.assertEqual(stranger.send("activity/end", all="1").json.get("ended"), 0)
        self.assert_opens(other, "/desk/page.txt")
        self.assertEqual(browser.send("activity/end", session=identifier).status, 200)
        self.ends(other)

    def test_step_up_of_a_session_takes_the_key_of_its_owner_only(self):
        """One's own right passcode in somebody else's session: not the owner's key, and the session is not raised."""
        uid = next(self.people)
        key, _browser = self.house.enrol(uid)
        other = next(self.people)
        self.house.enrol(other)
        stolen = Browser(self.first)
        expect(stolen.login(other), "ok")
        with self.nothing_opened():
            self.assert_verdict(stolen.submit("passcode", passcode=PIN + key.code(key.used + 1)), "denied")
        self.assert_refused(stolen.get("/app/page.txt"), "", (401,))

    def test_no_answer_is_about_somebody_else(self):
        """People on kept connections, pipelined, on three gateways, while others reset theirs in the middle: each answer
        names the owner of the cookie of its request.  Source: CVE-2021-35472 (LemonLDAP::NG)."""
        crowd = [(uid, browser.cookies["otp"]) for uid, browser in (self.signed_in() for _ in range(8))]
        with_nobody = crowd + [("", "x" * 43)]
        mistakes, counted = [], [0]

        def requests(rng, count):
            whose = [rng.choice(with_nobody) for _ in range(count)]
            return whose, b"".join(f"GET /mine/page.txt HTTP/1.1\r\nHost: x\r\nCookie: otp={cookie}\r\n\r\n".encode()
                                   for _uid, cookie in whose)

        async def swimmer(number):
            rng = random.Random(number)
            while counted[0] < ANSWERS and not mistakes:
                reader, writer = await asyncio.open_connection("127.0.0.1", self.front)
                for _ in range(10):
                    whose, data = requests(rng, 20)
                    writer.write(data)
                    for uid, _cookie in whose:
                        text = await reader.readuntil(b"\r\n\r\n")
                        length = re.search(rb"(?i)content-length: (\d+)", text)
                        body = await reader.readexactly(int(length[1]))
                        named = re.search(rb"X-Whose: ([^\r]*)", text)
                        named = named[1].decode() if named else ""
                        if named != uid or (body == b"the page of open") != bool(uid):
                            mistakes.append((uid, text, body))
                        counted[0] += 1
                writer.close()

        async def vandal(number):
            rng = random.Random(1000 + number)
            while counted[0] < ANSWERS and not mistakes:
                _reader, writer = await asyncio.open_connection("127.0.0.1", self.front)
                _whose, data = requests(rng, 5)
                writer.write(data[:rng.randrange(1, len(data))])
                await asyncio.sleep(rng.random() * 0.004)
                reset(writer.transport.get_extra_info("socket")._sock.dup())
                writer.transport.abort()
                await asyncio.sleep(0.001)

        async def all_of_them():
            await asyncio.gather(*(swimmer(number) for number in range(8)), *(vandal(number) for number in range(4)))

        asyncio.run(asyncio.wait_for(all_of_them(), 120))
        self.assertEqual(mistakes, [])
        self.assertGreaterEqual(counted[0], ANSWERS)


if __name__ == "__main__":
    unittest.main()
