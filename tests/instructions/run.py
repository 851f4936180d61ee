#!/usr/bin/env python3
"""Instructions a request costs, counted by callgrind: bare proxy_pass, and the guard before it.

    run.py BUILD SESSION_MAKE [--profile FILE]

BUILD: folder of ngx_http_otp_module.so and otpctl.  SESSION_MAKE: session_make.c, built.  One nginx without a master
runs under callgrind; browser and application are in this program, Redis beside it, and one request is under way at a
time, so that the counts repeat.  A block of requests is counted between two requests to the metrics, where callgrind
writes its counts and begins anew; of several blocks the cheapest counts, which is one where no second ended and no
timer fired.  Kernel and Redis are not counted.

    public   a location without otp_require, asked with the cookie of a session
    cold     a guarded one, with a session that is in Redis and not in the cache
    warm     the same, with a session that is in the cache
"""
import argparse
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
BLOCKS, BLOCK = 8, 40
PAUSE_S = 0.001     # before each message to nginx, so that it finds nginx waiting for it
# Instructions a request above bare nginx, on x86-64: in all (measured and a tenth or 400), and in the module and its
# libraries alone, which repeats to a thousandth (measured and a twentieth).  docs/profile.md: what they are spent on.
ADMISSIBLE = {"public": (2000, 1290), "warm": (5450, 3450), "cold": (35700, 28500)}
OURS = ("ngx_http_otp_module.so", "libcrypto.so", "libhiredis.so")

CONF = """
load_module {build}/ngx_http_otp_module.so;
master_process off; daemon off; pid gateway.pid; error_log gateway.log;
events {{ worker_connections 64; }}
http {{
    access_log off; keepalive_requests 1000000; keepalive_timeout 600s;
    client_body_temp_path temp; proxy_temp_path temp; fastcgi_temp_path temp; uwsgi_temp_path temp; scgi_temp_path temp;
    upstream application {{ server unix:{work}/application.sock; keepalive 1; }}
    proxy_http_version 1.1; proxy_set_header Connection "";
    otp_redis unix:{work}/redis.sock; otp_keyring {work}/keyring; {cache}
    otp_templates {top}/lua-free-conf/templates; otp_cookie secure=off; otp_portal_url /otp/;
    server {{
        listen unix:{work}/gateway.sock;
        location /bare/   {{ otp_identity off; proxy_pass http://application; }}
        location /public/ {{ proxy_pass http://application; }}
        location /guard/  {{ otp_require otp; otp_allow group=admins; proxy_pass http://application; }}
        location /count   {{ otp_metrics; }}
    }}
}}
"""

# What a browser sends, with cookies of others before and after ours.
REQUEST = """\
GET {path} HTTP/1.1\r
Host: gateway.example.org\r
Connection: keep-alive\r
sec-ch-ua: "Chromium";v="126", "Not.A/Brand";v="24"\r
sec-ch-ua-mobile: ?0\r
sec-ch-ua-platform: "Linux"\r
Upgrade-Insecure-Requests: 1\r
User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36\r
Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8\r
Sec-Fetch-Site: same-origin\r
Sec-Fetch-Mode: navigate\r
Sec-Fetch-User: ?1\r
Sec-Fetch-Dest: document\r
Referer: https://gateway.example.org/wiki/start\r
Accept-Encoding: gzip, deflate, br, zstd\r
Accept-Language: fr-FR,fr;q=0.9,en;q=0.8\r
Cookie: PHPSESSID=8s2ohtf3d1kq6q1o0bqk2v9m4e; theme=dark; otp={cookie}; consent=1\r
\r
"""
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 27\r\n\r\nhello from the application\n"


class Application(threading.Thread):
    """Answers every request with the same bytes, each time in one piece."""

    def __init__(self, path):
        super().__init__(daemon=True)
        self.server = socket.socket(socket.AF_UNIX)
        self.server.bind(str(path))
        self.server.listen(8)
        os.chmod(path, 0o666)
        self.last = b""

    def run(self):
        while True:
            connection, _ = self.server.accept()
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        asked = b""
        while piece := connection.recv(65536):
            asked += piece
            if asked.endswith(b"\r\n\r\n"):
                self.last, asked = asked, b""
                time.sleep(PAUSE_S)
                connection.sendall(ANSWER)


