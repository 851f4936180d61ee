"""The cookie: whatever is sent in its place is no session, costs no time, and breaks nothing.

| case | test |
|---|---|
| empty, one byte, 8 KiB, bad base64, NUL… | test_cookie_that_was_never_issued_is_no_session |
| two of ours | test_two_cookies_of_ours_are_never_mixed |
| ours inside another's value | test_cookie_inside_another_s_value_is_no_session |
| nginx's own look-up: case, commas | test_name_is_taken_to_the_letter |
| 1,000 cookies, linear time | test_a_thousand_cookies_take_no_time |
| beside it | attributes, what is set on refusal, what the portal says |
"""
import base64
import hashlib
import time
import unittest

from stage import Attack, Browser, head, raw
from world import expect

SERVER = "location /proxied/ { otp_require password; proxy_pass http://$APPLICATION; }"


class Cookies(Attack):
    @classmethod
    def prepare(cls):
        cls.house.front(SERVER, "large_client_header_buffers 8 64k;")
        cls.front = cls.house.front_port
        cls.names = []
        for name in ("one", "other"):
            uid = next(cls.people)
            browser = Browser(cls.first)
            expect(browser.login(uid), "ok")
            setattr(cls, name, browser.cookies["otp"])
            cls.names.append(uid)

    def ask(self, cookie, path="/desk/page.txt"):
        lines = cookie if isinstance(cookie, list) else [cookie]
        return raw(self.front, head("GET", path, "Accept: application/json", *(b"Cookie: " + (
            line if isinstance(line, bytes) else line.encode("latin-1")) for line in lines)))

    def refused(self, cookie):
        with self.nothing_opened():
            for path in ("/desk/page.txt", "/proxied/x"):
                answer = self.ask(cookie, path)
                self.assert_refused(answer, repr(cookie)[:80], (400, 401))
                self.assertNotIn("Set-Cookie", answer.headers)
            answer = self.ask(cookie, "/otp/session")
            self.assertIn(answer.status, (400, 401), repr(cookie)[:80])

    def passes(self, cookie):
        self.assertEqual(self.ask(cookie).status, 200, repr(cookie)[:80])

    def test_cookie_that_was_never_issued_is_no_session(self):
        """Every wrong shape of the value.  Source: RFC 6265 section 4.1.1; CWE-20."""
        self.passes("otp=" + self.one)
        good, last = self.one, "A" if self.one[-1] != "A" else "E"
        for value in ("", "x", "A" * 42, "A" * 43, "A" * 44, "A" * 8000, "A" * 20000, "*" * 43, good[:-1], good + "A", good + "=",
                      good[:-1] + last, good.swapcase(), good[::-1], good + "%00", "%" + good, good.replace(good[0], "%41", 1)
                      if good[0] != "A" else "%42" + good[1:], "../" * 14, "*", "?" * 43, "{0}", "sess:" + good, good + "\x01",
                      good[:20] + " " + good[20:], base64.b64encode(base64.urlsafe_b64decode(good + "=")).decode() + "=",
                      hashlib.sha256(good.encode()).hexdigest(), hashlib.sha256(good.encode()).hexdigest()[:12], "null",
                      "undefined", "true", "1", "-1", "\xe9" * 43, good[:-1] + "\xe9", "'or'1'='1", "\\" * 43,
                      "\n".join([good[:20], good[20:]]), "%0d%0aGET%20otp:sess:x", "$" * 43, '"' + good, good + '"', '""'):
            self.refused("otp=" + value)

    def test_nul_in_a_cookie_is_refused(self):
        """Behind the value, in it, in the name."""
        for line in (b"otp=" + self.one.encode() + b"\0", b"otp=\0" + self.one.encode(), b"otp\0=" + self.one.encode(),
                     b"\0otp=" + self.one.encode(), b"otp=" + self.one.encode() + b"\0x", b"\0" * 100):
            self.refused(line)

    def test_two_cookies_of_ours_are_never_mixed(self):
        """Somebody else has planted one, from a sibling host: nobody's session, or the person's own; in no order the
        planted one's where both are good.  Source: RFC 6265 section 8.6."""
        for cookie in (f"otp={self.one}; otp={self.other}", f"otp={self.other}; otp={self.one}",
                       [f"otp={self.one}", f"otp={self.other}"], f"otp={self.one}; a=b; otp={self.other}; otp={self.one}"):
            self.refused(cookie)
        for junk in ("x", "A" * 43, ""):
            for cookie in (f"otp={junk}; otp={self.one}", f"otp={self.one}; otp={junk}"):
                answer = self.ask(cookie, "/otp/session")
                self.assertIn(answer.status, (200, 401))
                self.assertNotIn(self.names[1].encode(), answer.body)

    def test_cookie_inside_another_s_value_is_no_session(self):
        """Where a search for `otp=` would find it."""
        for cookie in (f"a=otp={self.one}", f"a=b otp={self.one}", f"aotp={self.one}", f"a=\"; otp2={self.one}", f"a={self.one}",
                       f"x-otp={self.one}", f"a=b,otp={self.one}", f"otp-form={self.one}", f"otp=={self.one}", f"=otp={self.one}",
                       f"a=b\totp={self.one}", f"otp[]={self.one}", f"otp.x={self.one}", f"a=b&otp={self.one}"):
            self.refused(cookie)

    def test_name_is_taken_to_the_letter(self):
        """nginx 1.22's own look-up ignores case and splits at commas.  Source: RFC 6265 section 5.2."""
        for cookie in (f"OTP={self.one}", f"Otp={self.one}", f"a=b, otp={self.one}", f"a,otp={self.one}", f"__Host-otp={self.one}",
                       f"__Secure-otp={self.one}", f"otp_={self.one}", f" otp2={self.one}", f"$otp={self.one}", f"o%74p={self.one}",
                       f"ｏtp={self.one}".encode().decode("latin-1")):
            self.refused(cookie)

    def test_good_cookie_among_others_is_found(self):
        """The control."""
        for cookie in (f"a=b; otp={self.one}; c=d", f"a=b;otp={self.one};c=d", [f"a=b", f"otp={self.one}"],
                       f"a=otp={self.other}; otp={self.one}", f"a=\"x, y\"; otp={self.one}", f"OTP=x; otp={self.one}"):
            self.passes(cookie)

    def test_a_thousand_cookies_take_no_time(self):
        """Ten times as many take at most some thirty times as long: linear, as far as that can be seen from outside."""
        def cost(make, count):
            best = 9
            for _ in range(5):
                start = time.monotonic()
                answer = self.ask("; ".join(make(number) for number in range(count)))
                best = min(best, time.monotonic() - start)
                self.assert_refused(answer, "", (400, 401))
            return best

        for make in (lambda number: f"c{number}=v", lambda number: f"otp={number}", lambda number: "otp=" + "A" * 43,
                     lambda number: "otp", lambda number: "", lambda number: ",", lambda number: 'a="'):
            few, many = cost(make, 100), cost(make, 1000)
            self.assertLess(many, 30 * max(few, 0.001), (few, many))
        self.assert_refused(self.ask(["otp=%d" % number for number in range(500)]), "", (400, 401))

    def test_cookie_of_a_sign_in_is_kept_from_scripts_and_other_sites(self):
        """HttpOnly, SameSite, the whole host and nothing else.  Source: RFC 6265bis section 4.1.  (Secure and __Host- are
        off in this world, which has no TLS; t/otp_cookie.t has them.)"""
        browser = Browser(self.first)
        answer = browser.login(next(self.people))
        lines = [line for line in answer.headers.get_all("Set-Cookie") if line.startswith("otp=")]
        self.assertEqual(len(lines), 1)
        self.assertIn("; HttpOnly", lines[0])
        self.assertIn("; SameSite=Lax", lines[0])
        self.assertIn("; Path=/", lines[0])
        self.assertNotIn("Domain", lines[0])
        self.assertEqual(len(browser.cookies["otp"]), 43)

    def test_cookies_of_sign_ins_have_nothing_in_common(self):
        """Two for the same person; each with 32 bytes that are no formula of the others.  Source: NIST SP 800-63B 7.1."""
        uid, values = next(self.people), set()
        for _ in range(20):
            browser = Browser(self.first)
            expect(browser.login(uid), "ok")
            values.add(base64.urlsafe_b64decode(browser.cookies["otp"] + "="))
        self.assertEqual(len(values), 20)
        self.assertEqual({len(value) for value in values}, {32})
        self.assertEqual(len({value[:4] for value in values}), 20)
        self.assertEqual(len({value[-4:] for value in values}), 20)


if __name__ == "__main__":
    unittest.main()
