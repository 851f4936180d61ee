"""Redis as the enemy: who can write there, but has not the key ring, gets nothing by it (G6).

| case | test |
|---|---|
| cannot mint a session | test_session_that_was_written_by_hand_is_none, …copied…, …changed… |
| move a seed to another account | test_account_or_key_moved_to_another_name_is_not_believed |
| re-enable a key | test_disabled_key_is_not_enabled_by_changing_its_record |
| lower a counter | test_counter_is_not_lowered_by_changing_its_record |
| unnoticed | each of these leaves a line in error.log or an answer 503, and the record is not taken for an absent one |
| beside it | pending states, kept answers, the emergency password, other types, sizes and nonsense, an older record, flushes |

What it can: delete (a sign-out for everybody), and put an older record back as a whole; test_older_record_… says what then
still holds.
"""
import hashlib
import json
import re
import unittest
import urllib.parse

from stage import PASSWORD, PIN, Attack, Browser, verdict
from world import expect

REFUSED = ("denied", "unavailable", "throttled", "already_used", "wait_next_code")


class RedisAsTheEnemy(Attack):
    PEOPLE = 60

    @classmethod
    def prepare(cls):
        cls.enemy = cls.house.enemy

    def session_name(self, value):
        return b"otp:sess:{%s}" % hashlib.sha256(value.encode()).hexdigest().encode()

    def refused_everywhere(self, value, what=""):
        for port in self.house.ports:
            for path in ("/app/page.txt", "/desk/page.txt"):
                self.assert_refused(Browser(port, {"otp": value}).get(path), what, (401, 503))
            self.assertIn(Browser(port, {"otp": value}).session().status, (401, 503), what)

    def signed_in(self):
        uid = next(self.people)
        browser = Browser(self.first)
        expect(browser.login(uid), "ok")
        return uid, browser

    # --- sessions --------------------------------------------------------------------------------------

    def test_session_that_was_written_by_hand_is_none(self):
        """In the documented form, with made-up and copied MACs, and in forms of other programs."""
        _uid, browser = self.signed_in()
        record = self.enemy("GET", self.session_name(browser.cookies["otp"]))
        version, ring, mac, body = record.split(b".", 3)
        mine = "A" * 43
        name = self.session_name(mine)
        for forged in (record, b".".join((version, ring, b"A" * 43, body)), b".".join((version, ring, b"", body)),
                       b".".join((b"0", ring, mac, body)), b".".join((version, b"00000000", mac, body)), b".".join((version, ring, body)), body,
                       b"", b"1", b"{}", b'{"user":"p001","level":"otp"}', b"211\t1\t1\t1\t9999999999\t1800\t7\tp001\tx\tx\tstaff",
                       b"\0" * 100, record + record, record + b"\n", b" " + record, b"." * 5000, b"x" * 100000):
            self.enemy("SET", name, forged)
            self.refused_everywhere(mine, forged[:80])
        self.enemy("DEL", name)

    def test_session_copied_to_another_cookie_is_none(self):
        """The record is bound to its name: a cookie the enemy knows, and somebody's good record."""
        _key, browser = self.house.enrol(next(self.people))
        record = self.enemy("GET", self.session_name(browser.cookies["otp"]))
        _uid, other = self.signed_in()
        self.enemy("SET", self.session_name(other.cookies["otp"]), record)
        self.refused_everywhere(other.cookies["otp"])
        self.assert_opens(browser)

    def test_session_of_which_a_byte_was_changed_is_none(self):
        """Every byte of the record, one after the other: level, method, times, name, groups."""
        uid, browser = self.signed_in()
        name = self.session_name(browser.cookies["otp"])
        record = self.enemy("GET", name)
        for place in range(len(record)):
            changed = bytearray(record)
            changed[place] ^= 1
            self.enemy("SET", name, bytes(changed))
            answer = Browser(self.house.ports[place % 2], browser.cookies).get("/desk/page.txt")
            self.assert_refused(answer, f"byte {place}", (401, 503))
        for old, new in ((b"101\t", b"201\t"), (b"\t" + uid.encode(), b"\tp999"), (b"staff", b"helpdesk,staff")):
            self.enemy("SET", name, record.replace(old, new))
            self.refused_everywhere(browser.cookies["otp"], new)
        self.enemy("SET", name, record)
        self.assert_opens(browser, "/desk/page.txt")

    def test_session_that_was_ended_comes_back_only_as_it_was(self):
        """Put back after a sign-out by who has kept the record: at most what it was, never more; and its end is in it."""
        _uid, browser = self.signed_in()
        name = self.session_name(browser.cookies["otp"])
        record = self.enemy("GET", name)
        kept = browser.at(self.second)
        expect(browser.submit("logout"), "ok")
        self.enemy("SET", name, record)
        self.assert_refused(kept.get("/app/page.txt"), "", (401,))
        self.enemy("DEL", name)
        self.assert_no_session(kept)

    def test_other_records_are_no_sessions(self):
        """Accounts, stock and pending states have MACs of their own kind: put where a session would be."""
        uid = next(self.people)
        self.house.enrol(uid)
        mine = "B" * 43
        for name in self.enemy.names("acct:*") + self.enemy.names("key:*") + self.enemy.names("pend:*") + self.enemy.names("deco:*"):
            value = self.enemy("GET", name)
            if value:
                self.enemy("SET", self.session_name(mine), value)
                self.assertIn(Browser(self.first, {"otp": mine}).session().status, (401, 503))
        self.enemy("DEL", self.session_name(mine))

    # --- accounts and keys -----------------------------------------------------------------------------

    def test_account_or_key_moved_to_another_name_is_not_believed(self):
        """The enemy has a key of his own and puts it into the victim's account: whole records, and the sealed seed."""
        own_uid, uid = next(self.people), next(self.people)
        own, _browser = self.house.enrol(own_uid)
        victim, _browser = self.house.enrol(uid)
        own_name, name = self.enemy.name(f"acct:*:{own_uid}"), self.enemy.name(f"acct:*:{uid}")
        good, mine = self.enemy("GET", name), self.enemy("GET", own_name)
        seed = re.search(rb'"seed":"([^"]*)"', mine)[1]
        pin = re.search(rb'"pin":(\{[^}]*\})', mine)[1]
        for forged in (mine, mine.replace(own_uid.encode(), uid.encode()), re.sub(rb'"seed":"[^"]*"', b'"seed":"' + seed + b'"', good),
                       re.sub(rb'"pin":\{[^}]*\}', b'"pin":' + pin, good), good.split(b".", 3)[0] + b"." + mine.split(b".", 1)[1]):
            self.assertNotEqual(forged, good)
            self.enemy("SET", name, forged)
            with self.nothing_opened():
                self.assert_verdict(Browser(self.first).login_passcode(uid, PIN + own.code(own.used + 1)), *REFUSED)
                self.assert_verdict(Browser(self.second).login_passcode(uid, PIN + victim.code(victim.used + 1)), *REFUSED)
            self.assertNotEqual(self.house.ctl("user", "show", uid).returncode, 0, "otpctl does not believe it either")
        self.enemy("SET", name, good)

    def test_key_of_the_stock_moved_to_another_serial_is_not_believed(self):
        """A software key of the enemy in the place of the hardware key that the helpdesk assigns."""
        own, victim = next(self.people), next(self.people)
        mine, theirs = self.house.new_key(own), self.house.new_key(victim)
        self.house.otpctl("key", "unassign", theirs.serial)
        name = self.enemy.name(f"key:*:{theirs.serial}")
        good, other = self.enemy("GET", name), self.enemy("GET", self.enemy.name(f"key:*:{mine.serial}"))
        for forged in (other, other.replace(mine.serial.encode(), theirs.serial.encode())):
            self.enemy("SET", name, forged)
            self.assertNotEqual(self.house.ctl("key", "assign", theirs.serial, victim).returncode, 0)
            self.assert_verdict(Browser(self.first).login_passcode(victim, mine.code(mine.step())), *REFUSED)
        self.enemy("SET", name, good)

    def changed(self, uid, *pairs):
        """The account with other bytes: (name, record before)."""
        name = self.enemy.name(f"acct:*:{uid}")
        good = self.enemy("GET", name)
        forged = good
        for old, new in pairs:
            forged = re.sub(old, new, forged)
        self.assertNotEqual(forged, good, pairs)
        self.enemy("SET", name, forged)
        return name, good

    def test_disabled_key_is_not_enabled_by_changing_its_record(self):
        """`"state"` put back to usable: not believed, neither by the gateways nor by otpctl."""
        uid = next(self.people)
        key, _browser = self.house.enrol(uid)
        self.house.otpctl("key", "disable", key.serial, "--reason", "stolen")
        self.changed(uid, (rb'"state":"[^"]*"', b'"state":"usable"'))
        with self.nothing_opened():
            self.assert_verdict(Browser(self.first).login_passcode(uid, PIN + key.code(key.used + 1)), *REFUSED)
        self.assertNotEqual(self.house.ctl("user", "show", uid).returncode, 0)

    def test_counter_is_not_lowered_by_changing_its_record(self):
        """Failures, the lock, the last step: each put back by hand.  The change is refused and told, not swallowed."""
        for old, new in ((rb'"failures":\d+', b'"failures":0'), (rb'"locked_until":\d+', b'"locked_until":0'), (rb'"step":\d+', b'"step":1'),
                         (rb'"revision":\d+', b'"revision":1')):
            uid = next(self.people)
            key, _browser = self.house.enrol(uid)
            for number in range(10):
                Browser(self.first).login_passcode(uid, PIN + "%06d" % number)
            said = len("".join(self.house.logs().values()))
            self.changed(uid, (old, new))
            with self.nothing_opened():
                for code in (key.used, key.used + 1):
                    answer = Browser(self.first).login_passcode(uid, PIN + key.code(code))
                    self.assert_verdict(answer, *REFUSED)
            self.assertTrue(answer.status == 503 or len("".join(self.house.logs().values())) > said, "somebody is told")

    def test_record_that_is_not_believed_is_not_an_absent_one(self):
        """Otherwise breaking a record would give a fresh start: no failures, no key, first use."""
        uid = next(self.people)
        key, _browser = self.house.enrol(uid)
        name = self.enemy.name(f"acct:*:{uid}")
        for forged in (b"", b"x", b"{}", b"\0", b"1.2.3.4"):
            self.enemy("SET", name, forged)
            with self.nothing_opened():
                for passcode in (key.code(key.used + 1), PIN + key.code(key.used + 1)):
                    answer = Browser(self.first).login_passcode(uid, passcode)
                    # No bytes at all are as good as deleted: nobody's account, and no key.
                    self.assert_verdict(answer, "unavailable" if forged else "denied")
            self.assertEqual(self.enemy("GET", name), forged, "and is not written over")

    def test_emergency_password_is_not_put_into_another_account(self):
        """The enemy's own, in the victim's record."""
        own, uid = next(self.people), next(self.people)
        issued = json.loads(self.house.otpctl("emergency", "issue", own))["password"]
        self.house.otpctl("emergency", "issue", uid)
        mine = re.search(rb'"emergency":(\{[^}]*\})', self.enemy("GET", self.enemy.name(f"acct:*:{own}")))[1]
        self.changed(uid, (rb'"emergency":\{[^}]*\}', b'"emergency":' + mine))
        browser = Browser(self.first)
        answer = browser.login(uid)
        if verdict(answer) == "ok":
            with self.nothing_opened():
                self.assert_verdict(browser.send("passcode", passcode=issued), *REFUSED)
            self.assert_refused(browser.get("/app/page.txt"))
        else:
            self.assertEqual(answer.status, 503)

    # --- what lies between ------------------------------------------------------------------------------

    def test_pending_state_moved_to_another_browser_is_none(self):
        """Between six digits and PIN: the record under the name of the enemy's cookie."""
        uid = next(self.people)
        key = self.house.new_key(uid)
        before = set(self.enemy.names("pend:*"))
        browser = Browser(self.first)
        expect(browser.login_passcode(uid, key.code(key.step())), "pin_required")
        [name] = set(self.enemy.names("pend:*")) - before
        mine = "C" * 43
        self.enemy("SET", b"otp:pend:{%s}" % hashlib.sha256(mine.encode()).hexdigest().encode(), self.enemy("GET", name))
        for path in ("/otp/pin", "/otp/passcode"):
            self.assertIn(Browser(self.first, {"otp": mine}).get(path).status, (401, 503))

    def test_kept_answer_moved_to_another_form_is_not_given(self):
        """The answer to somebody's form (B2), with the new cookie in it, under the nonce of the enemy's form."""
        before = set(self.enemy.names("once:*"))
        uid, browser = self.signed_in()
        kept = set(self.enemy.names("once:*")) - before
        self.assertEqual(len(kept), 1)
        record = self.enemy("GET", kept.pop())
        mine = Browser(self.first)
        seen = set(self.enemy.names("once:*"))
        fields = {"csrf": mine.token("login"), "username": next(self.people), "method": "password", "password": "wrong"}
        self.assert_verdict(mine.post("/otp/login", fields), "denied")
        for name in set(self.enemy.names("once:*")) - seen:
            self.enemy("SET", name, record, "PX", 10000)
            with self.nothing_opened():
                answer = mine.post("/otp/login", fields)
            self.assertNotEqual(verdict(answer), "ok")
            self.assertNotIn(browser.cookies["otp"].encode(), str(answer.headers).encode())
        self.assert_no_session(mine)

    def test_nonsense_of_every_type_and_size_is_survived(self):
        """Lists, hashes, sets and ten megabytes where records should be: refused, no 500, nobody falls."""
        uid = next(self.people)
        key, browser = self.house.enrol(uid)
        names = [self.session_name(browser.cookies["otp"]), self.enemy.name(f"acct:*:{uid}")]
        names += [name for name in self.enemy.names("*") if uid.encode() in name and name not in names]
        for name in names:
            good = self.enemy("DUMP", name)
            for words in (("RPUSH", name, "x"), ("HSET", name, "x", "y"), ("SADD", name, "x"), ("SET", name, "x" * (10 << 20)),
                          ("SET", name, b"\xff" * 3000), ("ZADD", name, 1, "x"), ("SET", name, "9" * 400), ("XADD", name, "*", "e", "x")):
                self.enemy("DEL", name)
                self.enemy(*words)
                for path in ("/app/page.txt", "/otp/session", "/otp/activity", "/otp/key", "/otp/"):
                    answer = browser.at(self.first).get(path)
                    self.assertIn(answer.status, (200, 401, 503), (name, words[:1], path))
                answer = Browser(self.first).login_passcode(uid, PIN + "000000")
                self.assertIn(answer.status, (401, 429, 503), (name, words[:1]))
            self.enemy("DEL", name)
            self.enemy("RESTORE", name, 0, good)
        self.house.otpctl("user", "unlock", uid)
        expect(Browser(self.second).login_passcode(uid, PIN + key.code(key.used + 1)), "ok")

    def test_streams_and_sets_with_nonsense_break_no_page(self):
        """Events, a person's history, mail and waiting requests that somebody else has added to, with markup in them."""
        uid = next(self.people)
        _key, browser = self.house.enrol(uid)
        history = self.enemy.name(f"hist:*:{uid}")
        for text in ("", "{", "null", "[]", '{"event":5}', '{"event":"<script>alert(1)</script>","verdict":"ok","time":1}', "x" * 100000,
                     '{"time":"' + "9" * 400 + '"}', "\xff\0", '{"event":"login","verdict":"ok","address":"\\u0000"}'):
            self.enemy("XADD", history, "*", "e", text)
            self.enemy("XADD", history, "*", "other", text)
        for headers in ({}, {"Accept": "text/html"}):
            answer = browser.get("/otp/activity", headers=headers)
            self.assertIn(answer.status, (200, 503))
            self.assertNotIn(b"<script>alert", answer.body if headers else b"")
        for name in self.enemy.names("user:*:" + uid):
            self.enemy("ZADD", name, 9999999999, "../../x", 9999999999, "0" * 64)
        self.assertIn(browser.get("/otp/activity").status, (200, 503))

    def test_older_record_gives_no_code_twice_at_the_gateway_that_took_it(self):
        """The account as it was before the sign-in, put back as a whole: its MAC is good, and nothing in Redis can tell.
        The gateway remembers the steps it has accepted itself."""
        uid = next(self.people)
        key, _browser = self.house.enrol(uid)
        name = self.enemy.name(f"acct:*:{uid}")
        old = self.enemy("GET", name)
        passcode = PIN + key.code(key.used + 1)
        accepted = 0
        for _ in range(8):
            accepted += verdict(Browser(self.first).login_passcode(uid, passcode)) == "ok"
            self.enemy("SET", name, old)
        self.assertLessEqual(accepted, 2, "at most once for each worker, which remembers for itself")

    def test_flush_of_everything_opens_nothing(self):
        """FLUSHALL: everybody is signed out, nobody signs in with a code, nothing is taken for a fresh start."""
        uid = next(self.people)
        key, browser = self.house.enrol(uid)
        names = self.enemy.names("*")
        kept = {name: self.enemy("DUMP", name) for name in names}
        self.enemy("FLUSHALL")
        for port in self.house.ports:
            self.assert_refused(browser.at(port).get("/app/page.txt"), "", (401, 503))
        self.assert_verdict(Browser(self.first).login_passcode(uid, PIN + key.code(key.used + 1)), *REFUSED)
        self.assert_verdict(Browser(self.first).login_passcode(uid, key.code(key.used + 1)), *REFUSED)
        for name, value in kept.items():
            if value:
                self.enemy("RESTORE", name, 0, value, "REPLACE")

    def test_script_of_the_enemy_is_not_run_by_the_gateways(self):
        """Scripts are called by the hash of their own text: flushed and others loaded, the decision is the same."""
        self.enemy("SCRIPT", "FLUSH")
        self.enemy("SCRIPT", "LOAD", "return 'OK'")
        uid = next(self.people)
        key, _browser = self.house.enrol(uid)
        expect(Browser(self.first).login_passcode(uid, PIN + key.code(key.used + 1)), "ok")
        with self.nothing_opened():
            self.assert_verdict(Browser(self.second).login_passcode(uid, PIN + key.code(key.used + 1)), "already_used", "denied")

    def test_copy_of_redis_signs_nobody_in(self):
        """Every word and number in it, as cookie and as password of its owner."""
        uid, browser = self.signed_in()
        record = self.enemy("GET", self.session_name(browser.cookies["otp"])).decode("latin-1")
        account = [self.enemy("GET", name).decode("latin-1") for name in self.enemy.names("acct:*")[:3]]
        words = set(re.findall(r"[A-Za-z0-9_+/=-]{6,100}", record + " ".join(account)))
        with self.nothing_opened():
            for word in sorted(words)[:60]:
                self.assertEqual(Browser(self.first, {"otp": word}).session().status, 401)
        self.assertNotIn(PASSWORD, urllib.parse.unquote(record))


if __name__ == "__main__":
    unittest.main()
