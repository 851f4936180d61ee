"""The pages: they lead nowhere else, do nothing for other sites, say nothing as markup, and skip no step.

| case | test |
|---|---|
| open redirect, every payload on every `rd` | test_no_payload_…: t/data/redirect-payloads.txt, judged by Python (RFC 3986) and by the rules of a browser (WHATWG, written out here); tests/journeys/redirects.test.mjs asks Chromium itself |
| CR LF in `rd` | test_line_ends_in_the_return_address_make_no_header |
| CSRF on sign-in, sign-out, PIN creation… | test_form_without_its_token_…, test_sign_in_… (helpdesk actions: test_helpdesk) |
| `<script>` in every field and header | test_markup_… |
| PIN changed or key managed with a password session | test_password_session_changes_no_pin |
| each (state × request) pair that is not in the drawing | test_request_that_a_state_has_not_is_refused |
"""
import html
import json
import os
import re
import unittest
import urllib.parse

from stage import HTML, PASSWORD, PIN, Attack, Browser, crypted, head, raw, verdict
from world import TOP, expect

with open(os.path.join(TOP, "t", "data", "redirect-payloads.txt"), encoding="utf-8") as file:
    PAYLOADS = [line.rstrip("\n") for line in file if line.strip()]
OTHERS = ["//evil.example", "https://evil.example/", "/\\evil.example", "\\\\evil.example", "/\t/evil.example", "/\n/evil.example",
          " //evil.example", "\x00//evil.example", "\x01https://evil.example", "javascript:alert(1)", "JaVaScRiPt:alert(1)",
          "java\nscript:alert(1)", "data:text/html,x", "vbscript:x", "http:evil.example", "https:/evil.example", "http:///evil.example",
          "//127.0.0.1@evil.example", "http://127.0.0.1:PORT@evil.example/", "http://127.0.0.1:PORT.evil.example/",
          "//127.0.0.1:1/", "http://127.0.0.1:PORT\\@evil.example", "http://127.0.0.1:PORT#@evil.example/", "/%0a/evil.example",
          "/%2f/evil.example", "//[::1]/", "//2130706433/", "//evil%2eexample", "//evil。example", "/.//evil.example", "/..//evil.example",
          "/app/..//evil.example", "/app/../..//evil.example", "/;@evil.example", "//;@evil.example", ".evil.example", "@evil.example",
          "http://ｅvil.example", "/\u2028/evil.example", "/\u00a0/evil.example", "/\ufeff/evil.example", "ftp://127.0.0.1:PORT/", "?//evil",
          "https://127.0.0.1:PORT/", "/" * 4000 + "evil.example", "/" + "a" * 9000]
MARKS = ['<script>alert(1)</script>', '"><svg onload=alert(1)>', "'><img src=x onerror=alert(1)>", '</title><script>alert(1)</script>',
         '{{user}}', '{{{user}}}', '{{#user}}x{{/user}}', '\"onmouseover=\"alert(1)', 'javascript:alert(1)//', '&lt;script&gt;', '<!--',
         ']]>', '+ADw-script+AD4-', '\u2028<script>', '%3Cscript%3Ealert(1)%3C/script%3E', '<scr\x00ipt>']
RAW = re.compile(rb"<script>alert|<svg onload|<img src=x|onmouseover=\"alert|onerror=alert\(1\)>")
HASH = crypted(PASSWORD, "$6$rounds=1000$nichtsalzig")


def in_a_browser(address, base):
    """Where a browser would go, by the rules that differ from RFC 3986.  Source: WHATWG URL, "basic URL parser"."""
    address = address.strip("".join(map(chr, range(33))))
    address = re.sub("[\t\n\r]", "", address)
    before, mark, query = re.match(r"([^?#]*)([?#]?)(.*)", address, re.S).groups()
    before = before.replace("\\", "/")
    special = re.match(r"(?i)(https?|ftp|wss?):/*", before)
    if special:
        before = special[1] + "://" + before[special.end():]
    elif re.match("//+", before):
        before = "//" + before.lstrip("/")
    return urllib.parse.urljoin(base, before + mark + query)


