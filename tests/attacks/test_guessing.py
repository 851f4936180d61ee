"""Guessing is bounded, for an account and for an address, whoever guesses and wherever (G7).

| case | test |
|---|---|
| new sessions give no new attempts | test_new_browsers_give_no_new_attempts, test_one_form_gives_no_new_attempts |
| parallel guesses | test_parallel_guesses_do_not_outrun_the_counter |
| a right password does not clear the counter | test_right_password_does_not_clear_the_count_of_passcodes |
| five tries a quarter of an hour for ever | test_total_of_failures_locks_until_the_helpdesk_unlocks |
| one identifier has one spelling | test_spellings_of_an_identifier_share_one_count, test_spelling_that_is_not_ascii_is_nobody |
| replays do not lock the owner out | test_replays_do_not_lock_the_owner_out |
| beside it | emergency passwords, passwords, addresses, forged addresses, other fields, the exchange of two codes |
"""
import asyncio
import json
import time
import unittest

from stage import PASSWORD, PIN, Attack, Browser, verdict
from swarm import Swarm
from world import expect


class Guessing(Attack):
    PEOPLE = 40

    def guess(self, uid, number, browser=None):
        browser = browser or Browser(self.house.ports[number % 2])
        return browser.login_passcode(uid, PIN + "%06d" % number)

    def shown(self, uid):
        return json.loads(self.house.otpctl("user", "show", uid))

    def failures(self, uid):
        return self.shown(uid)["failures"]

    def assert_locked(self, uid, key):
        """The right passcode from a browser that nobody knows: refused, and not told why."""
        with self.nothing_opened():
            for port in self.house.ports:
                self.assert_verdict(Browser(port).login_passcode(uid, PIN + key.code(key.used + 1)), "denied")

    def test_new_browsers_give_no_new_attempts(self):
        """A new cookie jar for each guess, on both gateways.  Source: NIST SP 800-63B section 5.2.2."""
        uid = next(self.people)
        key, _browser = self.house.enrol(uid)
        for number in range(10):
            self.assert_verdict(self.guess(uid, number), "denied")
        self.assertEqual(self.failures(uid), 10)
        self.assert_locked(uid, key)

    def test_one_form_gives_no_new_attempts(self):
        """The same form and token with other digits: each is an attempt, not a repetition of the first."""
        uid = next(self.people)
        key, _browser = self.house.enrol(uid)
        browser = Browser(self.first)
        token = browser.token("login")
        for number in range(10):
            self.assert_verdict(browser.post("/otp/login", {"csrf": token, "username": uid, "method": "passcode",
                                                            "passcode": PIN + "%06d" % number}), "denied")
        self.assertEqual(self.failures(uid), 10)
        self.assert_locked(uid, key)

    def test_parallel_guesses_do_not_outrun_the_counter(self):
        """64 guesses at once: those after the tenth are not even looked at, the right one among the last."""
        async def race():
            swarm = Swarm(self.house.ports, 64)
            answers = await swarm.race("login", {"username": uid, "method": "passcode", "passcode": PIN + "000000"})
            swarm.close()
            return [answer.get("verdict") or status for status, answer in answers]

        uid = next(self.people)
        key, _browser = self.house.enrol(uid)
        with self.nothing_opened():
            self.assertLessEqual(set(asyncio.run(race())), {"denied", "throttled", "unavailable"})
        self.assertEqual(self.failures(uid), 10, "ten were judged, not 64, and none was lost")
        self.assert_locked(uid, key)

    def test_right_password_does_not_clear_the_count_of_passcodes(self):
        """Signing in with the password between the guesses.  Source: NIST SP 800-63B 5.2.2."""
        uid = next(self.people)
        key, _browser = self.house.enrol(uid)
        for number in range(10):
            browser = Browser(self.house.ports[number % 2])
            expect(browser.login(uid), "ok")
            self.assert_verdict(browser.submit("passcode", passcode=PIN + "%06d" % number), "denied")
        self.assertEqual(self.failures(uid), 10)
        self.assert_locked(uid, key)
        told = Browser(self.first)
        expect(told.login(uid), "ok")
        answer = told.submit("passcode", passcode=PIN + key.code(key.used + 1))
        self.assert_verdict(answer, "throttled")
        self.assert_refused(told.get("/app/page.txt"))

    def test_spellings_of_an_identifier_share_one_count(self):
        """Case and blanks.  Source: CVE-2025-24806 (Authelia): each spelling had a count of its own."""
        uid = next(self.people)
        key, _browser = self.house.enrol(uid)
        for number, spelling in enumerate((uid.upper(), " " + uid, uid + " ", uid, " " + uid.upper() + "  ") * 2):
            self.assert_verdict(self.guess(spelling, number), "denied")
        self.assertEqual(self.failures(uid), 10)
        self.assert_locked(uid, key)

    def test_spellings_of_an_identifier_share_one_count_of_passwords(self):
        """The same for passwords."""
        uid = next(self.people)
        said = []
        for spelling in (uid, uid.upper(), " " + uid, uid + " ", uid.upper() + " ", uid, " " + uid + " ", uid):
            said.append(verdict(Browser(self.first).login(spelling, "wrong")))
        self.assertIn("throttled", said[5:])
        self.assert_verdict(Browser(self.second).login(uid.upper()), "throttled")

    def test_replays_do_not_lock_the_owner_out(self):
        """Somebody sends what was seen over a shoulder, many times: it is no failure (B2)."""
        uid = next(self.people)
        key, _browser = self.house.enrol(uid)
        for number in range(15):
            self.assert_verdict(Browser(self.house.ports[number % 2]).login_passcode(uid, PIN + key.code(key.used)),
                                "already_used", "denied")
        self.assertEqual(self.failures(uid), 0)
        expect(Browser(self.first).login_passcode(uid, PIN + key.code(key.used + 1)), "ok")

    def test_strangers_do_not_lock_the_browser_of_the_owner(self):
        """Ten guesses of a stranger, then the owner in the browser of yesterday (B4)."""
        uid = next(self.people)
        key, browser = self.house.enrol(uid)
        for number in range(10):
            self.guess(uid, number)
        self.assert_locked(uid, key)
        answer = browser.at(self.second).login_passcode(uid, PIN + key.code(key.used + 1))
        self.assertEqual(verdict(answer), "ok")

    def test_first_use_is_guessed_no_more_often_than_a_passcode(self):
        """Six digits alone, before there is a PIN: a million, ten tries."""
        uid = next(self.people)
        key = self.house.new_key(uid)
        with self.nothing_opened():
            for number in range(10):
                self.assert_verdict(Browser(self.house.ports[number % 2]).login_passcode(uid, "%06d" % number), "denied")
            self.assert_verdict(Browser(self.first).login_passcode(uid, key.code(key.step())), "denied")

    def test_wrong_next_code_is_a_failure(self):
        """The exchange of two codes is not a place to guess in: one chance, then it starts over, and it counts."""
        uid = next(self.people)
        key, _browser = self.house.enrol(uid)
        for number in range(3):
            self.guess(uid, number)
        browser = Browser(self.first)
        expect(browser.login_passcode(uid, PIN + key.code(key.used + 1)), "next_code")
        self.assert_verdict(browser.submit("passcode", passcode="000000"), "denied")
        self.assertEqual(self.failures(uid), 4)
        with self.nothing_opened():
            answer = browser.submit("passcode", passcode=key.code(key.used + 2))
        self.assertNotEqual(verdict(answer), "ok")
        self.assert_no_session(browser)

    def test_pin_change_is_guessed_no_more_often_than_a_passcode(self):
        """A stolen session at `key/pin`: wrong old PINs are counted with the others."""
        uid = next(self.people)
        key, browser = self.house.enrol(uid)
        for number in range(10):
            self.assert_verdict(browser.send("key/pin", passcode="918273%06d" % number, pin="830274", pin_confirm="830274"),
                                "denied", "throttled")
        self.assertEqual(self.shown(uid)["known"]["failures"], 10)
        answer = browser.send("key/pin", passcode=PIN + key.code(key.used + 1), pin="830274", pin_confirm="830274")
        self.assert_verdict(answer, "throttled")

    def test_emergency_passwords_are_not_guessed_for_ever(self):
        """Its count of failures is its own, and it ends."""
        uid = next(self.people)
        issued = json.loads(self.house.otpctl("emergency", "issue", uid))["password"]
        browser = Browser(self.first)
        expect(browser.login(uid), "ok")
        for letter in "ABCDEFGHJKMN".replace(issued[-1], "")[:10]:
            self.assert_verdict(browser.submit("passcode", passcode=issued[:-1] + letter), "denied")
        with self.nothing_opened():
            self.assertNotEqual(verdict(browser.submit("passcode", passcode=issued)), "ok")
        self.assert_refused(browser.get("/app/page.txt"))

    def test_emergency_password_alone_is_nothing(self):
        """Without the password of the person it is neither a passcode nor a password (S10)."""
        uid = next(self.people)
        issued = json.loads(self.house.otpctl("emergency", "issue", uid))["password"]
        with self.nothing_opened():
            self.assert_verdict(Browser(self.first).login_passcode(uid, issued), "denied")
            self.assert_verdict(Browser(self.first).login(uid, issued), "denied")
        browser = Browser(self.first)
        expect(browser.login(uid), "ok")
        expect(browser.submit("passcode", passcode=issued), "ok")

    def test_passwords_are_slowed_down_on_all_gateways_and_never_locked(self):
        """A growing delay, whichever gateway is asked; a right one is not tried meanwhile; and it ends by itself."""
        uid = next(self.people)
        said = [verdict(Browser(self.house.ports[number % 2]).login(uid, "wrong%d" % number)) for number in range(7)]
        self.assertEqual(said[:5], ["denied"] * 5)
        self.assertIn("throttled", said[5:])
        with self.nothing_opened():
            answer = Browser(self.second).login(uid)
        self.assert_verdict(answer, "throttled")
        self.assertLessEqual(int(answer.headers["Retry-After"]), 4)
        time.sleep(int(answer.headers["Retry-After"]) + 0.2)
        expect(Browser(self.first).login(uid), "ok")


