"""What the attacks share: the two gateways of tests/gateways, a third one with a configuration of the test's own, an
application that writes down what reaches it, raw HTTP, a hand in Redis, and what must hold after every attack.

Standard library only.  Everything is below build/gateways/ and on loopback.
"""
import contextlib
import http.client
import os
import re
import socket
import socketserver
import struct
import subprocess
import sys
import threading
import time
import unittest
import urllib.parse

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "gateways"))

import world                                                        # noqa: E402
from world import AGENT, PASSWORD, PIN, Answer, Client, World       # noqa: E402,F401

LONG = 300          # seconds a code lasts where no test waits for the next one
SHORT = 5           # where one does
SECRET = re.compile(rb"the page of (app|desk)|the application said")
IDENTITY = ("remote-user", "remote-name", "remote-email", "remote-groups", "x-otp-level", "x-otp-method", "x-otp-time")
HTML = {"Accept": "text/html"}

FRONT = """
{user}
worker_processes 1;
daemon off;
pid {root}/front.pid;
error_log {root}/front.log info;
load_module {module};
events {{ worker_connections 1024; }}
http {{
    access_log off;
    client_body_temp_path {root}/tmp-front-body;
    proxy_temp_path {root}/tmp-front-proxy;
    fastcgi_temp_path {root}/tmp-front-fastcgi;
    uwsgi_temp_path {root}/tmp-front-uwsgi;
    scgi_temp_path {root}/tmp-front-scgi;
    otp_redis unix:{redis} user=otp-gateway password_file={root}/otp-gateway.password;
    otp_keyring {root}/keyring;
    otp_password_file {root}/people;
    otp_templates {templates};
    otp_cookie secure=off;
    otp_audit {root}/front-audit.log;
    {http}
    server {{
        listen 127.0.0.1:{port};
        root {root};
        location /otp/ {{ otp_portal; }}
        location /app/ {{ otp_require otp; }}
        location /desk/ {{ otp_require password; }}
        location /open/ {{ }}
        {server}
    }}
}}
"""

seen = []           # every answer of the test that is running


def crypted(password, setting):
    """crypt(3)."""
    return subprocess.run(["perl", "-e", "print crypt $ARGV[0], $ARGV[1]", password, setting], check=True,
                          capture_output=True, text=True).stdout


class Application(socketserver.ThreadingTCPServer):
    """Behind a gateway: keeps what it is asked, says it back, and sends on below /accel/."""
    allow_reuse_address = daemon_threads = True

    def __init__(self, scgi=False):
        self.heads, self.scgi = [], scgi
        super().__init__(("127.0.0.1", 0), ApplicationAnswer)
        self.address = "127.0.0.1:%d" % self.server_address[1]
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self):
        self.shutdown()
        self.server_close()


class ApplicationAnswer(socketserver.StreamRequestHandler):
    def handle(self):
        head = self.read_scgi() if self.server.scgi else self.read_http()
        self.server.heads.append(head)
        more = b""
        on = re.match(rb"[A-Z]+ \S*?/accel(/\S*) ", head)
        if on:
            more = b"X-Accel-Redirect: " + on[1] + b"\r\n"
        start = b"Status: 200 OK\r\n" if self.server.scgi else b"HTTP/1.1 200 OK\r\nConnection: close\r\n"
        body = b"the application said:\n" + head
        self.wfile.write(start + more + b"X-Application: reached\r\nContent-Type: text/plain\r\nContent-Length: "
                         + str(len(body)).encode() + b"\r\n\r\n" + body)

    def read_http(self):
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            line = self.rfile.readline(65536)
            if not line:
                break
            head += line
        return head

    def read_scgi(self):
        length = b""
        while not length.endswith(b":"):
            length += self.rfile.read(1)
        fields = self.rfile.read(int(length[:-1])).split(b"\0")
        return b"".join(name + b": " + value + b"\r\n" for name, value in zip(fields[0::2], fields[1::2]))


class Browser(Client):
    """A browser whose every answer is looked at when the test ends."""

    def request(self, method, path, body=None, headers=None, timeout=15):
        answer = super().request(method, path, body, headers, timeout)
        seen.append(answer)
        return answer

    def at(self, port):
        return Browser(port, self.cookies)

    def token(self, page="session"):
        return self.get("/otp/" + page).json.get("csrf", "")

    def post(self, path, fields, **more):
        body = fields if isinstance(fields, (str, bytes)) else urllib.parse.urlencode(fields)
        return self.request("POST", path, body, **more)

    def send(self, path, **fields):
        """A form of somebody who is signed in."""
        return self.post("/otp/" + path, {"csrf": self.token(), **fields})

    def act(self, uid, action, **fields):
        return self.send(f"helpdesk/user/{uid}/{action}", **{"note": "asked on the telephone", **fields})

    def session(self):
        return self.get("/otp/session")


