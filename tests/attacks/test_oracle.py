"""No oracle: whoever is not in learns nothing about people, keys and PINs (G5).

| case | test |
|---|---|
| unknown, no key, wrong PIN, wrong code, disabled key, locked: the same answer | test_refused_passcodes_have_one_answer, test_refused_passcodes_have_one_page |
| the same for passwords | test_refused_passwords_have_one_answer |
| the same time | test_unknown_people_take_the_time_of_known_ones_…: medians of interleaved pairs, within a factor, for a machine that others use too cannot show more |
| unknown users pay the same hash | test_unknown_people_take_the_time_of_known_ones_for_a_password |
| beside it | step-up, serials, return of a wrong first factor, redirects, files |
"""
import re
import statistics
import time
import unittest

from stage import HTML, PASSWORD, PIN, Attack, Browser, crypted, verdict
from world import expect

PAIRS = 25
COSTLY = crypted(PASSWORD, "$6$rounds=50000$nichtsalzig")


class Oracle(Attack):
    PEOPLE = 60
    EXTRA = ["h001:!:Locked Out:h001@example.org:staff", "h002:*:No Password:h002@example.org:staff",
             "h003::Empty:h003@example.org:staff"]

    @classmethod
    def prepare(cls):
        """People of every kind, each with the passcode that somebody would try."""
        ready = next(cls.people)
        key, _browser = cls.house.enrol(ready)
        wrong_pin = next(cls.people)
        wrong_pin_key, _browser = cls.house.enrol(wrong_pin)
        disabled = next(cls.people)
        disabled_key, _browser = cls.house.enrol(disabled)
        cls.house.otpctl("key", "disable", disabled_key.serial, "--reason", "lost")
        locked = next(cls.people)
        locked_key, _browser = cls.house.enrol(locked)
        for number in range(10):
            Browser(cls.first).login_passcode(locked, PIN + "%06d" % number)
        fresh = next(cls.people)
        cls.house.new_key(fresh)
        cls.kinds = {
            "unknown": ("nobody.at.all", PIN + "123456"),
            "not an identifier": ("no body!", PIN + "123456"),
            "without a key": (next(cls.people), PIN + "123456"),
            "wrong code": (ready, PIN + "000000"),
            "wrong PIN": (wrong_pin, "918273" + wrong_pin_key.code(wrong_pin_key.used + 1)),
            "wrong length": (ready, "12"),
            "no digits": (ready, "abcdef"),
            "disabled key": (disabled, PIN + disabled_key.code(disabled_key.used + 1)),
            "locked, wrong": (locked, PIN + "000000"),
            "locked, right": (locked, PIN + locked_key.code(locked_key.used + 1)),
            "first use, wrong": (fresh, "000000"),
            "first use, with a PIN": (fresh, PIN + "000000"),
        }

    def shape(self, answer):
        """What an observer could compare: status, names of the headers, fixed values, the words."""
        values = {name: answer.headers[name] for name in ("Content-Type", "Cache-Control", "Retry-After", "Location")}
        cookies = sorted(line.split("=")[0] for line in answer.headers.get_all("Set-Cookie") or [])
        return answer.status, tuple(answer.headers.keys()), tuple(values.items()), tuple(cookies)

    def plain(self, text, uid):
        """The page without what must differ: the token, and the name that was typed."""
        text = re.sub(rb'name="csrf" value="[^"]*"', b"", text)
        return re.sub(rb'name="username"[^>]*value="[^"]*"|value="[^"]*"[^>]*name="username"', b"", text)

    def test_refused_passcodes_have_one_answer(self):
        """Unknown, without a key, wrong PIN, wrong code, disabled, locked.  Source: CWE-204; NIST SP 800-63B."""
        shapes = {}
        with self.nothing_opened():
            for kind, (uid, passcode) in self.kinds.items():
                answer = Browser(self.first).login_passcode(uid, passcode)
                self.assert_verdict(answer, "denied")
                shapes[kind] = self.shape(answer) + (answer.body,)
        self.assertEqual(len(set(shapes.values())), 1, shapes)

    def test_refused_passcodes_have_one_page(self):
        """The same as a page, word for word."""
        pages = {}
        for kind, (uid, passcode) in self.kinds.items():
            browser = Browser(self.first)
            token = browser.token("login")
            answer = browser.post("/otp/login", {"csrf": token, "username": uid, "method": "passcode",
                                                 "passcode": passcode}, headers=HTML)
            shape = self.shape(answer)
            names = tuple(name for name in shape[1] if name != "Content-Length")
            pages[kind] = (shape[0], names) + shape[2:] + (self.plain(answer.body, uid),)
        self.assertEqual(len(set(pages.values())), 1, {kind: page[:4] for kind, page in pages.items()})

    def test_refused_passwords_have_one_answer(self):
        """Unknown, wrong, and accounts whose hash can never match.  Source: CWE-204."""
        shapes = {}
        with self.nothing_opened():
            for uid in ("nobody.at.all", "no body!", next(self.people), "h001", "h002", "h003"):
                answer = Browser(self.first).login(uid, "not-the-password")
                self.assert_verdict(answer, "denied")
                shapes[uid] = self.shape(answer) + (answer.body,)
        self.assertEqual(len(set(shapes.values())), 1, shapes)

    def test_step_up_does_not_tell_which_part_was_wrong(self):
        """After the password: wrong PIN, wrong code, no key.  A PIN is never confirmed apart from a code."""
        shapes = {}
        for kind in ("wrong PIN", "wrong code", "without a key", "disabled key"):
            uid = next(self.people)
            passcode = PIN + "000000"
            if kind != "without a key":
                key, _browser = self.house.enrol(uid)
                passcode = "918273" + key.code(key.used + 1) if kind == "wrong PIN" else passcode
                if kind == "disabled key":
                    self.house.otpctl("key", "disable", key.serial, "--reason", "lost")
            browser = Browser(self.first)
            expect(browser.login(uid), "ok")
            answer = browser.submit("passcode", passcode=passcode)
            self.assert_verdict(answer, "denied")
            shapes[kind] = self.shape(answer) + (answer.body,)
        self.assertEqual(len(set(shapes.values())), 1, shapes)

    def test_serial_of_another_person_and_no_serial_have_one_answer(self):
        """The page of one's own key is no list of the serials that exist."""
        other = next(self.people)
        taken, _browser = self.house.enrol(other)
        free = self.house.new_key(next(self.people))
        self.house.otpctl("key", "unassign", free.serial)
        browser = Browser(self.first)
        expect(browser.login(next(self.people)), "ok")
        shapes = set()
        for serial in ("999999999", taken.serial, free.serial):
            answer = browser.send("key", serial=serial, code="000000")
            self.assert_verdict(answer, "serial_refused")
            shapes.add(self.shape(answer) + (answer.body,))
        self.assertEqual(len(shapes), 1, shapes)

    def test_guard_answers_alike_whether_the_page_exists_or_not(self):
        """Guarded files are not counted by who may not read them."""
        shapes = set()
        for path in ("/app/page.txt", "/app/nothing.txt"):
            answer = Browser(self.first).get(path)
            self.assert_refused(answer, path, (401,))
            shapes.add(self.shape(answer))
        self.assertEqual(len(shapes), 1, shapes)


