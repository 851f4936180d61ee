"""Signing out on one gateway: how long another one, which has the session in its cache, still lets it through."""
import json
import socket
import time

import chart
import lab as the_lab
import load

TITLE, ROUNDS, SECONDS = "Revocation, gateway to gateway", 0, 0
QUIET, BUSY = "quiet", "gateway 2 busy"
TIMES, QUICK_TIMES = 1000, 100
KEYS = ("p50", "p99", "max")
THINK_MS = 5            # of the 64 connections that keep gateway 2 busy


class Raw:
    """A kept connection and one prepared request."""

    def __init__(self, port, path, cookie):
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.request = f"GET {path} HTTP/1.1\r\nHost: bench\r\nCookie: otp={cookie}\r\n\r\n".encode()

    def ask(self):
        """The status, and the whole answer's head."""
        self.socket.sendall(self.request)
        said = self.socket.recv(65536)
        return int(said[9:12]), said


def revoke(first, second, cookie):
    """Milliseconds from the answer on gateway 1 to the first request that gateway 2 refused, 0 when that was the first
    one of all; and to that refusal's arrival."""
    browser = the_lab.Client(first)
    browser.cookies["otp"] = cookie
    token = browser.token("session")
    other = Raw(second, "/shown/", cookie)
    other.ask()
    status, said = other.ask()
    if status != 200 or b"X-Session: HIT" not in said:
        raise RuntimeError(f"gateway 2 has not the session in its cache: {said[:200]}")

    status, said = browser.request("POST", "/otp/logout", {"csrf": token})
    answered = time.perf_counter()
    if status != 200:
        raise RuntimeError(f"signing out gave {status} {said}")
    stale = 0
    while True:
        sent = time.perf_counter()
        status, said = other.ask()
        heard = time.perf_counter()
        if status == 401:
            break
        stale += 1
        if status != 200 or sent - answered > 10:
            raise RuntimeError(f"gateway 2 answers {status} after signing out on gateway 1")
    other.socket.close()
    browser.connection.close()
    return (1000 * (sent - answered) if stale else 0.0), 1000 * (heard - answered)


def quantiles(times, name):
    times = sorted(times)
    return {f"{name}p50_ms": times[len(times) // 2], f"{name}p99_ms": times[int(len(times) * 0.99)],
            f"{name}max_ms": times[-1]}


def summary(found):
    sent, heard = zip(*found)
    return {"times": len(found), "at_once": sent.count(0.0) / len(found), **quantiles(sent, ""),
            **quantiles(heard, "heard_")}


def run(lab, options):
    times = QUICK_TIMES if options.quick else TIMES
    cookies = the_lab.WORK / "cookies"
    lab.redis()
    lab.application()
    lab.records("sessions", 2 * times + 1, cookies)
    cookies = cookies.read_text().split()
    first, second = (lab.gateway(f"gateway{i}", 3 + i, cache=lab.cache, shown=True) for i in (1, 2))
    result = {QUIET: summary([revoke(first, second, cookie) for cookie in cookies[:times]])}
    options.say(QUIET)

    wrk = load.start(f"http://127.0.0.1:{second}/guarded/", 600, think=THINK_MS,
                     headers=(f"Cookie: otp={cookies[-1]}",))
    time.sleep(1)
    try:
        began, before = time.monotonic(), load.cpu_s(lab.workers("gateway2"))
        result[BUSY] = summary([revoke(first, second, cookie) for cookie in cookies[times:2 * times]])
        result["busy"] = (load.cpu_s(lab.workers("gateway2")) - before) / (time.monotonic() - began)
    finally:
        wrk.terminate()
        wrk.communicate()
    options.say(BUSY)
    lab.stop()
    return result


def show(result):
    rows = [(f"{name} ({100 * result['busy']:.0f} % of a processor)" if name == BUSY else name, f"{row['times']:,}",
             f"{100 * row['at_once']:.1f} %", *(" / ".join(f"{row[f'{prefix}{key}_ms']:.2f}" for key in KEYS)
                                                for prefix in ("", "heard_")))
            for name, row in ((name, result[name]) for name in (QUIET, BUSY))]
    head = ["", "times", "first request refused", "to the sending of the first refused: p50 / p99 / max, ms",
            "to the arrival of its answer: p50 / p99 / max, ms"]
    return (chart.table(head, rows)
            + chart.bars("answer on gateway 1 to the arrival of the refusal on gateway 2, ms",
                         [(f"{name}, {key}", result[name][f"heard_{key}_ms"]) for name in (QUIET, BUSY)
                          for key in KEYS], ".2f"))


def targets(result):
    worst = {key: max(result[name][f"heard_{key}_ms"] for name in (QUIET, BUSY)) for key in ("p99", "max")}
    return [
        chart.target("revocation, gateway to gateway, p99, ms", 5, worst["p99"], ".2f"),
        chart.target("revocation, gateway to gateway, longest, ms", 100, worst["max"], ".2f"),
    ]
