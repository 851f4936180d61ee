"""Two gateways on one Redis, people, keys, and clients: what the tests of this folder share.

Standard library only.  Everything is below build/gateways/ and on loopback.
"""
import base64
import hashlib
import hmac
import http.client
import json
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import time
import urllib.parse

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("GATEWAYS_BUILD", os.path.join(TOP, "build"))
PORT = int(os.environ.get("GATEWAYS_PORT", "8320"))
NGINX = os.environ.get("TEST_NGINX_BINARY", "/usr/sbin/nginx")
PASSWORD = "craie-et-tableau-7"
PIN = "407185"
PERIOD = 60
AGENT = "p999"      # of the helpdesk

GATEWAY = """
{user}
worker_processes {workers};
daemon off;
pid {root}/{name}.pid;
error_log {root}/{name}.log info;
load_module {module};
events {{ worker_connections 1024; }}
http {{
    access_log off;
    keepalive_requests 1000000;
    client_body_temp_path {root}/tmp-{name}-body;
    proxy_temp_path {root}/tmp-{name}-proxy;
    fastcgi_temp_path {root}/tmp-{name}-fastcgi;
    uwsgi_temp_path {root}/tmp-{name}-uwsgi;
    scgi_temp_path {root}/tmp-{name}-scgi;
    otp_redis {redis} timeout={timeout} user=otp-gateway password_file={root}/otp-gateway.password;
    otp_keyring {root}/keyring;
    otp_password_file {root}/people;
    otp_templates {templates};
    otp_cookie secure=off;
    otp_limits address_free=1000000 {limits};
    otp_audit {root}/{name}-audit.log;
    otp_helpdesk group=helpdesk;
    server {{
        listen 127.0.0.1:{port} backlog=1024;
        location /otp/ {{ otp_portal; }}
        location /app/ {{ otp_require otp; root {root}; }}
        location /desk/ {{ otp_require password; root {root}; add_header X-Cache $otp_session_cache always; }}
        location /figures {{ otp_metrics; }}
        location /open/ {{ root {root}; }}
        location = /metrics {{ otp_metrics; }}
        {more}
    }}
}}
"""


