"""What is measured: Redis, an application, and nginx in its several configurations, each a process of its own.

The gateways run on processor 0 and are the bottleneck; application, Redis, what is asked by auth_request and the
load are on processor 1.  Everything is on loopback and below build/bench/.
"""
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.parse
from http.client import HTTPConnection
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
BUILD = Path(os.environ.get("OUT", TOP / "build")).resolve()
WORK = BUILD / "bench"
PORT = int(os.environ.get("BENCH_PORT", "18800"))
NGINX = os.environ.get("TEST_NGINX_BINARY", "nginx")
USER, PASSWORD = "marie.dupont", "un mot de passe de banc"
PEOPLE = 1000           # in the password file, beside USER: p0000000…

HTTP = """
{user}
{module}
worker_processes {workers}; daemon off; pid {work}/{name}.pid; error_log {work}/{name}.log;
events {{ worker_connections 4096; }}
http {{
    access_log off; keepalive_requests 10000000; keepalive_timeout 600s;
    client_body_temp_path {work}/{name}.tmp; proxy_temp_path {work}/{name}.tmp; fastcgi_temp_path {work}/{name}.tmp;
    uwsgi_temp_path {work}/{name}.tmp; scgi_temp_path {work}/{name}.tmp;
    proxy_http_version 1.1; proxy_set_header Connection "";
    upstream application {{ server 127.0.0.1:{application}; keepalive 128; }}
{http}
    server {{
        listen 127.0.0.1:{port} backlog=4096{listen};
{server}
    }}
}}
"""

APPLICATION = """
        location / { return 200 "hello from the application\\n"; }
"""

# What auth_request asks: over a unix socket with keepalive, the cheapest way to another process.
DECIDER = """
        listen unix:{work}/decider.sock;
        location / {{ return 204; }}
"""

STOCK_HTTP = """
    upstream decider {{ server unix:{work}/decider.sock; keepalive 128; }}
"""

STOCK = """
        location /bare/ {{ proxy_pass http://application/; }}
        location /auth_request/ {{ auth_request /ask; proxy_pass http://application/; }}
        location = /ask {{
            internal; proxy_pass http://decider; proxy_pass_request_body off;
            proxy_set_header Content-Length ""; proxy_set_header Connection "";
        }}
        location /auth_basic/ {{
            auth_basic "bench"; auth_basic_user_file {work}/htpasswd; proxy_pass http://application/;
        }}
"""

GUARD_HTTP = """
    otp_redis unix:{work}/redis.sock; otp_keyring {work}/keyring; otp_templates {top}/lua-free-conf/templates;
    otp_cookie secure=off; otp_session_cache {cache}; {people}
"""

GUARD = """
        location /otp/ { otp_portal; }
        location = /metrics { otp_metrics; }
        location /guarded/ { otp_require password; proxy_pass http://application/; }
        location /fill/ { otp_require password; empty_gif; }
"""

# A location that says how the session was found.
SHOWN = """
        location /shown/ { otp_require password; empty_gif; add_header X-Session $otp_session_cache; }
"""


