"""Many sessions: the memory that each takes, and what a request costs beside a million of them.

A session is believed for a minute after its last-seen mark, then one request reads Redis.  So that it is the cache
that is measured, marks are written right before the sessions are fetched, and the rounds end before they are due.
"""
import socket
import time
from pathlib import Path

import chart
import lab as the_lab
import load

TITLE, ROUNDS, SECONDS = "Many sessions", 5, 2
SIZES, QUICK_SIZES = (1_000, 10_000, 100_000, 1_000_000), (1_000, 10_000)
SLOT = 350              # bytes of SIZE for each session: its slot and its share of the index
LINE = 44               # a cookie and its newline
CHUNK = 250_000         # marks are written for so many at a time
BELIEVED_S = 57         # of the 60, from the first mark on
WINDOWS = 3             # so often are they fetched at most, for as many rounds as there is time for
CONNECTIONS, PIPELINED = 32, 100
ASKED, ANSWERED = b"GET /fill/ HTTP/1.1\r\nHost: bench\r\nCookie: otp=%b\r\n\r\n", b"HTTP/1.1 200 "
DUE = "each due"


def resident_bytes(pid):
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text().split()
    return int(rollup[rollup.index("Rss:") + 1]) * 1024


def reads(lab):
    """How many times a session was read from Redis."""
    said = lab.redis_cli("info", "commandstats")
    return next((int(line.split("calls=")[1].split(",")[0]) for line in said.splitlines()
                 if line.startswith("cmdstat_mget:")), 0)