class Raw:
    """What came back over one connection, byte for byte."""

    def __init__(self, data):
        self.data = data
        head, _, self.body = data.partition(b"\r\n\r\n")
        lines = head.split(b"\r\n")
        first = re.match(rb"HTTP/1\.[01] (\d+)", lines[0])
        self.status = int(first[1]) if first else 0
        self.headers = http.client.HTTPMessage()
        for line in lines[1:]:
            name, _, value = line.decode("latin-1").partition(":")
            self.headers[name] = value.strip()

    def __repr__(self):
        return repr(self.data[:300])


def raw(port, data, seconds=5):
    """Sends these bytes; what is answered until the gateway closes, or for so long.  The connection stays open in both
    directions: nginx takes half of a close for a client that has gone."""
    with socket.create_connection(("127.0.0.1", port), timeout=seconds) as connection:
        back = b""
        try:
            connection.sendall(data)
            while True:
                part = connection.recv(65536)
                if not part:
                    break
                back += part
        except OSError:
            pass
    answer = Raw(back)
    seen.append(answer)
    return answer


def head(method, path, *headers, host="localhost", version="HTTP/1.1"):
    """A request's head as bytes; headers as they are, each a line."""
    lines = [f"{method} {path} {version}", f"Host: {host}", "Connection: close", *headers]
    return b"\r\n".join(line if isinstance(line, bytes) else line.encode("latin-1") for line in lines) + b"\r\n\r\n"


def reset(connection):
    """Closes with RST."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as file:
        return file.read().split()


def command(pid):
    with open(f"/proc/{pid}/cmdline", "rb") as file:
        return file.read()


class RedisError(Exception):
    pass


class Redis:
    """The enemy's hand: every command, every byte."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(20)
        self.socket.connect(path)
        self.stream = self.socket.makefile("rb")
        self("AUTH", "admin", "le mot de passe de admin")

    def __call__(self, *words):
        words = [word if isinstance(word, bytes) else str(word).encode() for word in words]
        self.socket.sendall(b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words))
        reply = self.read()
        if isinstance(reply, RedisError):
            raise reply
        return reply

    def read(self):
        line = self.stream.readline().rstrip(b"\r\n")
        kind, rest = line[:1], line[1:]
        if kind == b"-":
            return RedisError(rest.decode())
        if kind == b":":
            return int(rest)
        if kind == b"$":
            return None if rest == b"-1" else self.stream.read(int(rest) + 2)[:-2]
        if kind == b"*":
            return [self.read() for _ in range(int(rest))]
        return rest

    def names(self, pattern):
        return sorted(self("KEYS", "otp:" + pattern))

    def name(self, pattern):
        found = self.names(pattern)
        if len(found) != 1:
            raise AssertionError(f"{pattern}: {found}")
        return found[0]

    def close(self):
        self.stream.close()
        self.socket.close()


class House(World):
    """Two gateways and, after front(), a third one."""

    def __init__(self, name, people=20, limits="", extra=()):
        self.extra, self.front_port, self.application, self.enemy = list(extra), world.PORT + 2, Application(), None
        try:
            super().__init__("attacks_" + name, 0, people=people, limits=limits)
            self.enemy = Redis(self.socket)
        except BaseException:
            self.application.stop()
            raise

    def start_redis(self):
        with open(os.path.join(self.root, "people"), "ab") as file:
            for line in self.extra:
                file.write((line if isinstance(line, bytes) else line.encode()) + b"\n")
        super().start_redis()

    def stop(self):
        if self.enemy:
            self.enemy.close()
        self.application.stop()
        super().stop()

    def front(self, server="", http=""):
        path = os.path.join(self.root, "front.conf")
        text = FRONT.format(user="user root;" if os.getuid() == 0 else "", root=self.root, redis=self.socket,
                            port=self.front_port, module=os.path.join(world.BUILD, "ngx_http_otp_module.so"),
                            templates=os.path.join(world.TOP, "lua-free-conf", "templates"), server=server, http=http)
        with open(path, "w") as file:
            file.write(text.replace("$ROOT", self.root).replace("$APPLICATION", self.application.address))
        process = subprocess.Popen(
            [world.NGINX, "-p", self.root + "/", "-e", os.path.join(self.root, "front.log"), "-c", path],
            stderr=open(os.path.join(self.root, "front-start.log"), "a"))
        self.processes.append(process)
        world.wait_until(lambda: world.connects(self.front_port) or process.poll() is not None, "the front starts")
        if process.poll() is not None:
            raise RuntimeError(self.log("front")[-2000:])
        world.wait_until(lambda: len(self.workers()[-1][1]) == 1, "its worker is there")

    def logs(self):
        names = ["gateway0", "gateway1"] + (["front"] if len(self.processes) > 2 else [])
        return {name: self.log(name) for name in names}

    def audit(self):
        lines = []
        for number in range(2):
            path = os.path.join(self.root, f"gateway{number}-audit.log")
            if os.path.exists(path):
                with open(path, errors="replace") as file:
                    lines += file.read().splitlines()
        return lines

    def workers(self):
        """[(pid of a gateway, pids of its workers), …]"""
        return [(process.pid, [pid for pid in sorted(children(process.pid)) if b"worker process" in command(pid)])
                for process in self.processes]

    def sessions(self):
        return set(self.enemy.names("sess:*"))

    def ctl(self, *arguments, stdin=""):
        """otpctl, whatever comes of it."""
        return subprocess.run(
            [os.path.join(world.BUILD, "otpctl"), "--redis", self.address("otpctl"), "--keyring",
             os.path.join(self.root, "keyring"), "--json", *arguments], input=stdin, capture_output=True, text=True)

    # --- people and keys ------------------------------------------------------------------------------

    def new_key(self, uid, period=LONG):
        return super().new_key(uid, period)

    def enrol(self, uid, period=LONG):
        """First use: the code before the current one, then the current one.  The next one is unused."""
        key = self.new_key(uid, period)
        quiet(period)
        step = key.step()
        browser = Browser(self.ports[0])
        world.expect(browser.login_passcode(uid, key.code(step - 1)), "pin_required")
        world.expect(browser.submit("pin", pin=PIN, pin_confirm=PIN), "wait_next_code")
        world.expect(browser.submit("passcode", passcode=PIN + key.code(step)), "ok")
        key.used = step
        return key, browser

    def agent(self, uid):
        _key, browser = self.enrol(uid)
        return browser