class OracleOfTime(Attack):
    """People whose hash takes a while: 50,000 rounds."""
    PEOPLE = 2
    EXTRA = [f"c{number:03d}:{COSTLY}:Costly:c@example.org:staff" for number in range(80)]

    def medians(self, one, other):
        """Interleaved, so that whatever else the machine does falls on both."""
        times = ([], [])
        for pair in range(PAIRS):
            for which, attempt in enumerate((one, other)):
                browser = Browser(self.first)
                fields = {**attempt(pair), "csrf": browser.token("login")}
                start = time.monotonic()
                answer = browser.post("/otp/login", fields)
                times[which].append(time.monotonic() - start)
                self.assert_verdict(answer, "denied")
        return statistics.median(times[0]), statistics.median(times[1])

    def test_unknown_people_take_the_time_of_known_ones_for_a_password(self):
        """Without a hash for them the unknown would be twenty times faster.  Source: CVE-2016-6210 (OpenSSH).  Black-box,
        on a machine that others use too, a factor of two can be told from it, not more."""
        known, unknown = self.medians(
            lambda pair: {"username": "c%03d" % pair, "method": "password", "password": "wrong"},
            lambda pair: {"username": "x%03d" % pair, "method": "password", "password": "wrong"})
        self.assertLess(max(known, unknown) / min(known, unknown), 2, (known, unknown))

    def test_unknown_people_take_the_time_of_known_ones_for_a_passcode(self):
        """An invented account is decided about with the same work: people with a key, people without, nobody."""
        uid = next(self.people)
        self.house.enrol(uid)
        known, unknown = self.medians(
            lambda pair: {"username": uid if pair < 9 else "c%03d" % pair, "method": "passcode",
                          "passcode": PIN + "%06d" % pair},
            lambda pair: {"username": "x%03d" % pair, "method": "passcode", "passcode": PIN + "%06d" % pair})
        self.assertLess(max(known, unknown) / min(known, unknown), 2, (known, unknown))


if __name__ == "__main__":
    unittest.main()
