"""Around the guard: every way through nginx to what is guarded, for who may not go there (G2, S4).

| case | test |
|---|---|
| SSI include | test_ssi_… |
| mirror | test_mirror_… |
| auth_request | test_auth_request_… |
| add_before_body, add_after_body | test_addition_… |
| slice | test_slice_… |
| return and rewrite run before the guard | test_rewrite_…; test_return_… (documented, `nginx -t` warns) |
| satisfy any | test_satisfy_any_… |
| X-Accel-Redirect | test_accel_redirect_… |
| error_page | test_error_page_… |
| try_files, index, named locations | test_try_files_…, test_index_…, test_named_location_… |
| decided again for where they land, once | test_internal_redirects_are_asked_once |
| every spelling of a path | test_every_spelling_of_a_guarded_path_is_guarded |
| proxy_cache | test_cached_page_… |
| HTTP/2 | test_http2_… |
| WebSocket | test_upgrade_… |
| methods | test_methods_…, test_method_overrides_… |
| beside it | ranges and conditions, limit_except, if, post_action, smuggled and pipelined requests, 0.9, Host, reset |
"""
import os
import shutil
import socket
import subprocess
import time
import unittest

from stage import HTML, SECRET, Attack, Browser, head, raw
from world import NGINX, expect

METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PATCH", "PROPFIND", "PROPPATCH", "MKCOL",
           "COPY", "MOVE", "LOCK", "UNLOCK", "get", "GeT", "gET", "GETX", "FOO", "PURGE", "SEARCH", "BASELINE-CONTROL")

SERVER = """
location /proxied/ { otp_require otp; proxy_pass http://$APPLICATION; }
location /weak/ { otp_require password; proxy_pass http://$APPLICATION; }
location /inside/ { internal; otp_require otp; alias $ROOT/app/; }

location /ssi/ { ssi on; }
location /ssi-password/ { otp_require password; ssi on; alias $ROOT/ssi/; }
location /mirror/ { mirror /proxied/mirrored; mirror_request_body on; alias $ROOT/open/; }
location = /authorise-by-guard { internal; otp_require otp; proxy_pass http://$APPLICATION; }
location /authorised/ { auth_request /authorise-by-guard; proxy_pass http://$APPLICATION; }
location = /yes { internal; return 204; }
location /both/ { otp_require otp; auth_request /yes; alias $ROOT/app/; }
location /before/ { add_before_body /app/page.txt; addition_types *; alias $ROOT/open/; }
location /after/ { add_after_body /proxied/x; addition_types *; alias $ROOT/open/; }
location /before-control/ { add_before_body /open/page.txt; addition_types *; alias $ROOT/open/; }
location /slice/ { otp_require otp; slice 4; alias $ROOT/app/; }
location /slice-open/ { slice 4; proxy_set_header Range $slice_range; proxy_pass http://$APPLICATION/accel/app/page.txt; }
location /any-denied/ { satisfy any; deny all; otp_require otp; alias $ROOT/app/; }
location /any-basic/ { satisfy any; auth_basic x; auth_basic_user_file $ROOT/basic; otp_require otp; alias $ROOT/app/; }

location /accel-file/ { proxy_pass http://$APPLICATION/accel/app/page.txt; }
location /accel-inside/ { proxy_pass http://$APPLICATION/accel/inside/page.txt; }
location /accel-proxied/ { proxy_pass http://$APPLICATION/accel/proxied/x; }
location /accel-named/ { proxy_pass http://$APPLICATION/accel/@guarded; }
location /accel-password/ { otp_require password; proxy_pass http://$APPLICATION/accel/app/page.txt; }
location @guarded { otp_require otp; proxy_pass http://$APPLICATION; }
location /error-guarded/ { error_page 404 /app/page.txt; }
location /error-named/ { error_page 404 = @guarded; }
location /error-ok/ { otp_require otp; error_page 401 302 =200 /open/page.txt; alias $ROOT/app/; }
location /error-self/ { otp_require otp; error_page 401 302 =200 /error-self-2/page.txt; alias $ROOT/app/; }
location /error-self-2/ { otp_require otp; alias $ROOT/app/; }
location /try/ { try_files /nothing /app/page.txt; }
location /try-in/ { otp_require otp; try_files /app/page.txt =404; }
location /try-named/ { try_files /nothing @guarded; }
location /index/ { otp_require otp; alias $ROOT/app/; index page.txt; autoindex on; }
location /index-open/ { alias $ROOT/open/; index nothing /app/page.txt; }
location /rewrite/ { rewrite ^ /app/page.txt last; }
location /rewrite-break/ { otp_require otp; rewrite ^ /app/page.txt break; }
location /rewrite-named/ { try_files /nothing @rewriting; }
location @rewriting { rewrite ^ /proxied/x last; }
location /post/ { post_action /proxied/after; alias $ROOT/open/; }

location /except/ { otp_require otp; limit_except GET { allow all; } proxy_pass http://$APPLICATION; }
location /if/ { otp_require otp; if ($arg_x) { proxy_pass http://$APPLICATION; } alias $ROOT/app/; }
location /if-set/ { otp_require otp; if ($request_method = POST) { set $x 1; } proxy_pass http://$APPLICATION; }
location /outer/ { otp_require otp; location /outer/inner/ { alias $ROOT/app/; } location ~ \\.txt$ { alias $ROOT/app/page.txt; } }
location /level/ { otp_require $arg_level; alias $ROOT/app/; }
location /cached/ { otp_require otp; proxy_cache pages; proxy_cache_valid 200 1h; proxy_cache_key $uri;
                    proxy_pass http://$APPLICATION; }
location /copy/ { otp_require otp; root $ROOT; dav_methods PUT DELETE MKCOL COPY MOVE; create_full_put_path on; }
location ~ ^/spelled/ { otp_require otp; rewrite ^/spelled/(.*) /app/$1 break; }
location /upgrade/ { otp_require otp; proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade;
                     proxy_set_header Connection upgrade; proxy_pass http://$APPLICATION; }
"""
HTTP = """
proxy_cache_path $ROOT/cache keys_zone=pages:1m;
server { listen 127.0.0.1:%d http2; root $ROOT; location /app/ { otp_require otp; }
         location /proxied/ { otp_require otp; proxy_pass http://$APPLICATION; } }
"""