class GuessingSpellings(Attack):
    """Without the delay after five unknown people."""
    LIMITS = "password_free=1000"

    def test_spelling_that_is_not_ascii_is_nobody(self):
        """Full width, combining marks, soft hyphen, joiners, long s, NUL, LDAP and other separators: with the right
        password it is still nobody.  Source: CVE-2025-24806 (Authelia); Unicode TR 36."""
        uid = next(self.people)
        wide = "".join(chr(ord(letter) + 0xFEE0) for letter in uid)
        with self.nothing_opened():
            for spelling in (wide, wide[0] + uid[1:], uid + "\u0301", uid + "\u00ad", uid + "\u200d", "\ufeff" + uid,
                             uid + "\u00a0", uid + "\0", uid + "\0x", uid + "%00", uid + ",", uid + "*", "*", uid[:-1] + "*",
                             "(" + uid, uid + ":x", uid + "\n", uid + "\r\nx", uid + "/", "../" + uid, uid + "\u2028",
                             uid * 20, "\u0420" + uid[1:]):
                if spelling.strip(" \t\r\n").lower() != uid:
                    answer = Browser(self.first).login(spelling)
                    self.assertIn(verdict(answer), ("denied", "throttled", "bad_request"), (spelling, answer))


class GuessingForEver(Attack):
    """With small numbers: three failures lock for a second, six in a row until the helpdesk is asked."""
    LIMITS = "next_code=3 lock=3 lock_time=1s lock_total=6"

    def test_total_of_failures_locks_until_the_helpdesk_unlocks(self):
        """Locks that end by themselves allow 41 % a year per account.  Source: NIST SP 800-63B section 5.2.2 (100)."""
        uid = next(self.people)
        key, browser = self.house.enrol(uid)
        for lock in range(2):
            for number in range(3):
                self.assert_verdict(Browser(self.first).login_passcode(uid, PIN + "%06d" % number), "denied")
            time.sleep(1.1)
        with self.nothing_opened():
            self.assert_verdict(Browser(self.second).login_passcode(uid, PIN + key.code(key.used + 1)), "denied")
        self.house.otpctl("user", "unlock", uid)
        expect(Browser(self.second).login_passcode(uid, PIN + key.code(key.used + 1)), "ok")
        self.assert_opens(browser)


