"""One cache a worker: how many of a day's requests find their session, by the number of workers.

Sessions come in bursts, each burst over fresh connections as browsers make them, which the kernel spreads evenly over
the workers (`reuseport`): the least favourable case.  The day is replayed within the minute in which a session is
believed, so what is missed is missed for want of the entry alone.
"""
import random
import socket

import chart
import lab as the_lab

TITLE, ROUNDS, SECONDS = "One cache a worker", 0, 0
WORKERS = (1, 2, 4)
SESSIONS, QUICK_SESSIONS = 2000, 200
BURSTS, CONNECTIONS, REQUESTS = 10, 4, 5        # of a session, of a burst, of a connection


def answers(connection, expected):
    """Reads so many answers; how many of them were hits."""
    said = b""
    while said.count(b"HTTP/1.1 200 ") < expected or not said.endswith(b";"):
        said += connection.recv(65536)
    return said.count(b"X-Session: HIT")


def burst(port, cookie):
    """A page, then what belongs to it, over several connections at once; the hits."""
    request = f"GET /shown/ HTTP/1.1\r\nHost: bench\r\nCookie: otp={cookie}\r\n\r\n".encode()
    open_ = [socket.create_connection(("127.0.0.1", port)) for _ in range(CONNECTIONS)]
    open_[0].sendall(request)
    hits = answers(open_[0], 1)
    expected = [REQUESTS - 1] + [REQUESTS] * (CONNECTIONS - 1)
    for connection, count in zip(open_, expected):
        connection.sendall(request * count)
    for connection, count in zip(open_, expected):
        hits += answers(connection, count)
        connection.close()
    return hits


def replay(port, cookies):
    order = cookies * BURSTS
    random.Random(1).shuffle(order)
    return sum(burst(port, cookie) for cookie in order) / (len(order) * CONNECTIONS * REQUESTS)


def run(lab, options):
    cookies = the_lab.WORK / "cookies"
    lab.redis()
    result = {"sessions": QUICK_SESSIONS if options.quick else SESSIONS, "each": BURSTS * CONNECTIONS * REQUESTS}
    result["workers"] = {}
    for workers in WORKERS:
        lab.records("sessions", result["sessions"], cookies)
        port = lab.gateway("gateway", 4, cache=lab.cache, shown=True, workers=workers, listen=" reuseport")
        result["workers"][workers] = replay(port, cookies.read_text().split())
        lab.stop("gateway")
        options.say(f"workers: {workers}")
    lab.stop()
    return result


def show(result):
    each = result["each"]
    rows = [(workers, f"{100 * hits:.2f} %", f"{each * (1 - hits):.2f}") for workers, hits in result["workers"].items()]
    return (f"{result['sessions']:,} sessions of {each} requests, in bursts of {CONNECTIONS * REQUESTS} over "
            f"{CONNECTIONS} new connections. One worker is what one cache for all workers would be.\n\n"
            + chart.table(["workers", "hits", "reads of Redis a session"], rows)
            + chart.bars("reads of Redis a session", [(f"workers: {workers}", each * (1 - hits))
                                                     for workers, hits in result["workers"].items()], ".2f"))


def targets(result):
    return []
