"""Bad input over HTTP: whatever a body or a head looks like, it is answered, kept nowhere, and breaks nothing.

| case | test |
|---|---|
| empty, limit -1, 0, +1 | test_empty_form_is_refused, test_size_of_a_form_… |
| 1 GiB announced and not sent | test_gibibyte_that_is_announced_is_refused_before_it_comes |
| chunked | test_chunked_form_is_read_and_bounded |
| wrong or no content type, multipart | test_other_content_types_are_refused |
| the same field twice, 10,000 fields | test_field_that_comes_twice_is_refused, test_many_fields_are_refused |
| broken percent-encoding, invalid UTF-8, NUL | test_broken_text_is_refused_or_nobody_s |
| no password reaches a temporary file | test_no_body_reaches_a_temporary_file |
| beside it | lengths that lie, slow and cut bodies, long heads, expectations, methods, encodings, garbage |

Imports and directives are tested in tests/otpctl and t/config_errors.t; every parser has a harness in tests/fuzz.
"""
import gzip
import os
import random
import socket
import time
import unittest
import urllib.parse

from stage import PASSWORD, Attack, Browser, head, raw, reset
from world import expect

FORM = "Content-Type: application/x-www-form-urlencoded"
LIMIT = 8192
PAGES = ("login", "passcode", "pin", "logout", "key", "key/pin", "key/lost", "signals", "activity/end", "helpdesk/user/p001/unlock",
         "helpdesk/requests/7/approve")