class GuessingFromOneAddress(Attack):
    """At a gateway of the test's own, where an address has five bad attempts without delay."""

    @classmethod
    def prepare(cls):
        cls.house.front(http="otp_limits address_free=5;")

    def spray(self, **headers):
        said = []
        for number in range(8):
            browser = Browser(self.house.front_port)
            fields = {"csrf": browser.token("login"), "username": self.house.people[number], "method": "password",
                      "password": "Printemps2026"}
            said.append(verdict(browser.post("/otp/login", fields, headers={
                name: value % number for name, value in headers.items()})))
        return said

    def test_one_password_tried_on_many_people_is_slowed_down(self):
        """Password spraying: no account sees two failures, the address does.  Source: CAPEC-565.  The headers in which
        a client may claim another address change nothing.  Source: CAPEC-22; RFC 7239 section 8.1."""
        forged = {"X-Forwarded-For": "192.0.2.%d", "X-Real-IP": "192.0.2.%d", "Forwarded": "for=192.0.2.%d",
                  "Client-IP": "192.0.2.%d", "X-Client-IP": "192.0.2.%d", "True-Client-IP": "192.0.2.%d"}
        with self.nothing_opened():
            said = self.spray(**forged)
            self.assertEqual(said[0], "denied")
            self.assertIn("throttled", said[5:])
            answer = Browser(self.house.front_port).login(self.house.people[10], PASSWORD)
            self.assert_verdict(answer, "throttled")


if __name__ == "__main__":
    unittest.main()