class Pages(Attack):
    PEOPLE = 30
    EXTRA = ["x001:" + HASH + ":<script>alert(1)</script>:\"><svg onload=alert(1)>@example.org:staff,<script>alert(1)</script>",
             "x002:" + HASH + ":{{{user}}}{{#agent}}:{{csrf}}@example.org:staff"]

    # --- where it leads --------------------------------------------------------------------------------

    @classmethod
    def prepare(cls):
        cls.agent = cls.house.agent("p999")

    def stays(self, address, payload, written=r"[^\x00-\x20\\\x7f]*"):
        """On this host, for everybody who reads addresses; over TLS is this host, too."""
        base = f"http://127.0.0.1:{self.first}/otp/passcode"
        for judge in (urllib.parse.urljoin(base, address), in_a_browser(address, base)):
            try:
                parts = urllib.parse.urlsplit(judge)
            except ValueError:
                self.fail(f"{payload!r} leads to {address!r}, which is no address")
            self.assertIn(parts.scheme, ("http", "https"), f"{payload!r} leads to {judge}")
            self.assertEqual(parts.netloc, urllib.parse.urlsplit(base).netloc, f"{payload!r} leads to {judge}")
        self.assertIsNotNone(re.fullmatch(written, address), f"{payload!r}: {address!r}")

    def payloads(self):
        return PAYLOADS + [other.replace("PORT", str(self.first)) for other in OTHERS]

    def kept(self, answer):
        """What a page carries on: hidden fields, links and forms with rd in them."""
        body = answer.body.decode("utf-8", "replace")
        for value in re.findall(r'name="rd"[^>]*value="([^"]*)"', body) + re.findall(r'value="([^"]*)"[^>]*name="rd"', body):
            yield html.unescape(value)
        for link in re.findall(r'(?:href|action|src)="([^"]*)"', body):
            yield html.unescape(link)
            for value in urllib.parse.parse_qs(urllib.parse.urlsplit(html.unescape(link)).query).get("rd", []):
                yield value

    def test_payloads_are_there(self):
        """The public list of 834, and what is added here."""
        self.assertGreater(len(PAYLOADS), 830)

    def test_no_payload_is_carried_on_by_a_page(self):
        """GET login, GET passcode (step-up and first use), GET pin, home, key, help, error pages.  Source: CWE-601."""
        stranger = Browser(self.first)
        person = Browser(self.first)
        expect(person.login(next(self.people)), "ok")
        uid = next(self.people)
        key = self.house.new_key(uid)
        half = Browser(self.first)
        expect(half.login_passcode(uid, key.code(key.step())), "pin_required")
        for number, payload in enumerate(self.payloads()):
            query = "?rd=" + urllib.parse.quote(payload, safe="")
            pages = [(stranger, "login"), (person, "passcode")]
            if number % 8 == 0:
                pages += [(half, "pin"), (half, "passcode"), (person, ""), (person, "login"), (person, "key"), (stranger, "help"),
                          (stranger, "nothing"), (stranger, "passcode")]
            for browser, page in pages:
                answer = browser.get("/otp/" + page + query, headers=HTML)
                for address in self.kept(answer):
                    self.stays(address, payload)
                if "Location" in answer.headers:
                    self.stays(answer.headers["Location"], payload)

    def test_no_payload_is_followed_after_a_sign_in(self):
        """POST login, as JSON and as a page; rd in the form, and in the address.  Source: CWE-601."""
        uid = next(self.people)
        browser = Browser(self.first)
        for number, payload in enumerate(self.payloads()):
            fields = {"csrf": browser.token("login"), "username": uid, "method": "password", "password": PASSWORD}
            path = "/otp/login"
            if number % 3 == 0 and len(payload) < 3000:
                path += "?rd=" + urllib.parse.quote(payload, safe="")
            else:
                fields["rd"] = payload
            answer = browser.post(path, fields, headers=HTML if number % 2 else {})
            if len(payload) > 2500:
                self.assertIn(answer.status, (200, 303, 400, 413, 414))
                continue
            self.assertIn(answer.status, (200, 303, 400), (payload, answer))
            if answer.status != 400:
                self.stays(answer.headers["Location"] if number % 2 else answer.json["location"], payload)

    def test_no_payload_is_followed_after_a_step_up(self):
        """POST passcode, by an emergency password, which may be typed as often as there are payloads."""
        uid = next(self.people)
        issued = json.loads(self.house.otpctl("emergency", "issue", uid))["password"]
        browser = Browser(self.first)
        expect(browser.login(uid), "ok")
        for number, payload in enumerate(self.payloads()):
            if len(payload) > 2500:
                continue
            answer = browser.post("/otp/passcode", {"csrf": browser.token(), "passcode": issued, "rd": payload},
                                  headers=HTML if number % 2 else {})
            self.assertIn(answer.status, (200, 303, 400), (payload, answer))
            if answer.status != 400:
                self.stays(answer.headers["Location"] if number % 2 else answer.json["location"], payload)

    def test_no_payload_is_followed_after_first_use(self):
        """Through the pending state, from the six digits over the PIN to the finished sign-in."""
        for payload in ("//evil.example", "https://evil.example/", "/\\evil.example", "/%09/evil.example"):
            uid = next(self.people)
            key = self.house.new_key(uid)
            browser, step = Browser(self.first), key.step()
            query = "?rd=" + urllib.parse.quote(payload, safe="")
            fields = {"csrf": browser.token("login"), "username": uid, "method": "passcode", "passcode": key.code(step), "rd": payload}
            self.stays(expect(browser.post("/otp/login" + query, fields), "pin_required").json["location"], payload)
            fields = {"csrf": browser.token("pin"), "pin": PIN, "pin_confirm": PIN, "rd": payload}
            self.stays(expect(browser.post("/otp/pin" + query, fields), "wait_next_code").json["location"], payload)
            fields = {"csrf": browser.token("passcode"), "passcode": PIN + key.code(step + 1), "rd": payload}
            self.stays(expect(browser.post("/otp/passcode" + query, fields), "ok").json["location"], payload)

    def test_address_asked_for_is_not_carried_on_when_it_leads_elsewhere(self):
        """The guard's own rd: a request for `//evil.example/` that a guard of everything sees."""
        for path in ("/app//evil.example", "/app/../..//evil.example", "/app/%0d%0aLocation:%20x", "/app/?rd=//evil.example",
                     "/app/\\evil.example", "http://evil.example/app/", "/app/" + "x" * 3000):
            answer = raw(self.first, head("GET", path, "Accept: text/html"))
            if answer.status == 302:
                location = answer.headers["Location"]
                self.stays(location, path)
                for value in urllib.parse.parse_qs(urllib.parse.urlsplit(location).query).get("rd", []):
                    self.stays(value, path, "(?s).*")

    def test_return_address_of_this_host_is_kept(self):
        """The control: it is the payloads that are dropped."""
        uid = next(self.people)
        for address in ("/app/page.txt", "/desk/?a=b&c=%20d"):
            browser = Browser(self.first)
            answer = browser.submit("login", username=uid, method="password", password=PASSWORD, rd=address)
            self.assertEqual(answer.json.get("location"), address)

    def test_line_ends_in_the_return_address_make_no_header(self):
        """Percent-encoded once and twice, in the address, the form, and the guard's.  Source: CWE-113."""
        uid = next(self.people)
        for ends in ("\r\n", "\n", "\r", "%0d%0a", "%0D%0ASet-Cookie:", "\u560d\u560a", "\u010d\u010a"):
            rd = f"/app/{ends}Set-Cookie: planted=1{ends}{ends}<script>alert(1)</script>"
            browser = Browser(self.first)
            token = browser.token("login")
            body = urllib.parse.urlencode({"csrf": token, "username": uid, "method": "password", "password": PASSWORD, "rd": rd})
            answers = [raw(self.first, head("GET", "/otp/login?rd=" + urllib.parse.quote(rd, safe=""), "Accept: text/html")),
                       raw(self.first, head("GET", "/app/" + urllib.parse.quote(rd, safe=""), "Accept: text/html")),
                       raw(self.first, head("POST", "/otp/login", "Accept: text/html", "Cookie: " + browser.cookie_header(),
                                            "Content-Type: application/x-www-form-urlencoded",
                                            f"Content-Length: {len(body)}") + body.encode())]
            for answer in answers:
                self.assertNotIn("planted", answer.headers.get("Set-Cookie", ""))
                self.assertNotRegex(answer.data.split(b"\r\n\r\n")[0], rb"(?mi)^set-cookie: planted|[\x00-\x09\x0b\x0c\x0e-\x1f]")
                self.assertIsNone(RAW.search(answer.data))

    # --- other sites -----------------------------------------------------------------------------------

    def forms(self, uid, key):
        """(path, fields) of every form there is."""
        return [("logout", {}), ("passcode", {"passcode": PIN + key.code(key.used + 1)}), ("pin", {"pin": PIN, "pin_confirm": PIN}),
                ("key", {"serial": "700000001", "code": "123456"}), ("key/lost", {"serial": key.serial}), ("signals", {}),
                ("key/pin", {"passcode": PIN + key.code(key.used + 1), "pin": "830274", "pin_confirm": "830274"}),
                ("activity/end", {"all": "1"}), ("login", {"username": uid, "method": "password", "password": PASSWORD})]

    def test_form_without_its_token_does_nothing(self):
        """No token, a wrong one, another browser's, another person's, one in the address or a header.  Source: CWE-352."""
        uid = next(self.people)
        key, browser = self.house.enrol(uid)
        other = Browser(self.first)
        expect(other.login(next(self.people)), "ok")
        shown = self.house.otpctl("user", "show", uid)
        good = browser.token()
        tokens = [None, "", "x", "x" * 49, good[:-1], good + "x", good[:-1] + ("A" if good[-1] != "A" else "B"), other.token(),
                  Browser(self.first).token("login"), good.replace(good[0], "b", 1)]
        with self.nothing_opened():
            for page, fields in self.forms(uid, key):
                for token in tokens:
                    sent = dict(fields) if token is None else {**fields, "csrf": token}
                    self.assertEqual(verdict(browser.post("/otp/" + page, sent)), "csrf", (page, token))
                self.assertEqual(verdict(browser.post("/otp/" + page + "?csrf=" + good, fields)), "csrf", page)
                for name in ("X-CSRF-Token", "X-Csrf", "Csrf"):
                    self.assertEqual(verdict(browser.post("/otp/" + page, fields, headers={name: good})), "csrf", page)
                self.assertIn(browser.get("/otp/" + page + "?" + urllib.parse.urlencode({**fields, "csrf": good})).status,
                              (200, 401, 405))
        self.assertEqual(self.house.otpctl("user", "show", uid), shown)
        self.assert_opens(browser)

    def test_pin_page_without_its_token_makes_no_pin(self):
        """Another site sets the PIN while the page is open."""
        uid = next(self.people)
        key = self.house.new_key(uid)
        browser, step = Browser(self.first), key.step()
        expect(browser.login_passcode(uid, key.code(step)), "pin_required")
        for token in ("", "x" * 49, Browser(self.first).token("login")):
            answer = browser.post("/otp/pin", {"pin": "918273", "pin_confirm": "918273", "csrf": token})
            self.assertEqual(verdict(answer), "csrf")
        expect(browser.submit("pin", pin=PIN, pin_confirm=PIN), "wait_next_code")

    def test_sign_in_by_another_site_does_nothing(self):
        """Login CSRF: the victim would work in the attacker's account.  Source: "Robust Defenses for CSRF", Barth 2008."""
        attacker = Browser(self.first)
        fields = {"csrf": attacker.token("login"), "username": next(self.people), "method": "password", "password": PASSWORD}
        for victim in (Browser(self.first), Browser(self.first, {"otp-form": "A" * 43}), Browser(self.first, {"otp": "A" * 43})):
            with self.nothing_opened():
                answer = victim.post("/otp/login", fields)
            self.assertEqual(verdict(answer), "csrf")
            self.assertNotIn("otp", set(victim.cookies) - {"otp"} if "otp" in victim.cookies else victim.cookies)

    def test_pages_are_not_framed_nor_fed_with_scripts(self):
        """Every page forbids frames, foreign scripts, sniffing and copies.  Source: CSP 3; RFC 7034; RFC 9111 5.2.2.5."""
        uid = next(self.people)
        _key, browser = self.house.enrol(uid)
        for page in ("", "login", "passcode", "key", "key/pin", "activity", "help", "nothing"):
            for one in (browser, Browser(self.first)):
                answer = one.get("/otp/" + page, headers=HTML)
                if answer.status in (302, 303):
                    continue
                policy = answer.headers["Content-Security-Policy"]
                self.assertIn("frame-ancestors 'none'", policy, page)
                self.assertIn("default-src 'none'", policy, page)
                self.assertNotIn("unsafe", policy)
                self.assertEqual(answer.headers["X-Content-Type-Options"], "nosniff")
                self.assertIn("no-store", answer.headers["Cache-Control"], page)

    # --- markup ----------------------------------------------------------------------------------------

    def clean(self, answer, what):
        text = answer.data if hasattr(answer, "data") else answer.body
        self.assertIsNone(RAW.search(text), (what, text[:200]))

    def test_markup_in_every_field_is_text(self):
        """Typed by a stranger, by somebody signed in, by an agent.  Source: CWE-79; CWE-1336 (templates)."""
        uid = next(self.people)
        _key, browser = self.house.enrol(uid)
        for mark in MARKS:
            stranger = Browser(self.first)
            for fields in ({"username": mark, "method": "password", "password": "x"}, {"username": uid, "method": mark, "passcode": mark},
                           {"username": mark, "method": "passcode", "passcode": mark, "rd": mark}, {mark: mark},
                           {"username": mark, "method": "password", "password": mark, "rd": "/app/" + mark}):
                answer = stranger.post("/otp/login", {**fields, "csrf": stranger.token("login")}, headers=HTML)
                self.clean(answer, fields)
                self.assertNotRegex(answer.body, rb"(?i)(href|action|src)=\"javascript:")
            for path, fields in (("key", {"serial": mark, "code": mark}), ("key/pin", {"passcode": mark, "pin": mark, "pin_confirm": mark}),
                                 ("activity/end", {"session": mark}), ("key/lost", {"serial": mark}), ("signals", {"seen": mark})):
                self.clean(browser.post("/otp/" + path, {**fields, "csrf": browser.token()}, headers=HTML), fields)
            quoted = urllib.parse.quote(mark)
            for path in ("helpdesk?q=" + quoted, "helpdesk/user/" + urllib.parse.quote(mark, safe=""), "helpdesk/requests?after=" + quoted,
                         f"helpdesk/user/{uid}?done={quoted}&told={quoted}", f"helpdesk/user/{uid}/key-disable?serial={quoted}&session={quoted}",
                         f"helpdesk/user/{uid}/{urllib.parse.quote(mark, safe='')}"):
                answer = self.agent.get("/otp/" + path, headers=HTML)
                self.clean(answer, path)
                self.assertLess(answer.status, 500, path)
            for fields in ({"note": mark}, {"note": mark, "reason": mark, "serial": mark, "was": mark, "confirm": mark}):
                self.clean(self.agent.post(f"/otp/helpdesk/user/{uid}/key-assign", {**fields, "csrf": self.agent.token()}, headers=HTML), fields)
                self.clean(self.agent.post(f"/otp/helpdesk/user/{uid}/unlock", {**fields, "csrf": self.agent.token()}, headers=HTML), fields)
            for path in (f"helpdesk/user/{uid}", "helpdesk", "activity"):
                self.clean(self.agent.get("/otp/" + path, headers=HTML), path)

    def test_markup_in_every_header_and_path_is_text(self):
        """Host, language, agent, referer, cookies, the path and the query."""
        for mark in MARKS:
            line = mark.replace("\u2028", "").replace("\x00", "").encode("latin-1", "replace").decode("latin-1")
            quoted = urllib.parse.quote(mark, safe="")
            for path in ("/otp/login", f"/otp/{quoted}", f"/otp/login?rd={quoted}&lang={quoted}", f"/otp/?{quoted}={quoted}",
                         f"/otp/static/{quoted}", f"/otp/login?username={quoted}&error={quoted}&message={quoted}&flag={quoted}"):
                for name in ("Accept-Language", "User-Agent", "Referer", "X-Forwarded-For", "X-Forwarded-Host", "Cookie"):
                    value = f"otp={line}; otp-lang={line}; otp-form={line}; {line}" if name == "Cookie" else line
                    answer = raw(self.first, head("GET", path, "Accept: text/html", f"{name}: {value}"))
                    self.clean(answer, (path, name))
                self.clean(raw(self.first, head("GET", path, "Accept: text/html", host=line)), path)

    def test_markup_in_the_directory_is_text(self):
        """A person's name, address and groups, on the person's pages and the helpdesk's."""
        for uid in ("x001", "x002"):
            browser = Browser(self.first)
            expect(browser.login(uid), "ok")
            for path in ("", "key", "activity", "passcode"):
                answer = browser.get("/otp/" + path, headers=HTML)
                self.clean(answer, path)
                self.assertLess(answer.status, 400)
            for path in ("helpdesk?q=" + uid, "helpdesk/user/" + uid, f"helpdesk/user/{uid}/unlock"):
                answer = self.agent.get("/otp/" + path, headers=HTML)
                self.assertEqual(answer.status, 200)
                self.clean(answer, path)

    def test_json_is_not_taken_for_a_page(self):
        """Markup in an answer of JSON, with its own type."""
        answer = Browser(self.first).get("/otp/login?rd=" + urllib.parse.quote("/<script>alert(1)</script>"))
        self.assertTrue(answer.headers["Content-Type"].startswith("application/json"))
        self.assertEqual(answer.headers["X-Content-Type-Options"], "nosniff")

    # --- steps that are not in the drawing -------------------------------------------------------------

    def test_password_session_changes_no_pin(self):
        """Neither PIN nor warnings are managed by who has shown the password only.  Source: NIST SP 800-63B 6.1.2."""
        uid = next(self.people)
        key, _browser = self.house.enrol(uid)
        browser = Browser(self.first)
        expect(browser.login(uid), "ok")
        shown = self.house.otpctl("user", "show", uid)
        for path, fields in (("key/pin", {"passcode": PIN + key.code(key.used + 1), "pin": "830274", "pin_confirm": "830274"}),
                             ("pin", {"pin": "830274", "pin_confirm": "830274"}), ("signals", {})):
            self.assertEqual(verdict(browser.send(path, **fields)), "otp_required", path)
        for path in ("key/pin", "pin"):
            self.assertEqual(verdict(browser.get("/otp/" + path)), "otp_required", path)
        self.assertEqual(self.house.otpctl("user", "show", uid), shown)

    def test_password_session_gets_no_second_key_without_its_code(self):
        """A request for activation needs what the key shows, and a free key."""
        uid, other = next(self.people), next(self.people)
        self.house.enrol(uid)
        taken, _browser = self.house.enrol(other)
        browser = Browser(self.first)
        expect(browser.login(uid), "ok")
        self.assert_verdict(browser.send("key", serial=taken.serial, code=taken.code(taken.used + 1)), "serial_refused")
        self.assertEqual(browser.send("key/lost", serial=taken.serial).status, 404)
        expect(Browser(self.first).login_passcode(other, PIN + taken.code(taken.used + 1)), "ok")

    def states(self):
        """A browser in every state between nobody and a finished sign-in, and what it may be answered."""
        uid = next(self.people)
        key = self.house.new_key(uid)
        step = key.step()
        yield "nobody", Browser(self.first), key
        by_password = Browser(self.first)
        expect(by_password.login(uid), "ok")
        yield "password", by_password, key
        self.house.otpctl("user", "unlock", uid)
        half = Browser(self.first)
        expect(half.login_passcode(uid, key.code(step - 1)), "pin_required")
        yield "pin_page", half, key
        expect(half.submit("pin", pin=PIN, pin_confirm=PIN), "wait_next_code")
        yield "wait_next_code", half, key
        expect(half.submit("passcode", passcode=PIN + key.code(step)), "ok")
        for number in range(3):
            Browser(self.first).login_passcode(uid, PIN + "%06d" % number)
        asked = Browser(self.first)
        expect(asked.login_passcode(uid, PIN + key.code(step + 1)), "next_code")
        yield "next_code", asked, key
        gone = half.at(self.second)
        expect(half.submit("logout"), "ok")
        yield "signed_out", gone, key

    def test_request_that_a_state_has_not_is_refused(self):
        """Every request in every state before the end: forms of later and of earlier steps, with a token of the browser's
        own.  None opens a session, shows an application, or changes a PIN but where it is due."""
        may_read = {"nobody": {"login", "help", "health"}, "password": {"", "login", "help", "health", "session", "passcode", "key", "activity"},
                    "pin_page": {"login", "help", "health", "pin", "passcode"}, "wait_next_code": {"login", "help", "health", "passcode"},
                    "next_code": {"login", "help", "health", "passcode"}, "signed_out": {"login", "help", "health"}}
        for state, browser, key in self.states():
            with self.nothing_opened():
                for page in ("", "login", "help", "health", "session", "passcode", "pin", "key", "key/pin", "activity", "helpdesk",
                             "helpdesk/user/p001", "helpdesk/requests", "logout", "key/lost", "signals", "activity/end"):
                    answer = browser.at(self.first).get("/otp/" + page)
                    self.assert_closed(answer)
                    self.assertEqual(answer.status == 200, page in may_read[state], (state, page, answer))
                for path in ("/app/page.txt",) + (() if state == "password" else ("/desk/page.txt",)):
                    self.assert_refused(browser.get(path), state, (401,))
                for page, fields in (("passcode", {"passcode": "000000"}), ("passcode", {"passcode": ""}), ("passcode", {}),
                                     ("passcode", {"passcode": PIN + "000000"}), ("key/pin", {"passcode": "x", "pin": "1", "pin_confirm": "1"}),
                                     ("signals", {}), ("pin", {}), ("pin", {"pin": "", "pin_confirm": ""}),
                                     ("pin", {"pin": "830274"} if state == "pin_page" else {"pin": "830274", "pin_confirm": "830274"}),
                                     ("helpdesk/user/p001/emergency", {"note": "x"}), ("login", {}), ("login", {"method": "emergency"}),
                                     ("login", {"username": "p001", "method": "session"}), ("health", {}), ("help", {}), ("", {})):
                    one = browser.at(self.first)
                    if state in ("pin_page", "next_code", "wait_next_code") and page == "passcode":
                        continue    # a wrong code there is in the drawing: test_code_twice and test_guessing have it
                    token = one.token("passcode" if one.get("/otp/passcode").status == 200 else "login")
                    answer = one.post("/otp/" + page, {**fields, "csrf": token})
                    self.assertNotIn(verdict(answer), ("ok", "wait_next_code", "next_code", "pin_required"), (state, page, answer))
                    self.assertIn(answer.status, (400, 401, 403, 404, 405, 409, 422, 429), (state, page, answer))


if __name__ == "__main__":
    unittest.main()
