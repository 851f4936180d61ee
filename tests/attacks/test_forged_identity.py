"""Forged identity: what the application reads is the gateway's word, whatever the client sends (G9).

| case | test |
|---|---|
| on guarded, public and error locations | test_headers_of_the_client_never_arrive_at_… |
| other case, `_`, `.`, twice, underscores_in_headers, ignore_invalid_headers | the same: FORGED |
| CR LF in a name of the directory | test_line_ends_in_the_directory_make_no_header |
| the session's cookie, and the others byte for byte | test_session_cookie_does_not_reach_the_application, test_other_cookies_arrive_byte_for_byte |
| beside it | Connection, folded lines, trailers, SCGI, HTTP/2, answers of the application |
"""
import re
import shutil
import subprocess
import unittest

from stage import IDENTITY, PASSWORD, Application, Attack, Browser, crypted, head, raw
from world import expect

# Each header in the spellings that a server behind, or a CGI's environment, might take for it.
SPELLINGS = [lambda name: name, str.lower, str.upper, str.title, str.swapcase,
             lambda name: name.replace("-", "_"), lambda name: name.replace("-", "_").upper(),
             lambda name: name.replace("-", "_", 1), lambda name: name.title().replace("-", "_")]
DOTTED = [lambda name: name.replace("-", "."), lambda name: name.replace("-", ".", 1)]
FORGED = [f"{spell(name)}: forged" for name in IDENTITY for spell in SPELLINGS]
FORGED_DOTTED = [f"{spell(name)}: forged" for name in IDENTITY for spell in DOTTED]
SERVER = """
underscores_in_headers on;
ignore_invalid_headers off;
location /guarded/ { otp_require password; proxy_pass http://$APPLICATION; }
location /public/ { otp_identity on; proxy_pass http://$APPLICATION; }
location /off/ { otp_require $arg_level; proxy_pass http://$APPLICATION; }
location /failing/ { otp_require otp; error_page 401 302 403 @sorry; proxy_pass http://$APPLICATION; }
location @sorry { otp_identity on; proxy_pass http://$APPLICATION; }
location /missing/ { error_page 404 = /public/missing; }
location /own/ { otp_require password; proxy_set_header X-Own 1; proxy_set_header Connection ""; proxy_http_version 1.1;
                 proxy_pass http://$APPLICATION; }
location /scgi/ { otp_require password; scgi_param REQUEST_METHOD $request_method; scgi_param REQUEST_URI $request_uri;
                  scgi_pass SCGI; }
"""
HTTP = "server { listen 127.0.0.1:%d http2; location / { otp_identity on; proxy_pass http://$APPLICATION; } }"
HASH = crypted(PASSWORD, "$6$rounds=1000$nichtsalzig")