class Lab:
    """Starts what is measured and stops it, and only it."""

    def __init__(self, cache):
        self.cache = cache          # the SIZE of otp_session_cache of the gateways that have one
        self.processes = {}
        shutil.rmtree(WORK, ignore_errors=True)
        WORK.mkdir(parents=True)
        if os.geteuid() == 0:
            WORK.chmod(0o755)
        subprocess.run([BUILD / "otpctl", "keyring", "init", WORK / "keyring"], check=True, stdout=subprocess.DEVNULL)
        write_people()

    def start(self, name, command, processors):
        log = open(WORK / f"{name}.out", "ab")
        taskset = ["taskset", "-c", processors] if processors else []
        self.processes[name] = subprocess.Popen([*taskset, *map(str, command)], cwd=WORK, stdout=log, stderr=log)

    def nginx(self, name, port, server, *, http="", module=False, workers=1, processors="0", listen=""):
        """Starts nginx and waits until it answers."""
        text = HTTP.format(
            user="user root;" if os.geteuid() == 0 else "", work=WORK, name=name, workers=workers, listen=listen,
            module=f"load_module {BUILD}/ngx_http_otp_module.so;" if module else "", application=PORT + 1,
            port=PORT + port, http=http, server=server)
        (WORK / f"{name}.conf").write_text(text)
        self.start(name, [NGINX, "-p", WORK, "-c", WORK / f"{name}.conf", "-e", WORK / f"{name}.log"], processors)
        self.wait_for(name, lambda: connects(PORT + port))
        return PORT + port

    def redis(self, *arguments, processors="1"):
        self.start("redis", ["redis-server", "--port", "0", "--unixsocket", WORK / "redis.sock", "--save", "",
                             "--dir", WORK, *arguments], processors)
        self.wait_for("redis", lambda: self.redis_cli("ping").strip() == "PONG")

    def application(self, processors="1"):
        self.nginx("application", 1, APPLICATION, processors=processors)

    def decider(self):
        self.nginx("decider", 2, DECIDER.format(work=WORK), processors="1")

    def stock(self, port=3):
        """nginx without the module: bare, auth_request, auth_basic."""
        return self.nginx("stock", port, STOCK.format(work=WORK), http=STOCK_HTTP.format(work=WORK))

    def gateway(self, name, port, cache="off", people=True, shown=False, **options):
        """nginx with the guard."""
        people = f"otp_password_file {WORK}/people;" if people else ""
        http = GUARD_HTTP.format(work=WORK, top=TOP, cache=cache, people=people)
        port = self.nginx(name, port, GUARD + (SHOWN if shown else ""), http=http, module=True, **options)
        self.wait_for(name, lambda: Client(port).get("/otp/health")[0] == 200)
        return port

    def redis_cli(self, *arguments, **options):
        return subprocess.run(["redis-cli", "-s", WORK / "redis.sock", *map(str, arguments)], check=True,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, **options).stdout.decode()

    def records(self, *arguments):
        """Puts into Redis what bench_records writes."""
        maker = subprocess.Popen([BUILD / "bench_records", WORK / "keyring", *map(str, arguments)],
                                 stdout=subprocess.PIPE)
        said = self.redis_cli("--pipe", stdin=maker.stdout)
        if maker.wait() != 0 or "errors: 0" not in said:
            raise RuntimeError(f"records were not written: {said}")

    def pid(self, name):
        return self.processes[name].pid

    def workers(self, name):
        """The process ids of an nginx's workers, or a process that has none."""
        pid = self.pid(name)
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return [int(child) for child in children] or [pid]

    def wait_for(self, name, ready, seconds=15):
        for _ in range(seconds * 50):
            if self.processes[name].poll() is not None:
                break
            try:
                if ready():
                    return
            except (OSError, subprocess.CalledProcessError):
                pass
            time.sleep(0.02)
        log = WORK / f"{name}.log"
        said = (log.read_text() if log.exists() else "") + (WORK / f"{name}.out").read_text()
        raise RuntimeError(f"{name} did not come up: {said[-1000:]}")

    def stop(self, *names):
        """The last started first."""
        for name in names or list(self.processes)[::-1]:
            process = self.processes.pop(name, None)
            if process is None:
                continue
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


class Client:
    """One kept connection, one browser."""

    def __init__(self, port, address="127.0.0.1"):
        self.connection = HTTPConnection("127.0.0.1", port, timeout=10, source_address=(address, 0))
        self.cookies = {}

    def request(self, method, path, form=None):
        headers = {"Accept": "application/json", "Cookie": "; ".join(f"{k}={v}" for k, v in self.cookies.items())}
        body = None
        if form is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            body = form if isinstance(form, str) else urllib.parse.urlencode(form)
        self.connection.request(method, path, body, headers)
        response = self.connection.getresponse()
        text = response.read()
        for name, value in response.getheaders():
            if name == "Set-Cookie":
                name, _, value = value.split(";")[0].partition("=")
                self.cookies[name] = value
        return response.status, text

    def get(self, path):
        return self.request("GET", path)

    def token(self, page="login"):
        return json.loads(self.get(f"/otp/{page}")[1])["csrf"]

    def sign_in(self):
        """The cookie of a session opened with the password."""
        status, said = self.request("POST", "/otp/login", {"username": USER, "method": "password",
                                                           "password": PASSWORD, "csrf": self.token()})
        if status != 200:
            raise RuntimeError(f"signing in gave {status} {said}")
        return self.cookies["otp"]


def connects(port):
    socket.create_connection(("127.0.0.1", port), 1).close()
    return True


def write_people(people=PEOPLE):
    """Passwords with yescrypt as Debian makes them; the same one with apr1 for auth_basic."""
    def crypt(salt):
        return subprocess.run(["perl", "-e", "print crypt $ARGV[0], $ARGV[1]", PASSWORD, salt], check=True,
                              stdout=subprocess.PIPE, text=True).stdout

    secret = crypt("$y$j9T$nichtsalzigesbanc1$")
    if not secret.startswith("$y$"):
        sys.exit("bench: crypt(3) knows no yescrypt here")
    lines = [f"{USER}:{secret}:Marie Dupont:{USER}@example.org:staff,teachers\n"]
    lines += [f"p{i:07d}:{secret}:Marie Dupont:p{i:07d}@example.org:staff,teachers\n" for i in range(people)]
    (WORK / "people").write_text("".join(lines))
    (WORK / "people").chmod(0o600)
    apr1 = subprocess.run(["openssl", "passwd", "-apr1", PASSWORD], check=True, stdout=subprocess.PIPE,
                          text=True).stdout.strip()
    (WORK / "htpasswd").write_text(f"{USER}:{apr1}\n")