class Browser:
    def __init__(self, path):
        self.connection = socket.socket(socket.AF_UNIX)
        self.connection.settimeout(60)
        self.connection.connect(str(path))

    def get(self, path, cookie="-"):
        time.sleep(PAUSE_S)
        self.connection.sendall(REQUEST.format(path=path, cookie=cookie).encode())
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += self.more()
        head, _, body = answer.partition(b"\r\n\r\n")
        length = re.search(rb"\r\nContent-Length: (\d+)", head)
        while len(body) < int(length.group(1)) if length else not body.endswith(b"0\r\n\r\n"):
            body += self.more()
        status = int(head.split()[1])
        if status != 200:
            sys.exit(f"instructions: {path} was answered with {status}")

    def more(self):
        piece = self.connection.recv(65536)
        if not piece:
            sys.exit("instructions: nginx closed the connection")
        return piece


class Lab:
    """Redis, the application, and nginx under callgrind."""

    def __init__(self, build, work, cache):
        self.build, self.work, self.processes = build, work, []
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(parents=True)
        user = "user root;\n" if os.geteuid() == 0 else ""
        conf = CONF.format(build=build, work=work, top=TOP, cache=f"otp_session_cache {cache};" if cache else "")
        (work / "nginx.conf").write_text(user + conf)
        subprocess.run([build / "otpctl", "keyring", "init", work / "keyring"], check=True, stdout=subprocess.DEVNULL)

    def start(self, name, *command):
        # SHA-256 in the same instructions on every processor, as callgrind knows none made for it.
        environment = {**os.environ, "OPENSSL_ia32cap": ":0"}
        with open(self.work / f"{name}.out", "wb") as log:
            self.processes.append(subprocess.Popen([*map(str, command)], cwd=self.work, env=environment, stdout=log,
                                                   stderr=log))

    def wait(self, name):
        for _ in range(1200):
            if any(process.poll() is not None for process in self.processes):
                break
            try:
                with socket.socket(socket.AF_UNIX) as probe:
                    probe.connect(str(self.work / name))
                return
            except OSError:
                time.sleep(0.05)
        sys.exit(f"instructions: {name} did not come up; see {self.work}")

    def up(self, session_make):
        work = self.work
        self.start("redis", "redis-server", "--port", 0, "--unixsocket", work / "redis.sock", "--save", "",
                   "--dir", work)
        self.wait("redis.sock")
        commands = subprocess.run([session_make, work / "keyring", str(BLOCKS * BLOCK), work / "cookies"],
                                  check=True, stdout=subprocess.PIPE).stdout
        subprocess.run(["redis-cli", "-s", work / "redis.sock", "--pipe"], input=commands, check=True,
                       stdout=subprocess.DEVNULL)
        self.application = Application(work / "application.sock")
        self.application.start()
        self.start("valgrind", "valgrind", "--tool=callgrind", f"--callgrind-out-file={work}/counts",
                   "--dump-before=ngx_http_otp_metrics_handler", "--compress-strings=no", "--compress-pos=no", "nginx",
                   "-p", work, "-c", work / "nginx.conf", "-e", work / "gateway.log")
        self.wait("gateway.sock")
        return Browser(work / "gateway.sock"), (work / "cookies").read_text().split()

    def down(self):
        for process in reversed(self.processes):
            process.terminate()
        for process in self.processes:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()


class Counter:
    """Counts blocks of requests; callgrind numbers what it writes from 1 on."""

    def __init__(self, lab, browser):
        self.lab, self.browser, self.written = lab, browser, 0

    def mark(self):
        self.browser.get("/count")
        self.written += 1
        return self.lab.work / f"counts.{self.written}"

    def block(self, path, cookies):
        self.mark()
        for cookie in cookies:
            self.browser.get(path, cookie)
        counts = self.mark()
        totals = re.search(r"^(?:summary|totals): (\d+)", counts.read_text(), re.M)
        return int(totals.group(1)), counts


