"""Passwords: what is no password never matches, and none of them stops anything.

| case | test |
|---|---|
| empty (LDAP binds as anonymous) | test_empty_password_signs_nobody_in |
| NUL | test_nul_ends_no_password |
| 72-byte truncation | test_end_of_a_long_password_counts |
| 64 KiB | test_password_of_64_kib_is_refused_at_once |
| `*`, `!`, empty, DES, MD5 | test_hash_that_is_none_never_matches |
| rounds=999999999 | test_planted_cost_does_not_hang_the_gateway |
| beside it | spelling of passwords, hashes as passwords, a line that is none, passwords in the address |
"""
import os
import threading
import time
import unittest
import urllib.parse

from stage import PASSWORD, Attack, Browser, crypted, head, raw, verdict
from world import expect

LONG_PASSWORD = "a" * 72 + "the rest of it"
BCRYPT = "$2b$05$" + "n" * 21 + "u"
GOOD = {"g001": crypted("cr\u00e8me br\u00fbl\u00e9e", "$6$rounds=1000$sel"), "g002": crypted(LONG_PASSWORD, "$6$rounds=1000$sel"),
        "g003": crypted("a" * 72, BCRYPT), "g004": crypted(" blanks  ", "$5$rounds=1000$sel"), "g005": crypted(PASSWORD, BCRYPT)}
NONE = {"n%03d" % number: stored for number, stored in enumerate((
    "", "*", "!", "!!", "*0", "*1", "x", "!" + crypted(PASSWORD, "$6$rounds=1000$sel"), crypted(PASSWORD, "ab"),
    crypted(PASSWORD, "$1$sel$"), "{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=", "{PLAIN}" + PASSWORD, PASSWORD, "$apr1$x$y", "$6$", "$6$sel$", "$6$sel",
    "$y$", "$2b$", "$2b$05$", "$", "$$", "$0$x$y", "$6$rounds=1000$sel$short", "NP", "*LK*", "{CRYPT}" + crypted(PASSWORD, "$5$sel$"),
    crypted("", "$6$rounds=1000$sel"), crypted(PASSWORD, "$6$rounds=1000$sel")[:-1], crypted(PASSWORD, "$6$rounds=1000$sel") + "x",
    crypted(PASSWORD, "_J9..sel."), crypted(PASSWORD, "$3$") or "$3$$x"))}
COSTLY = {"c001": "$6$rounds=999999999$sel$" + "x" * 86, "c002": "$5$rounds=999999999$sel$" + "x" * 43, "c003": "$2b$31$" + "n" * 53,
          "c004": "$y$jFT$sel$" + "x" * 43, "c005": "$y$jzzzz$sel$" + "x" * 43, "c006": "$6$rounds=99999999999999999999$sel$" + "x" * 86,
          "c007": "$7$zzzzzzzzzzsel$" + "x" * 43, "c008": "$gy$jzT$sel$" + "x" * 43}