def quiet(period, need=3):
    left = period - time.time() % period
    if left < min(need, period / 2):
        time.sleep(left + 0.02)


def verdict(answer):
    return answer.json.get("verdict") or answer.json.get("error") or answer.status


class Attack(unittest.TestCase):
    """Whatever was tried: no 500, the same workers, quiet logs."""
    PEOPLE, LIMITS, EXTRA = 20, "", ()

    @classmethod
    def setUpClass(cls):
        cls.house = House(cls.__name__.lower(), cls.PEOPLE, cls.LIMITS, cls.EXTRA)
        cls.addClassCleanup(cls.house.stop)
        cls.people = iter(cls.house.people)
        cls.first, cls.second = cls.house.ports
        world.wait_until(lambda: all(len(workers) == 2 for _pid, workers in cls.house.workers()), "the workers are there")
        cls.prepare()

    @classmethod
    def prepare(cls):
        pass

    def setUp(self):
        seen.clear()
        self.workers, self.said = self.house.workers(), {name: len(text) for name, text in self.house.logs().items()}

    def tearDown(self):
        self.assertNotIn(500, [answer.status for answer in seen])
        self.assertEqual(self.house.workers(), self.workers, "the same processes are alive")
        for name, text in self.house.logs().items():
            self.assertNotRegex(text[self.said.get(name, 0):], r"\[(alert|emerg|crit)\]|AddressSanitizer|runtime error")

    @contextlib.contextmanager
    def nothing_opened(self):
        before, asked = self.house.sessions(), len(self.house.application.heads)
        yield
        self.assertEqual(self.house.sessions() - before, set(), "no new session")
        self.assertEqual(len(self.house.application.heads), asked, "the application was not reached")

    def assert_closed(self, answer, what=""):
        """Nothing of the application in it, nor of anybody's identity."""
        text = answer.data if isinstance(answer, Raw) else answer.body
        self.assertIsNone(SECRET.search(text), f"{what}: {answer}")
        for name in IDENTITY + ("x-application",):
            self.assertNotIn(name, answer.headers, f"{what}: {answer}")

    def assert_refused(self, answer, what="", statuses=(302, 400, 401, 403, 404, 405, 409, 413, 415, 422, 429, 501, 503)):
        self.assert_closed(answer, what)
        self.assertIn(answer.status, statuses, f"{what}: {answer}")

    def assert_no_session(self, browser, what=""):
        """Its cookies open nothing, on either gateway."""
        for port in self.house.ports:
            one = browser.at(port)
            self.assertEqual(one.session().status, 401, what)
            self.assert_refused(one.get("/app/page.txt"), what, (401,))
            self.assert_refused(one.get("/desk/page.txt"), what, (401,))

    def assert_opens(self, browser, path="/app/page.txt"):
        """The control: what is refused above is not refused for another reason."""
        self.assertEqual(browser.get(path).status, 200)

    def assert_verdict(self, answer, *verdicts):
        self.assertIn(verdict(answer), verdicts, answer)
        self.assert_closed(answer)