class Functions:
    """What callgrind counted, in instructions a request."""

    def __init__(self, counts, requests):
        self.itself, self.with_called, self.ours = {}, {}, 0    # with_called: recursion counts more than once
        function = thing = None
        called = False
        for line in counts.read_text().splitlines():
            if line.startswith("fn="):
                function = line[3:]
            elif line.startswith("ob="):
                thing = line.rpartition("/")[2]
            elif line.startswith("calls="):
                called = True
            elif line and line[0] in "0123456789+-*":
                cost = int(line.split()[-1]) / requests
                self.with_called[function] = self.with_called.get(function, 0) + cost
                if not called:
                    self.itself[function] = self.itself.get(function, 0) + cost
                    self.ours += cost * thing.startswith(OURS)
                called = False


def measure(lab, session_make):
    """For each kind of request, the cheapest block: instructions and the file of its counts."""
    browser, cookies = lab.up(session_make)
    counter = Counter(lab, browser)
    for _ in range(20):
        browser.get("/bare/", cookies[0])
        browser.get("/public/", cookies[0])
    blocks = [cookies[i * BLOCK:(i + 1) * BLOCK] for i in range(BLOCKS)]
    table = {"nothing": min(counter.block("/bare/", []) for _ in range(BLOCKS))}
    for name, path in (("bare", "/bare/"), ("public", "/public/"), ("cold", "/guard/"), ("warm", "/guard/")):
        table[name] = min(counter.block(path, block) for block in blocks)
        if name == "cold" and b"\r\nRemote-User: marie.dupont\r\n" not in lab.application.last:
            sys.exit("instructions: the application was not told who comes")
    return table


def show_profile(name, bare, guard, stream):
    for title, before, after in (("of each function itself", bare.itself, guard.itself),
                                 ("with what it calls", bare.with_called, guard.with_called)):
        rows = sorted(((after.get(f, 0) - before.get(f, 0), f) for f in {*after, *before}), key=lambda row: -row[0])
        print(f"\n{name}: instructions a request {title}, above bare nginx\n", file=stream)
        for cost, function in rows:
            if abs(cost) >= 5:
                print(f"{cost:9.0f}  {function}", file=stream)


def judge(total, ours):
    print(f"# bare nginx: {total['bare'] - total['nothing']:.0f} instructions a request")
    failed = 0
    for name, most in ADMISSIBLE.items():
        for what, cost, bound in zip(("in all", "in the module and its libraries"),
                                     (total[name] - total["bare"], ours[name] - ours["bare"]), most):
            failed += cost > bound
            print(f"{'not ' * (cost > bound)}ok - {name}, {what}: {cost:.0f} instructions above bare nginx, "
                  f"at most {bound}")
    print(f"{2 * len(ADMISSIBLE) - failed} passed, {failed} failed")
    return failed == 0


def main():
    parser = argparse.ArgumentParser(description="Instructions a request costs.")
    parser.add_argument("build", type=Path)
    parser.add_argument("session_make", type=Path)
    parser.add_argument("--work", type=Path, default=TOP / "build/test/instructions")
    parser.add_argument("--cache", default="8m")
    parser.add_argument("--profile", type=Path)
    arguments = parser.parse_args()

    lab = Lab(arguments.build.resolve(), arguments.work.resolve(), arguments.cache)
    try:
        table = measure(lab, arguments.session_make.resolve())
    finally:
        lab.down()
    functions = {name: Functions(counts, BLOCK) for name, (_, counts) in table.items()}
    if arguments.profile:
        with open(arguments.profile, "w") as stream:
            for name in ADMISSIBLE:
                show_profile(name, functions["bare"], functions[name], stream)
    return 0 if judge({name: count / BLOCK for name, (count, _) in table.items()},
                      {name: found.ours for name, found in functions.items()}) else 1


if __name__ == "__main__":
    sys.exit(main())