class Passwords(Attack):
    EXTRA = [f"{uid}:{stored}:Person:x@example.org:staff" for uid, stored in {**GOOD, **NONE, **COSTLY}.items()]
    LIMITS = "password_free=1000"

    def refused(self, uid, password, *verdicts):
        with self.nothing_opened():
            browser = Browser(self.first)
            fields = {"csrf": browser.token("login"), "username": uid, "method": "password", "password": password}
            answer = browser.post("/otp/login", fields)
        self.assert_verdict(answer, *(verdicts or ("denied", "bad_request")))

    def test_good_passwords_are_good(self):
        """The control."""
        for uid, password in (("g001", "cr\u00e8me br\u00fbl\u00e9e"), ("g002", LONG_PASSWORD), ("g003", "a" * 72), ("g004", " blanks  "),
                              ("g005", PASSWORD)):
            expect(Browser(self.first).login(uid, password), "ok")

    def test_empty_password_signs_nobody_in(self):
        """Empty, left out, blanks; for people, for nobody, for hashes of nothing.  Source: RFC 4513 section 5.1.2."""
        for uid in ("g001", "n000", "n027", next(self.people), "nobody.at.all", ""):
            for password in ("", " ", "\t", "\u00a0"):
                self.refused(uid, password)
            browser = Browser(self.first)
            answer = browser.post("/otp/login", {"csrf": browser.token("login"), "username": uid, "method": "password"})
            self.assert_verdict(answer, "bad_request", "denied")

    def test_nul_ends_no_password(self):
        """C strings end there; passwords do not.  Source: CWE-158."""
        for uid, password in (("g002", LONG_PASSWORD), ("g003", "a" * 72), ("g005", PASSWORD)):
            for wrong in (password + "\0", password + "\0x", "\0" + password, password[:5] + "\0" + password[5:]):
                self.refused(uid, wrong)

    def test_end_of_a_long_password_counts(self):
        """sha512crypt reads it all; bcrypt would ignore what comes after 72 bytes, so there is nothing after them.
        Source: CVE-2025-22228 (Spring Security)."""
        self.refused("g002", LONG_PASSWORD[:72])
        self.refused("g002", LONG_PASSWORD + "x")
        self.refused("g003", "a" * 72 + "x")
        self.refused("g003", "a" * 73)
        self.refused("g003", "a" * 71)
        self.refused("g003", "a" * 4000)

    def test_password_of_64_kib_is_refused_at_once(self):
        """413 before it is read, and before anything is hashed.  Source: CVE-2013-1443 (Django)."""
        browser = Browser(self.first)
        body = urllib.parse.urlencode({"csrf": browser.token("login"), "username": "g002", "method": "password",
                                       "password": "a" * 65536}).encode()
        start = time.monotonic()
        answer = raw(self.first, head("POST", "/otp/login", "Content-Type: application/x-www-form-urlencoded",
                                      f"Content-Length: {len(body)}", "Cookie: " + browser.cookie_header()) + body)
        self.assertEqual(answer.status, 413)
        self.assertLess(time.monotonic() - start, 2)
        self.refused("g002", "a" * 7900)

    def test_hash_that_is_none_never_matches(self):
        """Locked, empty, DES, MD5, unsalted, plain text, cut off: with the right password, with the hash itself, with
        nothing.  Source: shadow(5); CWE-916."""
        for uid, stored in NONE.items():
            for password in (PASSWORD, stored, "", "x", "*", "!"):
                self.refused(uid, password)

    def test_hash_is_not_a_password(self):
        """Who has read the file cannot sign in with what is in it."""
        for uid, stored in GOOD.items():
            self.refused(uid, stored)

    def test_password_is_taken_to_the_letter(self):
        """Case, blanks, other forms of the same Unicode character."""
        for uid, wrong in (("g001", "creme brulee"), ("g001", "cre\u0300me bru\u0302le\u0301e"), ("g001", "CR\u00c8ME BR\u00dbL\u00c9E"),
                           ("g004", "blanks"), ("g004", " blanks "), ("g005", PASSWORD.upper()), ("g005", PASSWORD + " "),
                           ("g005", " " + PASSWORD), ("g005", PASSWORD + "\n"), ("g005", urllib.parse.quote(PASSWORD + "%"))):
            self.refused(uid, wrong)

    def test_planted_cost_does_not_hang_the_gateway(self):
        """Costs that would take days or all memory are no hashes: refused as quickly as others, and everybody else signs in
        meanwhile.  Source: CVE-2016-20013 (crypt with long input and many rounds)."""
        start = time.monotonic()
        said = []
        threads = [threading.Thread(target=lambda uid: said.append(verdict(Browser(self.first).login(uid))), args=(uid,), daemon=True)
                   for uid in COSTLY]
        for thread in threads:
            thread.start()
        expect(Browser(self.first).login(next(self.people)), "ok")
        expect(Browser(self.second).login("g005"), "ok")
        for thread in threads:
            thread.join(20)
        self.assertLess(time.monotonic() - start, 10)
        self.assertEqual(len(said), len(COSTLY))
        self.assertLessEqual(set(said), {"denied", "throttled", "unavailable"})

    def test_password_in_the_address_is_not_taken(self):
        """It would be in every log on the way.  Source: CWE-598."""
        uid = next(self.people)
        browser = Browser(self.first)
        token = browser.token("login")
        query = urllib.parse.urlencode({"username": uid, "method": "password", "password": PASSWORD, "csrf": token})
        with self.nothing_opened():
            browser.get("/otp/login?" + query)
            self.assert_verdict(browser.post("/otp/login?" + query, {"csrf": token}), "bad_request", "denied")
            for credentials in ("Basic ", "Bearer "):
                browser.get("/otp/login", headers={"Authorization": credentials + PASSWORD})
        for text in self.house.logs().values():
            self.assertNotIn(PASSWORD, text)

    def test_no_password_is_written_anywhere(self):
        """Right, wrong, and typed into the field of the passcode: not in a log, the audit, or Redis.  Source: CWE-532."""
        uid, wrong = next(self.people), "un-mot-de-passe-faux"
        Browser(self.first).login(uid, wrong)
        Browser(self.first).login(uid)
        Browser(self.first).login_passcode(uid, wrong)
        time.sleep(0.2)
        texts = [*self.house.logs().values(), *self.house.audit()]
        for name in self.house.enemy.names("*"):
            if self.house.enemy("TYPE", name) == b"stream":
                texts.append(repr(self.house.enemy("XRANGE", name, "-", "+")))
            elif self.house.enemy("TYPE", name) == b"string":
                texts.append(self.house.enemy("GET", name).decode("latin-1"))
        folder = os.path.join(self.house.root, "redis")
        for path, _folders, files in os.walk(folder):
            for name in files:
                with open(os.path.join(path, name), "rb") as file:
                    texts.append(file.read().decode("latin-1"))
        self.assertTrue(any(uid in text for text in texts))
        for text in texts:
            self.assertNotIn(PASSWORD, text)
            self.assertNotIn(wrong, text)


if __name__ == "__main__":
    unittest.main()