class Fetcher:
    """A connection that carries many requests at once, and counts the answers."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.waiting, self.rest = 0, b""

    def ask(self, requests):
        self.socket.sendall(b"".join(requests))
        self.waiting += len(requests)

    def hear(self):
        """Reads all answers that are due."""
        while self.waiting > 0:
            said = self.rest + self.socket.recv(1 << 18)
            self.waiting -= said.count(ANSWERED)
            self.rest = said[-len(ANSWERED) + 1:]


def fetch(port, cookies, first, count):
    """One request of each session, a batch of them under way on each connection."""
    fetchers = [Fetcher(port) for _ in range(CONNECTIONS)]
    for number, start in enumerate(range(first, first + count, PIPELINED)):
        fetcher = fetchers[number % CONNECTIONS]
        batch = range(start, min(start + PIPELINED, first + count))
        requests = [ASKED % cookies[i * LINE:i * LINE + LINE - 1] for i in batch]
        fetcher.hear()
        fetcher.ask(requests)
    for fetcher in fetchers:
        fetcher.hear()
        fetcher.socket.close()


class Window:
    """Gateways that hold 10³, 10⁴… sessions, for as long as these are believed."""

    def __init__(self, lab, cookies, sizes):
        self.lab, self.ports, self.memory = lab, {}, {}
        data = cookies.read_bytes()
        for number, size in enumerate(sizes):
            self.ports[size] = lab.gateway(f"held{size}", 10 + number, cache=f"{size * SLOT // 1024 + 1}k")
            # What connections need they have from now on.
            fetch(self.ports[size], data[:LINE] * CONNECTIONS * PIPELINED, 0, CONNECTIONS * PIPELINED)
            self.memory[size] = -resident_bytes(self.pid(size)[0])
        self.until = time.monotonic() + BELIEVED_S
        for first in range(0, max(sizes), CHUNK):
            lab.records("marks", first, min(CHUNK, max(sizes)), cookies)
            self.due = time.monotonic() + 61
            for size in sizes[::-1]:
                if first < size:
                    fetch(self.ports[size], data, first, min(CHUNK, size))
        for size in sizes:
            self.memory[size] += resident_bytes(self.pid(size)[0])

    def pid(self, size):
        return self.lab.workers(f"held{size}")

    def measure(self, size, cookies, seconds):
        before = reads(self.lab)
        found = load.measure(f"http://127.0.0.1:{self.ports[size]}/guarded/", seconds,
                             {"gateway": self.pid(size), "redis": [self.lab.pid("redis")]}, lines=cookies, width=LINE,
                             what="cookie", order="random", count=size)
        found["hits"] = 1 - (reads(self.lab) - before) / found["requests"]
        return found

    def close(self):
        self.lab.stop(*(f"held{size}" for size in self.ports))


def redis_bytes(lab):
    return int(lab.redis_cli("info", "memory").split("used_memory:")[1].split()[0])


def run(lab, options):
    sizes = QUICK_SIZES if options.quick else SIZES
    cookies = the_lab.WORK / "cookies"
    lab.redis()
    lab.application()
    empty = redis_bytes(lab)
    lab.records("sessions", max(sizes), cookies)
    result = {"redis_bytes": (redis_bytes(lab) - empty) / max(sizes)}
    rounds, memory, due = [], [], None
    for _ in range(WINDOWS):
        window = Window(lab, cookies, sizes)
        began = len(rounds)
        while len(rounds) < options.rounds and time.monotonic() + len(sizes) * (options.seconds + 0.5) < window.until:
            order = sizes[::1 if len(rounds) % 2 == 0 else -1]
            rounds.append({size: window.measure(size, cookies, options.seconds) for size in order})
            options.say(f"round {len(rounds)} of {options.rounds}")
        if rounds:
            memory.append(window.memory)
        else:
            options.say(f"{max(sizes):,} sessions cannot be fetched here within the minute in which they are believed")
            sizes = sizes[:-1]
        if len(rounds) > began and due is None and not options.quick:
            time.sleep(max(0, window.due - time.monotonic()))
            due = window.measure(max(sizes), cookies, options.seconds)
        window.close()
        if len(rounds) == options.rounds:
            break
    if not rounds:
        raise RuntimeError("no number of sessions can be fetched here within a minute")
    lab.stop()

    result["sizes"] = {}
    for size in sizes:
        figures = {key: chart.spread(r[size][key] for r in rounds) for key in rounds[0][size]}
        figures["cpu_to_fewest"] = chart.spread(r[size]["cpu_us"] / r[sizes[0]]["cpu_us"] for r in rounds)
        figures["bytes"] = chart.spread(m[size] for m in memory)
        figures["bytes_each"] = chart.spread(m[size] / size for m in memory)
        result["sizes"][size] = figures
    result[DUE] = due
    return result


def show(result):
    rows = [(f"{int(size):,}", f"{row['bytes']['median'] / 1e6:,.1f}", chart.cell(row["bytes_each"], ".0f"),
             chart.cell(row["cpu_us"], ".1f"), chart.cell(row["cpu_to_fewest"], ".2f"),
             f"{100 * row['hits']['median']:.1f} %", f"{row['p99_ms']['median']:.2f}")
            for size, row in result["sizes"].items()]
    due, lines = result[DUE], f"\nIn Redis a session takes {result['redis_bytes']:.0f} bytes."
    if due:
        lines += (f" When the marks of all are due, a request costs {due['cpu_us']:.1f} µs: it reads Redis and writes "
                  f"the mark ({100 * (1 - due['hits']):.0f} % of them did).")
    return (chart.table(["sessions", "worker, MB", "bytes a session", "CPU, µs a request", "to the fewest", "hits",
                         "p99, ms"], rows)
            + f"{lines}\n\n"
            + chart.bars("memory of the worker, MB", [(f"{int(size):,}", row["bytes"]["median"] / 1e6)
                                                     for size, row in result["sizes"].items()], ",.1f")
            + chart.bars("CPU a request, µs", [(f"{int(size):,}", row["cpu_us"]["median"])
                                              for size, row in result["sizes"].items()], ".1f"))


def targets(result):
    sizes = list(result["sizes"].values())
    return [
        chart.target("memory of a cached session, bytes", 512,
                     max(row["bytes_each"]["median"] for row in sizes), ".0f"),
        chart.target(f"CPU of a request among {int(list(result['sizes'])[-1]):,} sessions, to 1,000", 1.1,
                     sizes[-1]["cpu_to_fewest"]["median"], ".3f"),
    ]