class World:
    """Starts in `name` of build/gateways/; ports PORT+first and PORT+first+1."""

    def __init__(self, name, first=0, people=20, timeout="1s", limits=""):
        self.root = os.path.join(TOP, "build", "gateways", name)
        shutil.rmtree(self.root, ignore_errors=True)
        for folder in ("redis", "app", "desk", "open"):
            os.makedirs(os.path.join(self.root, folder))
        for folder in ("app", "desk", "open"):
            with open(os.path.join(self.root, folder, "page.txt"), "w") as page:
                page.write("the page of " + folder)
        self.processes = []
        self.redis = None
        self.ports = [PORT + first, PORT + first + 1]
        self.socket = os.path.join(self.root, "redis.sock")
        self.people = ["p%03d" % number for number in range(people)]
        try:
            subprocess.run([os.path.join(BUILD, "otpctl"), "keyring", "init", os.path.join(self.root, "keyring")],
                           check=True, stdout=subprocess.DEVNULL)
            secret = subprocess.run(["perl", "-e", 'print crypt $ARGV[0], q{$6$rounds=1000$nichtsalzig}', PASSWORD],
                                    check=True, capture_output=True, text=True).stdout
            with open(os.open(os.path.join(self.root, "people"), os.O_WRONLY | os.O_CREAT, 0o600), "w") as people_file:
                for uid in self.people:
                    people_file.write(f"{uid}:{secret}:Person {uid}:{uid}@example.org:staff\n")
                people_file.write(f"{AGENT}:{secret}:Agent:agent@example.org:helpdesk,staff\n")
            self.start_redis()
            for number, port in enumerate(self.ports):
                self.start_gateway("gateway%d" % number, port, timeout, limits)
        except BaseException:
            self.stop()
            raise

    # --- processes ------------------------------------------------------------------------------------

    def write_users(self):
        """The users of the sample configuration, with passwords of their own."""
        lines = []
        with open(os.path.join(TOP, "lua-free-conf", "redis", "otp.acl")) as sample:
            for line in sample:
                secret = "le mot de passe de " + line.split()[1]
                path = os.path.join(self.root, line.split()[1] + ".password")
                with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
                    file.write(secret)
                lines.append(line.replace("#" + 64 * "0", "#" + hashlib.sha256(secret.encode()).hexdigest()))
        with open(os.path.join(self.root, "otp.acl"), "w") as file:
            file.writelines(lines)

    def start_redis(self):
        if os.path.exists(self.socket):
            os.unlink(self.socket)
        self.write_users()
        self.redis = subprocess.Popen(
            [*self.before("redis"), "redis-server", "--port", "0", "--unixsocket", self.socket, "--dir", os.path.join(self.root, "redis"),
             "--aclfile", os.path.join(self.root, "otp.acl"), "--save", "", "--appendonly", "yes",
             "--appendfsync", "always", "--maxmemory-policy", "noeviction"],
            stdout=open(os.path.join(self.root, "redis.log"), "a"), stderr=subprocess.STDOUT)
        wait_until(lambda: self.redis_cli("ping").strip() == "PONG", "Redis starts")

    def kill_redis(self):
        self.redis.kill()
        self.redis.wait()

    def redis_cli(self, *arguments, binary=False):
        done = subprocess.run(["redis-cli", "-s", self.socket, "--user", "admin", *arguments], capture_output=True,
                              env={**os.environ, "REDISCLI_AUTH": "le mot de passe de admin"})
        return done.stdout if binary else done.stdout.decode("utf-8", "replace")

    def start_gateway(self, name, port, timeout="1s", limits="", redis=None, workers=2):
        path = os.path.join(self.root, name + ".conf")
        with open(path, "w") as file:
            file.write(GATEWAY.format(
                user="user root;" if os.getuid() == 0 else "", root=self.root, name=name, port=port, limits=limits,
                timeout=timeout, redis=self.servers(redis), workers=workers, more=self.more(name),
                module=os.path.join(BUILD, "ngx_http_otp_module.so"),
                templates=os.path.join(TOP, "lua-free-conf", "templates")))
        process = subprocess.Popen([*self.before(name), NGINX, "-p", self.root + "/", "-e", os.path.join(self.root, name + ".log"), "-c", path],
                                   stderr=open(os.path.join(self.root, name + "-start.log"), "a"))
        self.processes.append(process)
        wait_until(lambda: self.is_up(name, port) or process.poll() is not None, name + " starts")
        if process.poll() is not None:
            raise RuntimeError(f"{name} does not start: {self.log(name)[-2000:]}")

    def servers(self, path=None):
        """What the gateways' otp_redis says of where Redis is."""
        return "unix:" + (path or self.socket)

    def more(self, name):
        """What a gateway's server block has besides."""
        return ""

    def before(self, name):
        """The command that a gateway, "redis" or "otpctl" is started by: what is to be run follows."""
        return []

    def is_up(self, name, port):
        return connects(port)

    def log(self, name):
        with open(os.path.join(self.root, name + ".log"), errors="replace") as file:
            return file.read()

    def logs(self):
        return "".join(self.log("gateway%d" % number) for number in range(len(self.processes)))

    def stop(self):
        for process in self.processes:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in self.processes:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
        if self.redis is not None and self.redis.poll() is None:
            self.redis.send_signal(signal.SIGCONT)
            self.redis.terminate()
            self.redis.wait()

    def address(self, user):
        return f"unix:{self.socket} user={user} password_file={self.root}/{user}.password"

    def otpctl(self, *arguments):
        return subprocess.run(
            [*self.before("otpctl"), os.path.join(BUILD, "otpctl"), "--redis", self.address("otpctl"),
             "--keyring", os.path.join(self.root, "keyring"), "--json", *arguments], check=True, capture_output=True, text=True).stdout

    # --- people and keys ------------------------------------------------------------------------------

    def new_key(self, uid, period=PERIOD):
        made = self.otpctl("key", "generate", "--serial", "7" + uid[1:].zfill(8), "--period", str(period))
        key = Key(json.loads(made)["uri"], "7" + uid[1:].zfill(8), period)
        self.otpctl("key", "assign", key.serial, uid)
        return key

    def enrol(self, uid, period=PERIOD, browser=None):
        """First use without waiting: the code before the current one, then the current one.  The next is unused."""
        key = self.new_key(uid, period)
        quiet_step(period)
        step = key.step()
        client = (browser or Client)(self.ports[0])
        expect(client.login_passcode(uid, key.code(step - 1)), "pin_required")
        expect(client.submit("pin", pin=PIN, pin_confirm=PIN), "wait_next_code")
        expect(client.submit("passcode", passcode=PIN + key.code(step)), "ok")
        key.used = step
        return key, client