class AroundTheGuard(Attack):
    @classmethod
    def prepare(cls):
        cls.h2_port = cls.house.front_port + 1
        os.mkdir(os.path.join(cls.house.root, "ssi"))
        os.mkdir(os.path.join(cls.house.root, "copy"))
        for name, text in {
                "ssi/file.shtml": 'a<!--# include virtual="/app/page.txt" -->b',
                "ssi/spelled.html": 'a<!--# include virtual="/open/../app/%70age.txt" -->b',
                "ssi/query.html": 'a<!--# include virtual="/app/page.txt?x=1" wait="yes" -->b',
                "ssi/set.html": '<!--# include virtual="/app/page.txt" set="x" -->a<!--# echo var="x" encoding="none" -->b',
                "ssi/proxied.html": 'a<!--# include virtual="/proxied/x" -->b',
                "ssi/inside.html": 'a<!--# include virtual="/inside/page.txt" -->b',
                "ssi/through.html": 'a<!--# include virtual="/try/x" --><!--# include virtual="/rewrite/x" -->'
                                    '<!--# include virtual="/error-guarded/x" --><!--# include virtual="/accel-file/" -->b',
                "ssi/stub.html": '<!--# block name="s" --><!--# include virtual="/app/page.txt" --><!--# endblock -->'
                                 'a<!--# include virtual="/nothing" stub="s" -->b',
                "ssi/nested.html": 'a<!--# include virtual="/ssi/file.shtml" -->b',
                "copy/page.txt": "the page of app", "basic": "u:" + "$5$x$" + "y" * 43}.items():
            with open(os.path.join(cls.house.root, name), "w") as file:
                file.write(text)
        cls.house.front(SERVER, HTTP % cls.h2_port)
        cls.front = cls.house.front_port
        uid = next(cls.people)
        _key, cls.person = cls.house.enrol(uid)
        cls.half = Browser(cls.first)
        expect(cls.half.login(next(cls.people)), "ok")
        cls.may, cls.half = cls.person.at(cls.front), cls.half.at(cls.front)

    def kept_out(self, *paths, statuses=(302, 401, 403, 404, 405)):
        """Refused to a stranger and to who has the password only; shown to who may see it, so that it is there at all."""
        for path in paths:
            self.assertRegex(self.may.get(path).body, SECRET, path)
            for who, browser in {"a stranger": Browser(self.front), "by password": self.half}.items():
                for headers in ({}, HTML, {"Range": "bytes=0-3"}, {"X-Requested-With": "XMLHttpRequest"}):
                    with self.nothing_opened():
                        self.assert_refused(browser.get(path, headers=headers), f"{path} as {who}", statuses)

    def shown(self, path, text=b"the page of app"):
        answer = self.may.get(path)
        self.assertEqual(answer.status, 200, path)
        self.assertIn(text, answer.body, path)

    # --- subrequests: nginx skips the access phase in them ----------------------------------------------

    def test_ssi_does_not_include_what_is_guarded(self):
        """A guarded file or application in an open page, directly, spelled otherwise, through an internal redirect.
        Source: nginx skips the access phase in subrequests (ngx_http_core_module)."""
        for name in sorted(os.listdir(os.path.join(self.house.root, "ssi"))):
            for browser in (Browser(self.front), self.half):
                for folder in ("/ssi/", "/ssi-password/"):
                    asked = sum(b"/accel/" not in one for one in self.house.application.heads)
                    answer = browser.get(folder + name.replace(".shtml", ".shtml"))
                    self.assert_closed(answer, name)
                    self.assertEqual(sum(b"/accel/" not in one for one in self.house.application.heads), asked, name)

    def test_ssi_does_not_take_the_level_of_a_weaker_page(self):
        """The page is behind the password, what it includes behind the key."""
        answer = self.half.get("/ssi-password/query.html")
        self.assertEqual(answer.status, 200)
        self.assert_closed(answer)

    def test_mirror_does_not_reach_a_guarded_application(self):
        """The copy of an open request is not let through as somebody's; with its body neither."""
        with self.nothing_opened():
            self.assertEqual(Browser(self.front).get("/mirror/page.txt").status, 200)
            Browser(self.front).post("/mirror/page.txt", "x=1")
            self.assertEqual(self.half.get("/mirror/page.txt").status, 200)
            time.sleep(0.1)

    def test_auth_request_to_a_guarded_location_lets_no_stranger_in(self):
        """The guard asked by a subrequest.  Source: tried with an access handler: it answered 200 to anybody."""
        self.kept_out("/authorised/x", "/both/page.txt")

    def test_addition_does_not_put_a_guarded_page_around_an_open_one(self):
        """add_before_body, add_after_body."""
        self.assertEqual(Browser(self.front).get("/before-control/page.txt").body.count(b"the page of open"), 2)
        for path in ("/before/page.txt", "/after/page.txt"):
            for browser in (Browser(self.front), self.half):
                with self.nothing_opened():
                    self.assert_closed(browser.get(path), path)

    def test_slice_is_guarded_in_each_of_its_parts(self):
        """A guarded file in slices, and slices of an open location that end in a guarded one."""
        self.kept_out("/slice/page.txt")
        for browser in (Browser(self.front), self.half):
            for span in ("bytes=0-3", "bytes=4-7", "bytes=0-", "bytes=-4", "bytes=0-1,4-5"):
                self.assert_closed(browser.get("/slice-open/", headers={"Range": span}), span)

    # --- another module says yes -------------------------------------------------------------------------

    def test_satisfy_any_lets_nobody_in_whom_no_module_lets_in(self):
        """The other one denies, or has not been asked yet."""
        self.kept_out("/any-denied/page.txt", "/any-basic/page.txt")
        for credentials in ("dTp1", "dTo=", "Og==", "cDAwMTpjcmFpZS1ldC10YWJsZWF1LTc="):
            self.assert_refused(Browser(self.front).get("/any-basic/page.txt",
                                                        headers={"Authorization": "Basic " + credentials}))

    # --- internal redirects ------------------------------------------------------------------------------

    def accelerated(self, *paths):
        """The application is asked first, and sends to the guarded place: only that must stay closed."""
        for path in paths:
            for browser in (Browser(self.front), self.half):
                asked = sum(b"/accel/" not in one for one in self.house.application.heads)
                self.assert_refused(browser.get(path), path)
                self.assert_refused(browser.get(path, headers=HTML), path)
                self.assertEqual(sum(b"/accel/" not in one for one in self.house.application.heads), asked, path)

    def test_accel_redirect_is_decided_where_it_lands(self):
        """From an open application to a guarded file, an internal location, an application, a named location; from one
        behind the password to one behind the key."""
        self.accelerated("/accel-file/", "/accel-inside/", "/accel-proxied/", "/accel-named/", "/accel-password/")
        self.shown("/accel-file/")

    def test_error_page_is_decided_where_it_lands(self):
        """A guarded page as the page of an error."""
        self.kept_out("/error-guarded/nothing", "/error-named/nothing")

    def test_error_page_does_not_stand_in_for_the_guard(self):
        """`error_page 401 =200`, to an open page and to a guarded one: the refusal stays one."""
        self.kept_out("/error-ok/page.txt", "/error-self/page.txt", statuses=(302, 401))

    def test_try_files_is_decided_where_it_lands(self):
        """The fallback is guarded, and the file that is tried in a guarded location."""
        self.kept_out("/try/x", "/try-in/x", "/try-named/x")

    def test_named_location_is_guarded_by_its_own_rule(self):
        """By try_files, error_page, and a rewrite in it."""
        self.kept_out("/try-named/x", "/error-named/nothing", "/rewrite-named/x")

    def test_index_is_decided_where_it_lands(self):
        """A folder's index file, an absolute one elsewhere, and the list of its files."""
        self.kept_out("/index/", "/index-open/")

    def test_rewrite_is_decided_where_it_lands(self):
        """It runs before the guard; the guard sees the new address."""
        self.kept_out("/rewrite/x", "/rewrite-break/x", "/spelled/page.txt")

    def test_return_in_a_guarded_location_is_warned_of(self):
        """`return` answers before any guard can; `nginx -t` says so (B7)."""
        path = os.path.join(self.house.root, "return.conf")
        with open(os.path.join(self.house.root, "front.conf")) as file:
            text = file.read().replace("location /open/ { }", 'location /open/ { otp_require otp; return 200 "x"; }')
        with open(path, "w") as file:
            file.write(text)
        said = subprocess.run([NGINX, "-t", "-p", self.house.root + "/", "-e", "stderr", "-c", path], capture_output=True,
                              text=True).stderr
        self.assertRegex(said, r"\[warn\].*return")

    def test_post_action_does_not_reach_a_guarded_application(self):
        """nginx's undocumented redirect after the answer."""
        with self.nothing_opened():
            self.assertEqual(Browser(self.front).get("/post/page.txt").status, 200)
            time.sleep(0.1)

    def test_internal_redirects_are_asked_once(self):
        """The control of all above: who may goes through each of them without a second prompt."""
        self.assertIn(b"the page of app", self.may.get("/ssi-password/query.html").body)
        for path in ("/accel-file/", "/accel-inside/", "/try/x", "/index/", "/rewrite/x", "/slice/page.txt",
                     "/error-guarded/nothing", "/ssi/file.shtml", "/both/page.txt"):
            answer = self.may.get(path, headers={} if path != "/error-guarded/nothing" else HTML)
            self.assertIn(answer.status, (200, 404), path)
            if path != "/ssi/file.shtml":       # an open page is nobody's: what it includes stays closed
                self.assertIn(b"the page of app", answer.body, path)

    # --- configuration within configuration --------------------------------------------------------------

    def test_limit_except_keeps_the_guard(self):
        """`limit_except` and `if` make a configuration of their own: the rule is inherited."""
        self.kept_out("/except/x", "/if/page.txt", "/if/page.txt?x=1", "/if-set/x", "/outer/inner/page.txt", "/outer/x.txt")
        for method in ("GET", "POST", "DELETE", "OPTIONS"):
            for path in ("/except/x", "/if/page.txt", "/if/page.txt?x=1", "/if-set/x", "/outer/inner/page.txt", "/outer/x.txt"):
                for browser in (Browser(self.front), self.half):
                    with self.nothing_opened():
                        self.assert_refused(browser.request(method, path), f"{method} {path}")

    def test_level_that_is_empty_or_unknown_means_the_key(self):
        """A variable in otp_require, as a client may set it: only the exact words count."""
        self.kept_out(*("/level/page.txt?level=" + level for level in (
            "", "OFF", "Off", "off%20", "%20off", "offf", "off;", "off,otp", "none", "0", "false", "null", "off%00", "%6fff%0a")),
            "/level/page.txt")

    # --- requests --------------------------------------------------------------------------------------

    def test_every_spelling_of_a_guarded_path_is_guarded(self):
        """Whatever nginx or a file system could take for the guarded path.  Source: RFC 3986 section 6.2; CVE-2021-41773
        (Apache httpd); CVE-2013-4547 (nginx); CVE-2009-3898 (nginx)."""
        page = "/app/page.txt"
        spellings = [
            page, "//app/page.txt", "///app//page.txt", "/./app/page.txt", "/open/../app/page.txt", "/open/%2e%2e/app/page.txt",
            "/open/.%2e/app/page.txt", "/open/..%2fapp/page.txt", "/open%2f..%2fapp/page.txt", "/open/..%5capp/page.txt",
            "/open/..\\app\\page.txt", "/\\app/page.txt", "/app\\page.txt", "/%61pp/page.txt", "/%2561pp/page.txt",
            "/a%70%70%2fpage.txt", "/app%2Fpage.txt", "/app%2f%2fpage.txt", "/app%252fpage.txt", "/app/%2e/page.txt",
            "/app/./page.txt", "/app/x/../page.txt", "/app/page.txt/", "/app/page.txt/.", "/app/page.txt/..", "/app/page.txt%00",
            "/app/page.txt%00.html", "/app/page.txt%20", "/app/page.txt ", "/app/page.txt%0a", "/app/page.txt%0d%0a",
            "/app/page.txt;x", "/app;x/page.txt", "/app/;/page.txt", "/open;/../app/page.txt", "/open/..;/app/page.txt",
            "/APP/page.txt", "/App/Page.txt", "/app/page.txt?x", "/app/page.txt?", "/app/page.txt#x", "/app/page.txt%3fx",
            "/app/page.txt%23", "/app/page.txt.", "/app/page.txt::$DATA", "/app/page.txt~", "/app%c0%afpage.txt",
            "/app/%70%61%67%65.txt", "/open/%c0%ae%c0%ae/app/page.txt", "/%u0061pp/page.txt", "/ａpp/page.txt",
            "/app%E2%80%8B/page.txt", "/%00/../app/page.txt", "/open/\t../app/page.txt", "/open/x/../../app/page.txt",
            "/../app/page.txt", "/../../app/page.txt", "/open/../../app/page.txt", "/.%00./app/page.txt", "/open/...//app/page.txt",
            "/app/page.txt?/open/page.txt", "/open/page.txt/../../app/page.txt", "http://localhost/app/page.txt",
            "http://other.example/app/page.txt", "HTTP://LOCALHOST//app/page.txt", "http://x/open/../app/page.txt",
            "https://localhost/app/page.txt", "app/page.txt", "*", "/otp/../app/page.txt", "/otp/static/../../app/page.txt",
            "/otp/static/..%2f..%2fapp/page.txt"]
        for spelling in spellings:
            for port in (self.front, self.first):
                line = spelling.encode("utf-8")
                answer = raw(port, b"GET " + line + b" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                self.assert_closed(answer, spelling)
                self.assertIn(answer.status, (301, 302, 400, 401, 404, 405), spelling)
        self.assertEqual(Browser(self.front).get("/open/../open/page.txt").status, 200, "what is open stays open")

    def test_methods_are_all_guarded(self):
        """Known, unknown, and in other case; each with and without a body.  Source: CVE-2010-0738 (JBoss)."""
        for method in METHODS:
            for path in ("/app/page.txt", "/proxied/x", "/copy/page.txt", "/cached/x"):
                for body in (b"", b"x=1"):
                    with self.nothing_opened():
                        answer = raw(self.front, head(method, path, f"Content-Length: {len(body)}",
                                                      "Destination: /open/stolen.txt", "Depth: 0") + body)
                        self.assert_closed(answer, f"{method} {path}")
                        self.assertIn(answer.status, (302, 400, 401, 403, 404, 405, 409), f"{method} {path}")
        self.assertFalse(os.path.exists(os.path.join(self.house.root, "open", "stolen.txt")))
        self.assertTrue(os.path.exists(os.path.join(self.house.root, "copy", "page.txt")))

    def test_method_overrides_change_nothing(self):
        """Headers and fields in which a client says that it meant another method or address.  Source: CVE-2018-14773
        (Symfony: X-Original-URL)."""
        for name, value in (("X-HTTP-Method-Override", "OPTIONS"), ("X-HTTP-Method", "OPTIONS"), ("X-Method-Override", "HEAD"),
                            ("X-Original-URL", "/open/page.txt"), ("X-Rewrite-URL", "/open/page.txt"),
                            ("X-Original-Method", "OPTIONS"), ("X-Forwarded-Uri", "/open/page.txt"),
                            ("X-Forwarded-Prefix", "/open"), ("X-Original-URI", "/open/page.txt"),
                            ("X-Accel-Redirect", "/app/page.txt"), ("X-Accel-Internal", "/app/"),
                            ("X-Sendfile", "/app/page.txt"), ("Upgrade-Insecure-Requests", "1"), ("X-Otp-Level", "otp"),
                            ("Authorization", "Bearer x"), ("Authorization", "Basic YTpi"), ("Purpose", "prefetch"),
                            ("X-Subrequest", "1"), ("X-Internal", "1"), ("Sec-Fetch-Mode", "no-cors"), ("Via", "1.1 x")):
            for path in ("/app/page.txt", "/proxied/x?_method=OPTIONS"):
                with self.nothing_opened():
                    self.assert_refused(Browser(self.front).get(path, headers={name: value}), f"{name}: {value}")
        self.assert_closed(Browser(self.front).get("/open/page.txt", headers={"X-Accel-Redirect": "/app/page.txt"}))

    def test_ranges_and_conditions_tell_nothing_of_a_guarded_file(self):
        """304, 206, 412 and 416 would be about the file."""
        real = self.may.get("/app/page.txt")
        etag = real.headers["ETag"]
        for name, value in (("If-None-Match", etag), ("If-None-Match", "*"), ("If-Match", "x"), ("If-Match", etag),
                            ("If-Modified-Since", real.headers["Last-Modified"]), ("Range", "bytes=0-0"),
                            ("If-Unmodified-Since", "Thu, 01 Jan 1970 00:00:00 GMT"), ("Range", "bytes=99-"),
                            ("If-Range", etag)):
            for method in ("GET", "HEAD"):
                answer = Browser(self.front).request(method, "/app/page.txt", headers={name: value})
                self.assert_refused(answer, name, (401,))
                self.assertNotIn("ETag", answer.headers)
                self.assertNotIn("Last-Modified", answer.headers)

    def test_cached_page_is_shown_to_nobody_else(self):
        """In proxy_cache by somebody who may; then a stranger, and somebody without the key."""
        self.shown("/cached/x", b"the application said")
        self.kept_out("/cached/x")

    def test_guard_answers_are_not_to_be_kept(self):
        """A cache between must not give the refusal, or the page, to another."""
        for headers in ({}, HTML):
            self.assertIn("no-store", Browser(self.front).get("/app/page.txt", headers=headers).headers["Cache-Control"])

    def h2(self, *arguments):
        return subprocess.run(["curl", "-s", "-i", "--max-time", "10", "--http2-prior-knowledge", *arguments],
                              capture_output=True).stdout

    @unittest.skipUnless(shutil.which("curl"), "curl is not installed")
    def test_http2_is_guarded(self):
        """Streams: navigation, fetch, a body, another method, many at once, a mixed-up authority."""
        at = f"http://127.0.0.1:{self.h2_port}"
        for arguments in ((at + "/app/page.txt",), ("-H", "Accept: text/html", at + "/app/page.txt"),
                          ("-d", "x=1", at + "/proxied/x"), ("-X", "OPTIONS", at + "/proxied/x"), ("-X", "get", at + "/app/page.txt"),
                          ("-H", "Host: other.example", at + "/app/page.txt"), ("--path-as-is", at + "/open/../app/page.txt"),
                          ("--path-as-is", at + "//app/%70age.txt"), ("-H", "Remote-User: x", at + "/proxied/x"),
                          ("-Z", at + "/proxied/[1-20]"), ("-H", "Connection: upgrade", at + "/proxied/x"),
                          ("-H", "Cookie: " + self.half.cookie_header(), at + "/app/page.txt")):
            with self.nothing_opened():
                said = self.h2(*arguments)
            self.assertIsNone(SECRET.search(said), arguments)
            self.assertNotIn(b"HTTP/2 500", said)
            self.assertNotIn(b"HTTP/2 200", said)
        said = self.h2("-H", "Cookie: " + self.may.cookie_header(), at + "/app/page.txt")
        self.assertIn(b"the page of app", said)

    def test_http2_upgrade_of_a_guarded_request_smuggles_nothing(self):
        """h2c through the gateway.  Source: "h2c smuggling", Bishop Fox 2020; RFC 9113 section 3.1."""
        with self.nothing_opened():
            answer = raw(self.front, head("GET", "/upgrade/x", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA",
                                          "Connection: Upgrade, HTTP2-Settings"))
            self.assert_refused(answer)
            self.assert_refused(raw(self.front, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0" * 9), "", (0, 400, 405))

    def test_upgrade_to_websocket_is_guarded(self):
        """401 before the switch, whoever asks.  Source: RFC 6455 section 4.2.2."""
        upgrade = ("Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
                   "Sec-WebSocket-Version: 13", "Origin: http://localhost")
        for cookie in ("Cookie: a=b", "Cookie: " + self.half.cookie_header()):
            with self.nothing_opened():
                answer = raw(self.front, head("GET", "/upgrade/x", *upgrade, cookie))
                self.assert_refused(answer, cookie, (401,))
                self.assertNotIn(b"101", answer.data[:20])

    def test_smuggled_request_is_not_let_through(self):
        """Two lengths, spelled to be read differently; the second request is guarded, or there is none.  Source: RFC 9112
        section 6.3; CVE-2019-20372 (nginx)."""
        inner = b"GET /proxied/smuggled HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        for lines in (("Content-Length: 4", "Transfer-Encoding: chunked"), ("Transfer-Encoding: xchunked", "Content-Length: 0"),
                      ("Transfer-Encoding : chunked", "Content-Length: 0"), ("Transfer-Encoding: chunked, identity",),
                      ("Content-Length: 0", "Content-Length: 5"), ("Content-Length: +5",), ("Content-Length: -1",),
                      ("Content-Length: 0x5",), ("Transfer-Encoding:\x0bchunked", "Content-Length: 0"),
                      ("Transfer-Encoding: chunked", "Transfer-Encoding: identity"), ("X: a\r\n Content-Length: 5",),
                      ("Content-Length: 99999999999999999999999",)):
            for path in ("/open/page.txt", "/app/page.txt", "/otp/login"):
                with self.nothing_opened():
                    first = "\r\n".join((f"POST {path} HTTP/1.1", "Host: localhost") + lines)
                    answer = raw(self.front, first.encode("latin-1") + b"\r\n\r\n0\r\n\r\n" + inner, seconds=0.3)
                    self.assertIsNone(SECRET.search(answer.data), lines)

    def test_pipelined_requests_are_each_decided_for_themselves(self):
        """One connection: with a session, without, with, without.  Source: CVE-2021-35472 (LemonLDAP::NG)."""
        with_session = f"GET /app/page.txt HTTP/1.1\r\nHost: x\r\nCookie: {self.may.cookie_header()}\r\n\r\n".encode()
        without = b"GET /app/page.txt HTTP/1.1\r\nHost: x\r\n\r\n"
        last = without.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
        said = raw(self.front, (with_session + without) * 10 + last).data
        statuses = [part[:3] for part in said.split(b"HTTP/1.1 ")[1:]]
        self.assertEqual(statuses, [b"200", b"401"] * 10 + [b"401"])
        self.assertEqual(said.count(b"the page of app"), 10)

    def test_old_and_broken_requests_get_nothing(self):
        """0.9, 1.0 without Host, two Hosts, other versions, other line ends."""
        for text in (b"GET /app/page.txt\r\n", b"GET /app/page.txt HTTP/1.0\r\n\r\n", b"GET /app/page.txt HTTP/1.1\n\n",
                     b"GET /app/page.txt HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", b"GET /app/page.txt HTTP/3.0\r\n\r\n",
                     b"GET /app/page.txt HTTP/1.1\r\nHost: \r\n\r\n", b"GET  /app/page.txt HTTP/1.0\r\n\r\n",
                     b"GET\t/app/page.txt\tHTTP/1.0\r\n\r\n", b"GET /app/page.txt HTTP/0.1\r\n\r\n",
                     b"\r\n\r\nGET /app/page.txt HTTP/1.0\r\n\r\n", b"GET /app/page.txt HTTP/1.1\rHost: a\r\r",
                     b"GET /app/page.txt HTTP/1.1\r\nHost: evil/..\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc"):
            for port in (self.front, self.first):
                self.assert_closed(raw(port, text, seconds=0.3), text)

    def test_host_decides_nothing(self):
        """A guarded page stays guarded under every name; the redirect leads to the portal of this host."""
        for host in ("localhost", "other.example", "127.0.0.1", "localhost:1", "LOCALHOST.", "[::1]", "evil.example:80"):
            answer = raw(self.front, head("GET", "/app/page.txt", "Accept: text/html", f"X-Forwarded-Host: evil.example",
                                          "X-Forwarded-Proto: gopher", host=host))
            self.assert_refused(answer, host, (302,))
            self.assertTrue(answer.headers["Location"].startswith("/otp/login?rd="), answer.headers["Location"])
            self.assertNotIn("evil.example", answer.headers["Location"].replace("%", ""), host)

    def test_requests_that_are_cut_off_leave_nothing_behind(self):
        """The client goes while Redis is asked: nothing of the request is left for the next one."""
        for _ in range(50):
            with socket.create_connection(("127.0.0.1", self.front)) as connection:
                connection.sendall(f"GET /app/page.txt HTTP/1.1\r\nHost: x\r\nCookie: {self.may.cookie_header()}\r\n\r\n".encode())
            self.assert_refused(Browser(self.front).get("/app/page.txt"), "", (401,))


if __name__ == "__main__":
    unittest.main()