class ForgedIdentity(Attack):
    EXTRA = [b"e001:" + HASH.encode() + b":Eve\rRemote-Groups: direction\r:e@example.org\rX-Otp-Level: otp:staff\rx",
             b"e002:" + HASH.encode() + b":Eve\x00\x0b\x0c\x1b\x7f\xc2\x85Remote-User: root:e@example.org:staff",
             b"e003:" + HASH.encode() + b":Eve\xff\xfe\xe9:e@example.org:staff,\xc3\xa9cole"]

    @classmethod
    def prepare(cls):
        cls.scgi = Application(scgi=True)
        cls.addClassCleanup(cls.scgi.stop)
        cls.h2_port = cls.house.front_port + 1
        cls.house.front(SERVER.replace("SCGI", cls.scgi.address), HTTP % cls.h2_port)
        cls.front, cls.uid = cls.house.front_port, next(cls.people)
        _key, browser = cls.house.enrol(cls.uid)
        cls.person = browser.at(cls.front)

    def heads(self, *requests, application=None):
        """What reached the application of these requests."""
        application = application or self.house.application
        before = len(application.heads)
        answers = [raw(self.front, request) for request in requests]
        heads = application.heads[before:]
        self.assertTrue(answers)
        return answers, heads

    def batches(self, lines, count=12):
        return [lines[start:start + count] for start in range(0, len(lines), count)]

    def assert_named(self, head_seen, uid=None):
        """Each identity header once, in one spelling; the identity is the session's, or there is none."""
        self.assertNotIn(b"forged", head_seen)
        names = [line.split(b":")[0].decode("latin-1") for line in head_seen.split(b"\r\n")[1:] if b":" in line]
        alike = [re.sub("[^a-z]", "-", name.lower()) for name in names]
        for name in IDENTITY:
            self.assertLessEqual(alike.count(name), 1 if uid else 0, head_seen)
        if uid:
            self.assertIn(b"\r\nRemote-User: " + uid.encode() + b"\r\n", head_seen)

    def tried(self, path, uid=None, lines=FORGED, minimum=1):
        cookie = ["Cookie: " + self.person.cookie_header()] if uid else []
        for batch in self.batches(lines):
            answers, heads = self.heads(head("GET", path, *batch, *cookie),
                                        head("POST", path, *batch, *cookie, "Content-Length: 0"),
                                        head("GET", path, *[line + "\r\n" + line for line in batch], *cookie))
            self.assertGreaterEqual(len(heads), minimum, [answer.data[:200] for answer in answers])
            for one in heads:
                self.assert_named(one, uid)

    def test_headers_of_the_client_never_arrive_at_a_guarded_application(self):
        """In every case, with `_`, twice.  Source: CVE-2015-0219 (Django): a WSGI server reads Remote_User as Remote-User."""
        self.tried("/guarded/x", self.uid)
        self.tried("/own/x", self.uid)

    def test_headers_of_the_client_never_arrive_at_a_public_location(self):
        """Where nobody need be signed in: neither a forged identity nor an empty one."""
        self.tried("/public/x")
        self.tried("/public/x", self.uid)

    def test_headers_of_the_client_never_arrive_where_the_guard_is_off_by_value(self):
        """otp_require with a variable that says off."""
        self.tried("/off/x?level=off")

    def test_headers_of_the_client_never_arrive_at_the_page_of_an_error(self):
        """The application makes the error page: by a named location, and by an internal redirect."""
        self.tried("/failing/x", minimum=0)
        self.tried("/missing/x")

    def test_dotted_headers_of_the_client_never_arrive(self):
        """`Remote.User`: some servers make the same variable of `.`, `-` and `_`."""
        self.tried("/guarded/x", self.uid, FORGED_DOTTED)
        self.tried("/public/x", None, FORGED_DOTTED)

    def test_headers_of_the_client_never_arrive_over_scgi(self):
        """Where headers become variables, HTTP_REMOTE_USER is there once and right.  Source: CVE-2015-0219 (Django)."""
        cookie = "Cookie: " + self.person.cookie_header()
        for batch in self.batches(FORGED + FORGED_DOTTED):
            _answers, heads = self.heads(head("GET", "/scgi/x", *batch, cookie), application=self.scgi)
            self.assertEqual(len(heads), 1)
            self.assertNotIn(b"forged", heads[0])
            self.assertEqual(heads[0].count(b"HTTP_REMOTE_USER: "), 1)
            self.assertIn(b"HTTP_REMOTE_USER: " + self.uid.encode() + b"\r\n", heads[0])

    @unittest.skipUnless(shutil.which("curl"), "curl is not installed")
    def test_headers_of_the_client_never_arrive_over_http2(self):
        """The same as fields of HTTP/2.  Source: RFC 9113 section 8.2."""
        for batch in self.batches(FORGED + FORGED_DOTTED):
            before = len(self.house.application.heads)
            subprocess.run(["curl", "-s", "--max-time", "10", "--http2-prior-knowledge", f"http://127.0.0.1:{self.h2_port}/x",
                            *(word for line in batch for word in ("-H", line))], capture_output=True)
            for one in self.house.application.heads[before:]:
                self.assert_named(one)
            self.assertGreater(len(self.house.application.heads), before)

    def test_odd_lines_make_no_header(self):
        """Folded lines, blanks before the colon, NUL, bare CR or LF, a trailer.  Source: RFC 9112 sections 5.1, 5.2."""
        for line in (b"X-A: b\r\n Remote-User: forged", b"X-A: b\r\n\tRemote-User: forged", b"Remote-User : forged",
                     b"Remote-User\t: forged", b"X-A: b\nRemote-User: forged", b"X-A: b\rRemote-User: forged",
                     b"X-A: b\0Remote-User: forged", b"Remote-User\0: forged", b"\0Remote-User: forged", b" Remote-User: forged",
                     b":Remote-User: forged", b"Remote-User:forged", b"Remote-User:\tforged", b"Remote-User: \xa0forged",
                     b"Transfer-Encoding: chunked\r\nTrailer: Remote-User\r\n\r\n0\r\nRemote-User: forged"):
            for cookie in (b"", b"Cookie: " + self.person.cookie_header().encode()):
                _answers, heads = self.heads(head("POST", "/guarded/x" if cookie else "/public/x", line, cookie or b"A: b"))
                for one in heads:
                    text = re.sub(rb"X-A: b\rRemote-User: forged|X-A: b\0Remote-User: forged", b"", one)
                    self.assertNotRegex(text, rb"(?mi)^[^:\r\n]*remote.user[^:]*:[^\r\n]*forged", line)
                    self.assertEqual(text.count(b"\r\nRemote-User: "), 1 if cookie else 0, line)

    def test_connection_header_strips_no_identity(self):
        """Hop-by-hop headers named by the client: the next proxy must not be told to drop the identity.  Source: RFC 9110
        section 7.6.1; "Abusing HTTP hop-by-hop request headers", Davison 2019."""
        for lines in (("Connection: close, Remote-User, X-Otp-Level",), ("Connection: Remote-User", "Connection: X-Otp-Level"),
                      ("Proxy-Connection: Remote-User",), ("Keep-Alive: Remote-User",)):
            for path in ("/guarded/x", "/own/x"):
                _answers, heads = self.heads(head("GET", path, *lines, "Cookie: " + self.person.cookie_header()))
                self.assertEqual(len(heads), 1)
                self.assert_named(heads[0], self.uid)
                self.assertNotRegex(heads[0], rb"(?mi)^connection:.*remote")

    def test_line_ends_in_the_directory_make_no_header(self):
        """A name with CR, NUL, escape, or what is no UTF-8: one header, one line, no other person's groups.  Source:
        CWE-113."""
        for uid in ("e001", "e002", "e003"):
            browser = Browser(self.front)
            answer = browser.login(uid)
            self.assertIn(answer.status, (200, 401), uid)
            if answer.status != 200:
                continue
            browser.get("/guarded/x")
            seen_head = self.house.application.heads[-1]
            self.assert_named(seen_head, uid)
            self.assertNotRegex(seen_head.replace(b"\r\n", b""), rb"[\x00-\x08\x0b-\x1f\x7f]", uid)
            self.assertNotIn(b"\nRemote-Groups: direction", seen_head)
            self.assertNotRegex(seen_head, rb"(?m)^X-Otp-Level: otp")
            for path in ("/otp/session", "/otp/", "/otp/key"):
                self.assertNotIn("Remote-Groups", browser.get(path).headers)

    def test_session_cookie_does_not_reach_the_application(self):
        """Nor the other cookies of the portal: an application could use them.  Source: CWE-522."""
        for name in list(self.person.cookies):
            for value in (self.person.cookie_header(), f"a=b; {self.person.cookie_header()}; c=d",
                          f"{self.person.cookie_header()}; {self.person.cookie_header()}"):
                for path in ("/guarded/x", "/public/x", "/own/x"):
                    _answers, heads = self.heads(head("GET", path, "Cookie: " + value))
                    for one in heads:
                        self.assertNotIn(self.person.cookies[name].encode(), one, (name, path))
        _answers, heads = self.heads(head("GET", "/guarded/x", "Cookie: a=b", "Cookie: " + self.person.cookie_header()))
        self.assertEqual(len(heads), 1)
        self.assertNotIn(self.person.cookies["otp"].encode(), heads[0])

    def test_other_cookies_arrive_byte_for_byte(self):
        """Quotes, commas, blanks, percent, bytes above ASCII, names that look like ours."""
        mine = "otp=" + self.person.cookies["otp"]
        for before, after in (("a=b; ", "; c=d"), ('q="x, y; z"; ', ""), ("", "; p=%20%; e="), ("OTP=1; ", "; otpx=2; xotp=3"),
                              ("l=\xe9\xff; ", "; nothing"), ("a=1; a=2; ", "; a=3"), ("j={\"k\":[1,2]}; ", "; b=c=d==")):
            _answers, heads = self.heads(head("GET", "/guarded/x", "Cookie: " + before + mine + after))
            self.assertEqual(len(heads), 1, before)
            expected = (before.rstrip("; ") + ("; " if before and after else "") + after.lstrip("; ")).encode("latin-1")
            lines = re.findall(rb"(?mi)^cookie: ([^\r]*)", heads[0])
            self.assertEqual([line.replace(b"; ", b";") for line in lines], [expected.replace(b"; ", b";")])

    def test_identity_is_not_in_what_the_client_gets(self):
        """The headers are between gateway and application: no answer of the gateway has them."""
        for path in ("/otp/", "/otp/session", "/otp/key", "/app/page.txt", "/otp/login", "/otp/help", "/otp/nothing"):
            answer = self.person.get(path)
            for name in IDENTITY:
                self.assertNotIn(name, answer.headers, path)

    def test_client_is_nobody_without_a_session(self):
        """All of it at once, at the guarded place: refused."""
        for batch in self.batches(FORGED):
            with self.nothing_opened():
                self.assert_refused(raw(self.front, head("GET", "/guarded/x", *batch)), "", (401,))
                self.assert_refused(raw(self.front, head("GET", "/app/page.txt", *batch)), "", (401,))
        browser = Browser(self.front)
        expect(browser.login(next(self.people)), "ok")
        self.assert_refused(browser.get("/app/page.txt", headers={"X-Otp-Level": "otp", "X-Otp-Method": "key"}), "", (401,))


if __name__ == "__main__":
    unittest.main()
