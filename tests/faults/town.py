"""Two gateways, each with a way to Redis that can be spoiled and a clock that can be moved, and an application that says
whom it was told of."""
import json
import os
import re
import signal
import struct
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "gateways"))

from redis_proxy import Proxy                                       # noqa: E402
from world import NGINX, PASSWORD, World, wait_until                # noqa: E402

PERIOD = 5      # seconds a code lasts: people who sign in do so often
APPLICATION = """
{user}
worker_processes 1;
daemon off;
pid {root}/application.pid;
error_log {root}/application.log info;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    keepalive_requests 1000000;
    client_body_temp_path {root}/tmp-application-body;
    proxy_temp_path {root}/tmp-application-proxy;
    fastcgi_temp_path {root}/tmp-application-fastcgi;
    uwsgi_temp_path {root}/tmp-application-uwsgi;
    scgi_temp_path {root}/tmp-application-scgi;
    server {{
        listen unix:{root}/application.sock backlog=1024;
        location / {{ return 200 "the application of $http_remote_user"; }}
    }}
}}
"""
MORE = """
        add_header X-Request $request_id always;
        location /echo/ {{
            otp_require otp;
            proxy_pass http://unix:{root}/application.sock:/;
        }}
        location /folder/ {{
            otp_require password;
            proxy_pass http://unix:{root}/application.sock:/;
        }}
"""


class Town(World):
    """`clocks`: whose clocks can be moved: names of gateways, "redis".  `orphan`: a gateway whose parent has gone, as one
    that runs in the background: nginx wants that before it makes room for another binary."""

    def __init__(self, name, first=0, clocks=(), proxies=True, orphan=None, **more):
        self.orphan = orphan
        self.clocks, self.proxies, self.application = set(clocks), {} if proxies else None, None
        try:
            super().__init__("faults-" + name, first, **more)
        except BaseException:
            self.stop_besides()
            raise

    def start_redis(self):
        if self.application is None:
            self.start_application()
        super().start_redis()

    def start_application(self):
        path = os.path.join(self.root, "application.conf")
        with open(path, "w") as file:
            file.write(APPLICATION.format(user="user root;" if os.getuid() == 0 else "", root=self.root))
        self.application = subprocess.Popen(
            [NGINX, "-p", self.root + "/", "-e", os.path.join(self.root, "application.log"), "-c", path])
        wait_until(lambda: os.path.exists(os.path.join(self.root, "application.sock")), "the application starts")

    def start_gateway(self, name, port, *arguments, redis=None, **more):
        if self.proxies is not None and redis is None:
            if name not in self.proxies:
                self.proxies[name] = Proxy(os.path.join(self.root, name + "-redis.sock"), self.socket)
            redis = self.proxies[name].path
        super().start_gateway(name, port, *arguments, redis=redis, **more)

    def more(self, name):
        return MORE.format(root=self.root)

    def stop(self):
        self.stop_upgraded()
        super().stop()
        self.stop_besides()

    def stop_upgraded(self):
        """A master that has taken the place of the one that was started here."""
        for name in self.names():
            try:
                with open(os.path.join(self.root, name + ".pid")) as file:
                    pid = int(file.read())
            except (FileNotFoundError, ValueError):
                continue
            if pid not in [process.pid for process in self.processes] and b"nginx: master" in command(pid):
                os.kill(pid, signal.SIGTERM)
                wait_until(lambda: b"nginx: master" not in command(pid), "the other master ends")

    def stop_besides(self):
        for proxy in (self.proxies or {}).values():
            proxy.stop()
        self.proxies = {}
        if self.application is not None:
            self.application.terminate()
            self.application.wait()
            self.application = None

    # --- clocks ---------------------------------------------------------------------------------------

    def before(self, name):
        if name == self.orphan:
            return ["sh", "-c", '( "$@" & sleep 1 ); exec sleep 86400', "sh"]
        if name not in self.clocks:
            return []
        library = os.path.join(self.root, "shifted_clock.so")
        if not os.path.exists(library):
            subprocess.run([os.environ.get("CC", "cc"), "-std=c11", "-D_GNU_SOURCE", "-O1", "-shared", "-fPIC", "-o",
                            library, os.path.join(HERE, "shifted_clock.c"), "-ldl"], check=True)
        if not os.path.exists(self.clock(name)):
            self.move_clock(name, 0)
        return ["env", "SHIFTED_CLOCK=" + self.clock(name), "LD_PRELOAD=" + library]

    def clock(self, name):
        return os.path.join(self.root, name + ".clock")

    def move_clock(self, name, seconds):
        """Eight bytes in place: they are mapped, and read at each look at the clock."""
        with open(os.open(self.clock(name), os.O_WRONLY | os.O_CREAT, 0o600), "wb") as file:
            file.write(struct.pack("=q", seconds))

    def slow_passwords(self, people):
        """What Debian's mkpasswd makes, instead of the quick ones of the tests: tens of milliseconds each."""
        secret = subprocess.run(["perl", "-e", 'print crypt $ARGV[0], q{$y$j9T$abcdefghijklmnop}', PASSWORD], check=True,
                                capture_output=True, text=True).stdout
        path = os.path.join(self.root, "people")
        with open(path) as file:
            lines = file.read().splitlines(True)
        with open(os.open(path + ".new", os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
            for line in lines:
                uid, _old, rest = line.split(":", 2)
                file.write(f"{uid}:{secret}:{rest}" if uid in people else line)
        os.rename(path + ".new", path)

    # --- what is there to see -------------------------------------------------------------------------

    def names(self):
        return tuple("gateway%d" % number for number in range(len(self.ports)))

    def name_of(self, port):
        return self.names()[self.ports.index(port)]

    def workers(self, number=0):
        """Process ids of the workers of a gateway; those of helpers beside them are not theirs."""
        with open("/proc/{0}/task/{0}/children".format(self.pid(number))) as file:
            found = [int(pid) for pid in file.read().split()]
        return [pid for pid in found if b"worker process" in command(pid)]

    def pid(self, number=0):
        """Of the gateway's master, which another one may have replaced."""
        with open(os.path.join(self.root, self.names()[number] + ".pid")) as file:
            return int(file.read())

    def events(self, files=True):
        """Of Redis' streams and of the gateways' files, each request once."""
        lines = self.otpctl("audit").splitlines()
        for name in self.names() if files else ():
            with open(os.path.join(self.root, name + "-audit.log"), errors="replace") as file:
                lines += file.read().splitlines()
        events = {}
        for line in lines:
            try:
                event = json.loads(line)
            except ValueError:
                continue            # half a line, of a worker that was killed
            # Of an action with several events of one request, the one that makes it effective.
            name = event.get("request") or line
            if name not in events or events[name].get("verdict") == "part":
                events[name] = event
        return list(events.values())

    def alarms(self):
        """Lines of the gateways' logs that no fault of these tests is the reason of."""
        lines = re.findall(r"(?m)^.*\[(?:alert|emerg|crit)\].*$", self.logs())
        return [line for line in lines if not re.search("exited on signal 9|otp_audit: a line could not be written", line)]

    def last_steps(self, people):
        return {key["serial"]: key["step"] for uid in people for key in json.loads(self.otpctl("user", "show", uid))["keys"]}

    def live_sessions(self):
        return {session["id"] for session in json.loads(self.otpctl("session", "list"))}


def command(pid):
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return file.read()
    except FileNotFoundError:
        return b""
