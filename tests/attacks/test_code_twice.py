"""A code twice: one displayed code opens at most one door (G1).

| case | test |
|---|---|
| in sequence | test_code_is_refused_in_the_browser_that_has_used_it |
| in two browsers | test_code_used_in_one_browser_is_refused_in_another |
| on two gateways | test_code_used_at_one_gateway_is_refused_at_the_other |
| 64 at once | test_one_of_64_submissions_at_once_is_accepted, …step_ups… |
| an older one after a newer one | test_older_code_that_nobody_used_is_refused_after_a_newer_one |
| the code that opened the PIN page | test_code_that_opened_the_pin_page_… |
| the answer was lost | test_code_whose_answer_was_lost_… |
| through resynchronisation | test_spent_code_… (next code), test_helpdesk_resynchronisation_… |
| the key moved | test_code_used_by_the_former_holder_of_a_key_is_refused_for_the_next |
| beside it | PIN cleared, key disabled and enabled again, wrong PIN, emergency field |
"""
import asyncio
import collections
import socket
import time
import unittest
import urllib.parse

from stage import PASSWORD, PIN, SHORT, Attack, Browser, quiet, reset
from swarm import Swarm
from world import expect

SUBMISSIONS, ROUNDS = 64, 3


class CodeTwice(Attack):
    PEOPLE = 40

    def signed_in(self):
        """Somebody who has just used the code after the one of the enrolment."""
        uid = next(self.people)
        key, _browser = self.house.enrol(uid)
        browser = Browser(self.first)
        expect(browser.login_passcode(uid, PIN + key.code(key.used + 1)), "ok")
        key.used += 1
        return uid, key, browser

    def refused(self, uid, passcode, port, browser=None):
        browser = browser or Browser(port)
        with self.nothing_opened():
            answer = browser.login_passcode(uid, passcode)
        self.assert_verdict(answer, "already_used", "denied")
        return browser

    def test_code_is_refused_in_the_browser_that_has_used_it(self):
        """The same code again in the same browser, with a form of its own.  Source: RFC 6238 section 5.2."""
        uid, key, browser = self.signed_in()
        self.refused(uid, PIN + key.code(key.used), self.first, browser)

    def test_code_used_in_one_browser_is_refused_in_another(self):
        """Read over a shoulder, typed elsewhere.  Source: RFC 6238 section 5.2, "MUST NOT accept the second attempt"."""
        uid, key, _browser = self.signed_in()
        self.assert_no_session(self.refused(uid, PIN + key.code(key.used), self.first))

    def test_code_used_at_one_gateway_is_refused_at_the_other(self):
        """Replay state that one node keeps for itself.  Source: RFC 6238 section 5.2."""
        uid, key, _browser = self.signed_in()
        self.assert_no_session(self.refused(uid, PIN + key.code(key.used), self.second))

    def test_one_of_64_submissions_at_once_is_accepted(self):
        """The race of read, check, write.  Source: 196 of 200 rounds were won twice by a naive one."""
        async def race(uid, passcode):
            swarm = Swarm(self.house.ports, SUBMISSIONS)
            answers = await swarm.race("login", {"username": uid, "method": "passcode", "passcode": passcode})
            swarm.close()
            return collections.Counter(answer.get("verdict") or status for status, answer in answers)

        for _ in range(ROUNDS):
            uid = next(self.people)
            key, _browser = self.house.enrol(uid)
            before = self.house.sessions()
            verdicts = asyncio.run(race(uid, PIN + key.code(key.used + 1)))
            self.assertEqual(verdicts["ok"], 1, verdicts)
            self.assertEqual(set(verdicts) - {"ok", "already_used", "denied", "throttled"}, set())
            self.assertEqual(len(self.house.sessions() - before), 1, "one session, not more")

    def test_one_of_64_step_ups_at_once_is_accepted(self):
        """The same race between sessions that the person has open already."""
        async def race(uid, passcode):
            swarm = Swarm(self.house.ports, 16)
            await swarm.each("login", {"username": uid, "method": "password", "password": PASSWORD})
            answers = await swarm.race("passcode", {"passcode": passcode})
            swarm.close()
            return collections.Counter(answer.get("verdict") or status for status, answer in answers)

        uid = next(self.people)
        key, _browser = self.house.enrol(uid)
        verdicts = asyncio.run(race(uid, PIN + key.code(key.used + 1)))
        self.assertEqual(verdicts["ok"], 1, verdicts)

    def test_older_code_that_nobody_used_is_refused_after_a_newer_one(self):
        """Still in the clock window, never seen, but before the last accepted one."""
        uid = next(self.people)
        key, _browser = self.house.enrol(uid, SHORT)
        while key.step() < key.used + 2:
            time.sleep(0.05)
        quiet(SHORT)
        now = key.step()
        expect(Browser(self.first).login_passcode(uid, PIN + key.code(now + 1)), "ok")
        for older in (now, now - 1):
            self.refused(uid, PIN + key.code(older), self.second)

    def half(self):
        """Six digits sent, the PIN page open."""
        uid = next(self.people)
        key = self.house.new_key(uid)
        quiet(key.period)
        browser, key.used = Browser(self.first), key.step()
        expect(browser.login_passcode(uid, key.code(key.used)), "pin_required")
        return uid, key, browser

    def test_code_that_opened_the_pin_page_does_not_open_it_elsewhere(self):
        """The first code sent again from another browser: no PIN page for a second person."""
        uid, key, _browser = self.half()
        other = self.refused(uid, key.code(key.used), self.second)
        self.assertEqual(other.get("/otp/pin").status, 401)

    def test_code_that_opened_the_pin_page_does_not_finish_the_sign_in(self):
        """PIN + the first code, after the PIN was made: spent (S5)."""
        uid, key, browser = self.half()
        expect(browser.submit("pin", pin=PIN, pin_confirm=PIN), "wait_next_code")
        with self.nothing_opened():
            self.assert_verdict(browser.submit("passcode", passcode=PIN + key.code(key.used)), "already_used")
            self.assert_verdict(Browser(self.second).login_passcode(uid, PIN + key.code(key.used)), "already_used",
                                "denied")
        self.assert_no_session(browser)
        expect(browser.submit("passcode", passcode=PIN + key.code(key.used + 1)), "ok")
        self.assert_opens(browser)

    def test_code_whose_answer_was_lost_is_accepted_once_at_most(self):
        """The connection is reset when the form is out: sent again, by the same browser or another, it opens one
        session at most."""
        uid = next(self.people)
        key, _browser = self.house.enrol(uid)
        browser, before = Browser(self.first), self.house.sessions()
        body = urllib.parse.urlencode({"csrf": browser.token("login"), "username": uid, "method": "passcode",
                                       "passcode": PIN + key.code(key.used + 1)})
        lost = socket.create_connection(("127.0.0.1", self.first))
        lost.sendall(f"POST /otp/login HTTP/1.1\r\nHost: x\r\nAccept: application/json\r\nCookie: "
                     f"{browser.cookie_header()}\r\nContent-Type: application/x-www-form-urlencoded\r\n"
                     f"Content-Length: {len(body)}\r\n\r\n{body}".encode())
        time.sleep(0.02)
        reset(lost)
        time.sleep(0.1)
        again = browser.at(self.second).post("/otp/login", body)
        self.assert_verdict(again, "ok", "already_used", "denied")
        with self.nothing_opened():
            self.assert_verdict(Browser(self.first).login_passcode(uid, PIN + key.code(key.used + 1)), "already_used",
                                "denied")
        self.assertLessEqual(len(self.house.sessions() - before), 1)

    def test_answer_of_a_repeated_form_is_not_given_to_another_browser(self):
        """The double click is forgiven (B2) to the browser that has the form, to nobody who has copied its text."""
        uid = next(self.people)
        key, _browser = self.house.enrol(uid)
        browser = Browser(self.first)
        fields = {"csrf": browser.token("login"), "username": uid, "method": "passcode",
                  "passcode": PIN + key.code(key.used + 1)}
        expect(browser.post("/otp/login", fields), "ok")
        thief = Browser(self.second)
        thief.get("/otp/login")
        with self.nothing_opened():
            self.assertEqual(thief.post("/otp/login", fields).json, {"error": "csrf"})
            self.assertEqual(Browser(self.first).post("/otp/login", fields).json, {"error": "csrf"})
        self.assert_no_session(thief)

    def bad_three(self, uid):
        """So many that the next success must bring two codes."""
        browser = Browser(self.first)
        for number in range(3):
            self.assert_verdict(browser.login_passcode(uid, PIN + "00000%d" % number), "denied")

    def test_spent_code_does_not_begin_the_exchange_of_two_codes(self):
        """Resynchronisation must not take what the sign-in refuses.  Source: CVE-2019-12887 (LinOTP)."""
        uid, key, _browser = self.signed_in()
        self.bad_three(uid)
        self.refused(uid, PIN + key.code(key.used), self.first)
        self.refused(uid, PIN + key.code(key.used - 1), self.second)

    def test_spent_code_does_not_end_the_exchange_of_two_codes(self):
        """First code again as "the next one", and older ones.  Source: CVE-2019-12887 (LinOTP)."""
        for which in (0, -1, -2):
            uid = next(self.people)
            key, _browser = self.house.enrol(uid)
            self.bad_three(uid)
            browser = Browser(self.first)
            expect(browser.login_passcode(uid, PIN + key.code(key.used + 1)), "next_code")
            with self.nothing_opened():
                answer = browser.submit("passcode", passcode=key.code(key.used + 1 + which))
            self.assert_verdict(answer, "already_used", "denied")
            self.assert_no_session(browser)

    def test_helpdesk_resynchronisation_takes_no_spent_codes(self):
        """Two consecutive codes that were both used prove nothing.  Source: CVE-2019-12887 (LinOTP)."""
        uid, key, _browser = self.signed_in()
        done = self.house.ctl("key", "resync", key.serial, stdin=f"{key.code(key.used - 1)}\n{key.code(key.used)}\n")
        self.assertEqual(done.returncode, 1, done)
        self.refused(uid, PIN + key.code(key.used), self.first)

    def test_codes_of_a_helpdesk_resynchronisation_are_spent(self):
        """What the person has read to the agent opens nothing afterwards."""
        uid = next(self.people)
        key, _browser = self.house.enrol(uid)
        codes = key.code(key.used + 1), key.code(key.used + 2)
        done = self.house.ctl("key", "resync", key.serial, stdin="%s\n%s\n" % codes)
        self.assertEqual(done.returncode, 0, done)
        for code in codes:
            self.refused(uid, PIN + code, self.first)

    def test_code_used_by_the_former_holder_of_a_key_is_refused_for_the_next(self):
        """A key moved to another person, and the last code it was used with; without a PIN it would be first use."""
        uid, key, _browser = self.signed_in()
        other = next(self.people)
        self.house.otpctl("key", "unassign", key.serial)
        self.house.otpctl("key", "assign", key.serial, other)
        self.refused(other, key.code(key.used), self.first)
        self.refused(other, PIN + key.code(key.used), self.second)
        self.refused(uid, PIN + key.code(key.used), self.first)

    def test_code_stays_spent_when_the_pin_is_cancelled(self):
        """The helpdesk clears the PIN: the used code is not a first use now."""
        uid, key, _browser = self.signed_in()
        self.house.otpctl("pin", "clear", uid)
        self.refused(uid, key.code(key.used), self.first)

    def test_code_stays_spent_when_the_key_is_disabled_and_enabled(self):
        """A round trip of the key's state forgets nothing."""
        uid, key, _browser = self.signed_in()
        self.house.otpctl("key", "disable", key.serial, "--reason", "lost")
        self.refused(uid, PIN + key.code(key.used), self.first)
        self.house.otpctl("key", "enable", key.serial)
        self.refused(uid, PIN + key.code(key.used), self.second)

    def test_right_code_with_a_wrong_pin_is_spent(self):
        """Otherwise each displayed code tries as many PINs as there are seconds."""
        uid = next(self.people)
        key, _browser = self.house.enrol(uid)
        code = key.code(key.used + 1)
        self.assert_verdict(Browser(self.first).login_passcode(uid, "918273" + code), "denied")
        self.refused(uid, PIN + code, self.second)

    def test_code_of_a_sign_in_does_not_change_the_pin(self):
        """The spent code at `key/pin`, in the session it has opened."""
        uid, key, browser = self.signed_in()
        answer = browser.send("key/pin", passcode=PIN + key.code(key.used), pin="830274", pin_confirm="830274")
        self.assert_verdict(answer, "already_used")

    def test_code_of_a_request_for_activation_is_spent(self):
        """The code that proved a serial does not open the PIN page (S11)."""
        uid = next(self.people)
        key = self.house.new_key(uid)
        self.house.otpctl("key", "unassign", key.serial)
        browser, step = Browser(self.first), key.step()
        expect(browser.login(uid), "ok")
        expect(browser.send("key", serial=key.serial, code=key.code(step)), "requested")
        self.house.otpctl("request", "approve", key.serial)
        self.refused(uid, key.code(step), self.second)


if __name__ == "__main__":
    unittest.main()