class Key:
    def __init__(self, uri, serial, period):
        secret = urllib.parse.parse_qs(urllib.parse.urlparse(uri).query)["secret"][0]
        self.base32 = secret
        self.seed = base64.b32decode(secret + "=" * (-len(secret) % 8))
        self.serial, self.period, self.used = serial, period, None

    def step(self):
        return int(time.time() // self.period)

    def code(self, step):
        digest = hmac.new(self.seed, struct.pack(">Q", step), hashlib.sha1).digest()
        offset = digest[-1] & 15
        return "%06d" % ((struct.unpack(">I", digest[offset:offset + 4])[0] & 0x7FFFFFFF) % 1000000)


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self):
        try:
            return json.loads(self.body)
        except ValueError:
            return {}

    def __repr__(self):
        return f"{self.status} {self.body[:200]!r}"


class Client:
    """A browser: cookies, and forms with their csrf value."""

    def __init__(self, port, cookies=None):
        self.port, self.cookies = port, dict(cookies or {})

    def request(self, method, path, body=None, headers=None, timeout=15):
        connection = self.connection(timeout)
        headers = {"Accept": "application/json", "Connection": "close", **(headers or {})}
        if self.cookies:
            headers["Cookie"] = self.cookie_header()
        if body is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            answer = Answer(response.status, response.headers, response.read())
        finally:
            connection.close()
        self.remember(response.headers.get_all("Set-Cookie") or [])
        return answer

    def connection(self, timeout):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)

    def remember(self, lines):
        for line in lines:
            name, value = re.match(r"([^=]+)=([^;]*)", line).groups()
            if value and not re.search(r"max-age=0", line, re.I):
                self.cookies[name] = value
            else:
                self.cookies.pop(name, None)

    def cookie_header(self):
        return "; ".join(f"{name}={value}" for name, value in self.cookies.items())

    def get(self, path, **more):
        return self.request("GET", path, **more)

    def submit(self, page, **fields):
        source = "session" if page == "logout" else page
        fields["csrf"] = self.get("/otp/" + source).json.get("csrf", "")
        return self.request("POST", "/otp/" + page, urllib.parse.urlencode(fields))

    def login(self, uid, password=PASSWORD):
        return self.submit("login", username=uid, method="password", password=password)

    def login_passcode(self, uid, passcode):
        return self.submit("login", username=uid, method="passcode", passcode=passcode)

    def at(self, port):
        """The same browser at another gateway."""
        return type(self)(port, self.cookies)


def expect(answer, verdict):
    if answer.json.get("verdict") != verdict:
        raise AssertionError(f"expected {verdict}, got {answer}")
    return answer


def connects(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def wait_until(condition, what, seconds=10):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return
        time.sleep(0.02)
    raise AssertionError(f"waited {seconds} s in vain: {what}")


def quiet_step(period=PERIOD, need=15):
    """Not in the last seconds of a step: the codes computed now stay in the window while they are used."""
    left = period - time.time() % period
    if left < need:
        time.sleep(left + 0.05)