class BadInput(Attack):
    PEOPLE = 30

    @classmethod
    def prepare(cls):
        cls.uid = next(cls.people)
        _key, cls.person = cls.house.enrol(cls.uid)

    def tearDown(self):
        super().tearDown()
        expect(Browser(self.first).login(next(self.people)), "ok")      # everybody else goes on

    def post(self, body, *lines, page="login", browser=None, length=True, seconds=5):
        browser = browser or Browser(self.first)
        lines = list(lines) + (["Cookie: " + browser.cookie_header()] if browser.cookies else [])
        if length:
            lines.append(f"Content-Length: {len(body)}")
        return raw(self.first, head("POST", "/otp/" + page, *lines) + body, seconds)

    def form(self, browser, **more):
        return urllib.parse.urlencode({"csrf": browser.token("login"), "username": self.uid, "method": "password", "password": PASSWORD,
                                       **more})

    def refused(self, answer, what="", statuses=(302, 303, 400, 401, 403, 404, 405, 408, 411, 413, 414, 415, 422, 429, 431, 494, 501)):
        self.assert_refused(answer, what, statuses)

    def test_empty_form_is_refused(self):
        """No body, no length, blanks, separators; at every endpoint that takes one."""
        for page in PAGES:
            for body in (b"", b"&", b"=", b"&&&&", b"\0", b" ", b"\r\n", b"csrf", b"csrf=", b"=x", b"csrf=&csrf="):
                for browser in (Browser(self.first), self.person):
                    with self.nothing_opened():
                        self.refused(self.post(body, FORM, page=page, browser=browser), (page, body))
            self.refused(self.post(b"", FORM, page=page, length=False), page)

    def test_size_of_a_form_is_bounded_to_the_byte(self):
        """One byte below the limit and at it: read; one above: 413."""
        for size, taken in ((LIMIT - 1, True), (LIMIT, True), (LIMIT + 1, False), (2 * LIMIT, False), (1 << 20, False)):
            browser = Browser(self.first)
            body = self.form(browser)
            body = (body + "&rd=" + "x" * (size - len(body) - 4)).encode()
            self.assertEqual(len(body), size)
            answer = self.post(body, FORM, "Accept: application/json", browser=browser)
            self.assertEqual(answer.status, 200 if taken else 413, size)
            if not taken:
                self.assertNotIn("Set-Cookie", answer.headers)

    def test_gibibyte_that_is_announced_is_refused_before_it_comes(self):
        """413 at once, with Expect too; and lengths beyond every integer.  Source: CVE-2013-2028 (nginx)."""
        for length in ("1073741824", "8193", "9223372036854775807", "9223372036854775808", "18446744073709551616", "99999999999999999999999",
                       "-1", "-9223372036854775808", "0x10", "1e3", "+5", "5 5", "5,5", "", "x"):
            for more in ((), ("Expect: 100-continue",)):
                answer = self.post(b"", FORM, f"Content-Length: {length}", *more, length=False, seconds=0.5)
                self.refused(answer, length, (400, 403, 411, 413))

    def test_chunked_form_is_read_and_bounded(self):
        """A good one; one without end; sizes that lie, overflow or are none.  Source: CVE-2013-2028 (nginx)."""
        browser = Browser(self.first)
        body = self.form(browser).encode()
        chunks = b"".join(b"%x\r\n%s\r\n" % (1, body[place:place + 1]) for place in range(len(body))) + b"0\r\n\r\n"
        answer = self.post(chunks, FORM, "Transfer-Encoding: chunked", "Accept: application/json", browser=browser, length=False)
        self.assertEqual(answer.status, 200)
        for chunks in (b"2001\r\n" + b"a" * 8193 + b"\r\n0\r\n\r\n", b"ffffffffffffffff\r\nx", b"-1\r\nx\r\n0\r\n\r\n", b"g\r\nx\r\n0\r\n\r\n",
                       b"1\r\nxx\r\n0\r\n\r\n", b"0;" + b"x" * 9000 + b"\r\n\r\n", b"10000000000000000\r\nx", b"\r\n\r\n", b"0x1\r\nx\r\n0\r\n\r\n",
                       b"100000\r\n" + b"b" * 20000):
            with self.nothing_opened():
                answer = self.post(chunks, FORM, "Transfer-Encoding: chunked", length=False, seconds=1)
            self.assertIn(answer.status, (0, 400, 403, 413), chunks[:20])
            self.assert_closed(answer)

    def test_other_content_types_are_refused(self):
        """None, JSON, text, multipart, and what only begins alike; with a body that would be right.  Source: OWASP CSRF,
        "simple" content types."""
        for kind in (None, "", "text/plain", "application/json", "multipart/form-data; boundary=x", "multipart/form-data",
                     "application/x-www-form-urlencodedx", "application/x-www-form", "x", "application/xml", "text/html", ";",
                     "application/x-www-form-urlencoded\0", "a" * 4000, "application/octet-stream", "/", "text/x-www-form-urlencoded"):
            browser = Browser(self.first)
            body = self.form(browser).encode()
            if kind and kind.startswith("multipart"):
                body = b"".join(b'--x\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n' % (name.encode(), value.encode())
                                for name, value in urllib.parse.parse_qsl(body.decode())) + b"--x--\r\n"
            with self.nothing_opened():
                answer = self.post(body, *([f"Content-Type: {kind}"] if kind is not None else []), browser=browser)
            self.refused(answer, kind, (400, 403, 415))
        for kind in ("application/x-www-form-urlencoded; charset=utf-8", "Application/X-WWW-Form-Urlencoded"):
            browser = Browser(self.first)
            answer = self.post(self.form(browser).encode(), "Content-Type: " + kind, "Accept: application/json", browser=browser)
            self.assertEqual(answer.status, 200, kind)

    def test_field_that_comes_twice_is_refused(self):
        """First, last or both: not everybody reads the same one.  Source: CWE-235 (parameter pollution)."""
        for field, value in (("username", "p999"), ("password", "x"), ("password", PASSWORD), ("method", "passcode"), ("csrf", "x"),
                             ("rd", "/a"), ("passcode", "1")):
            for first in (True, False):
                browser = Browser(self.first)
                good = self.form(browser, rd="/b", passcode="2")
                more = urllib.parse.urlencode({field: value})
                with self.nothing_opened():
                    answer = self.post((f"{more}&{good}" if first else f"{good}&{more}").encode(), FORM, browser=browser)
                self.refused(answer, field, (400, 403))
        browser = Browser(self.first)
        for spelled in ("%75sername=p999", "username%00=p999", "USERNAME=p999", "username[]=p999", "user name=p999", "+username=p999"):
            answer = self.post((self.form(browser) + "&" + spelled).encode(), FORM, "Accept: application/json", browser=browser)
            self.assertNotIn(b"p999", answer.data, spelled)

    def test_many_fields_are_refused(self):
        """17, 2,000 in 8 KiB, 10,000 in more: no time, no memory.  Source: CVE-2011-4885 (PHP, hash collisions)."""
        for count, name in ((17, "f%d=x"), (2000, "%c="), (10000, "f%d=x"), (2000, "a=&"), (100000, "&")):
            browser = Browser(self.first)
            text = "&".join(name % (number % 26 + 97) if name == "%c=" else name % number if "%d" in name else name for number in range(count))
            start = time.monotonic()
            with self.nothing_opened():
                answer = self.post((self.form(browser) + "&" + text).encode(), FORM, browser=browser)
            self.refused(answer, (count, name), (400, 403, 413))
            self.assertLess(time.monotonic() - start, 2)

    def test_broken_text_is_refused_or_nobody_s(self):
        """In names and values of every field: half an escape, bytes that are no UTF-8, overlong, surrogates, NUL, controls."""
        broken = (b"%", b"%4", b"%zz", b"%%", b"%u0041", b"%-1", b"%00", b"%c0%ae", b"%ff%fe", b"%ed%a0%80", b"%f5%80%80%80", b"\xff\xfe", b"\x00",
                  b"\x01", b"%0a", b"%0d%0a", b"%1b[2J", b"%e2%80%ae", b"%ef%bf%bf", b"\xc3", b"%c3", b"%f0%9f%92%a9" * 50, b"+" * 100, b"%2500",
                  b"p001%00", b"${jndi:ldap://x}", b"p001'--", b"*)(uid=*", b"p001%0aset+x+y", b"{{7*7}}", b"../../etc/passwd", b"%25s%25n")
        for text in broken:
            for field in (b"username", b"password", b"passcode", b"method", b"rd", b"csrf", b"other"):
                browser = Browser(self.first)
                fields = {b"csrf": browser.token("login").encode(), b"username": b"n" + text[:0] + b"obody.%d" % len(text), b"method": b"password",
                          b"password": b"x"}
                if field == b"passcode":
                    fields[b"method"] = b"passcode"
                fields[field] = text
                with self.nothing_opened():
                    answer = self.post(b"&".join(name + b"=" + value for name, value in fields.items()), FORM, browser=browser)
                self.refused(answer, (field, text))
            for page in ("login?rd=", "?lang=", "helpdesk?q=", "helpdesk/user/", "activity?", "key?"):
                line = b"GET /otp/" + page.encode() + text + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\nCookie: " \
                    + self.person.cookie_header().encode() + b"\r\n\r\n"
                answer = raw(self.first, line)
                self.assertNotEqual(answer.status, 500)
                self.assert_closed(answer, (page, text))

    def temporary_files(self):
        return [name for folder in os.listdir(self.house.root) if folder.startswith("tmp-gateway")
                for name in os.listdir(os.path.join(self.house.root, folder))]

    def test_no_body_reaches_a_temporary_file(self):
        """Slowly, in pieces, at the limit, beyond it, cut off: looked at while the body is on its way."""
        browser = Browser(self.first)
        body = (self.form(browser) + "&rd=").encode()
        body += b"x" * (LIMIT - len(body))
        for size, announced in ((LIMIT, f"Content-Length: {LIMIT}"), (LIMIT // 2, f"Content-Length: {LIMIT}"), (3000, "Transfer-Encoding: chunked"),
                                (LIMIT, "Content-Length: 1000000")):
            for page in ("/otp/login", "/app/page.txt"):
                with socket.create_connection(("127.0.0.1", self.first)) as connection:
                    connection.sendall(head("POST", page, FORM, announced, "Cookie: " + browser.cookie_header()))
                    if announced.startswith("Transfer"):
                        connection.sendall(b"%x\r\n" % (size + 100))
                    try:
                        for place in range(0, size, 1000):
                            connection.sendall(body[place:min(place + 1000, size)])
                            time.sleep(0.002)
                            self.assertEqual(self.temporary_files(), [])
                    except OSError:
                        pass        # refused before it was all sent
                    reset(connection)
        self.assertEqual(self.temporary_files(), [])

    def test_bodies_that_are_cut_off_leave_nothing(self):
        """A hundred clients that go in the middle: no session, no connection kept, no worker gone."""
        browser = Browser(self.first)
        body = self.form(browser).encode()
        with self.nothing_opened():
            for number in range(100):
                connection = socket.create_connection(("127.0.0.1", self.house.ports[number % 2]))
                connection.sendall(head("POST", "/otp/login", FORM, f"Content-Length: {len(body)}", "Cookie: " + browser.cookie_header())
                                   + body[:number * (len(body) - 1) // 100])
                reset(connection)
            time.sleep(0.1)

    def test_slow_client_stops_nobody(self):
        """Two hundred connections that send nothing more; others are answered as before.  Source: CVE-2007-6750 (Slowloris)."""
        held = [socket.create_connection(("127.0.0.1", self.first)) for _ in range(200)]
        for number, connection in enumerate(held):
            connection.sendall(b"POST /otp/login HTTP/1.1\r\nHost: x\r\n" + (b"Content-Length: 10\r\n\r\nab" if number % 2 else b"X-A: b"))
        start = time.monotonic()
        for _ in range(5):
            expect(Browser(self.first).login(self.uid), "ok")
        self.assertLess(time.monotonic() - start, 5)
        for connection in held:
            connection.close()

    def test_long_heads_are_refused(self):
        """Addresses, queries, names, values and numbers of headers."""
        for request in (head("GET", "/otp/" + "x" * 20000), head("GET", "/otp/login?rd=" + "%2f" * 4000), head("GET", "/otp/login?" + "a=b&" * 1500),
                        head("GET", "/otp/login", "X-A: " + "x" * 40000), head("GET", "/otp/login", *("X-%d: y" % number for number in range(5000))),
                        head("GET", "/otp/login", "Accept-Language: " + "fr," * 2500), head("GET", "/otp/login", "Accept: " + "text/html;q=0.1," * 500),
                        head("GET", "/otp/login", "Cookie: " + "a=b; " * 1500), head("GET", "/otp/" + "a/" * 2000), head("GET", "/otp/" + "../" * 50),
                        head("G" * 5000, "/otp/login"), head("GET", "/otp/login", "Content-Type: " + "x" * 7000)):
            answer = raw(self.first, request)
            self.assertIn(answer.status, (200, 400, 404, 405, 414, 431, 494), request[:60])
            self.assert_closed(answer)

    def test_method_that_an_endpoint_has_not_is_refused(self):
        """405 with Allow, or 400; never a deed."""
        for page in ("", "login", "passcode", "pin", "session", "help", "health", "static/style.css", *PAGES):
            for method in ("PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND", "get", "post", "FOO", "MOVE"):
                answer = raw(self.first, head(method, "/otp/" + page, FORM, "Content-Length: 3", "Cookie: " + self.person.cookie_header()) + b"a=b")
                self.assertIn(answer.status, (400, 404, 405), (method, page))
                self.assert_closed(answer)

    def test_encoded_bodies_are_not_unpacked(self):
        """gzip and others: taken for what they are not, refused.  Source: CWE-409."""

        for name, pack in (("gzip", gzip.compress), ("deflate", bytes), ("br", bytes), ("identity, gzip", gzip.compress)):
            browser = Browser(self.first)
            packed = pack(self.form(browser).encode() + b"&rd=" + b"x" * 5000)
            with self.nothing_opened():
                answer = self.post(packed if "gzip" in name else b"\x1b" + packed, FORM, "Content-Encoding: " + name, browser=browser)
            self.refused(answer, name)

    def test_garbage_is_survived(self):
        """A thousand mutations of a good sign-in, each a byte or a piece changed; the seed is fixed."""
        rng = random.Random(2026)
        browser = Browser(self.first)
        body = urllib.parse.urlencode({"csrf": browser.token("login"), "username": "nobody", "method": "password", "password": "x", "rd": "/a"}).encode()
        good = head("POST", "/otp/login", FORM, f"Content-Length: {len(body)}", "Cookie: " + browser.cookie_header()) + body
        with self.nothing_opened():
            for number in range(1000):
                text = bytearray(good)
                for _ in range(rng.randrange(1, 4)):
                    place = rng.randrange(len(text))
                    if rng.random() < 0.5:
                        text[place] = rng.randrange(256)
                    elif rng.random() < 0.5:
                        del text[place:place + rng.randrange(1, 20)]
                    else:
                        text[place:place] = bytes(rng.randrange(256) for _ in range(rng.randrange(1, 20)))
                with socket.create_connection(("127.0.0.1", self.house.ports[number % 2]), timeout=0.02) as connection:
                    try:
                        connection.sendall(bytes(text))
                        answer = connection.recv(65536)
                        self.assertNotIn(b" 500 ", answer[:20], bytes(text))
                    except OSError:
                        pass


if __name__ == "__main__":
    unittest.main()
