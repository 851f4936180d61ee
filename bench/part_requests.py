"""One request: bare nginx, the guard with and without its cache, and what nginx offers without the module."""
import base64

import chart
import lab as the_lab
import load

TITLE, ROUNDS, SECONDS = "A request", 9, 2
BARE, WARM, COLD = "bare nginx", "guard, warm", "guard, cold"
ASKED, BASIC, AGAIN = "auth_request", "auth_basic (apr1)", "bare nginx, again"
RATIOS = ("cpu_us", "requests_s", "p50_ms", "p99_ms")


def configurations(lab, ports, cookie):
    """Name: address, further header, processes whose time counts."""
    redis = [lab.pid("redis")]
    basic = base64.b64encode(f"{the_lab.USER}:{the_lab.PASSWORD}".encode()).decode()
    stock = {"gateway": lab.workers("stock")}
    found = {
        BARE: (ports["stock"], "/bare/", (), stock),
        WARM: (ports["warm"], "/guarded/", (), {"gateway": lab.workers("warm"), "redis": redis}),
        COLD: (ports["cold"], "/guarded/", (), {"gateway": lab.workers("cold"), "redis": redis}),
        ASKED: (ports["stock"], "/auth_request/", (), {**stock, "decider": lab.workers("decider")}),
        BASIC: (ports["stock"], "/auth_basic/", (f"Authorization: Basic {basic}",), stock),
    }
    cookie = f"Cookie: otp={cookie}"
    return {name: (f"http://127.0.0.1:{port}{path}", (cookie, *headers), watched)
            for name, (port, path, headers, watched) in found.items()}


def round_of(lab, number, options):
    """All of them once, each nginx fresh: where its memory happens to lie is another each time."""
    ports = {"stock": lab.stock(3), "cold": lab.gateway("cold", 4), "warm": lab.gateway("warm", 5, cache=lab.cache)}
    cookie = the_lab.Client(ports["cold"]).sign_in()
    todo = configurations(lab, ports, cookie)
    for first in [load.start(todo[name][0], 1, headers=todo[name][1]) for name in (BARE, COLD, WARM)]:
        load.figures(first)

    found = {}
    names = [name for name in todo if name != BARE]
    names = names[number % len(names):] + names[:number % len(names)]
    for name, as_name in [(BARE, BARE), *((n, n) for n in names), (BARE, AGAIN)]:
        url, headers, watched = todo[name]
        found[as_name] = load.measure(url, options.seconds, watched, headers=headers)
    lab.stop("stock", "cold", "warm")
    return found


def run(lab, options):
    lab.redis()
    lab.application()
    lab.decider()
    rounds = []
    for number in range(options.rounds):
        rounds.append(round_of(lab, number, options))
        options.say(f"round {number + 1} of {options.rounds}")
    lab.stop()

    result = {}
    for name in (BARE, WARM, COLD, ASKED, BASIC, AGAIN):
        figures = {key: chart.spread(r[name][key] for r in rounds) for key in rounds[0][name]}
        # Beside both measurements of bare nginx in the same round, so that a slow minute slows both.
        ratios = {key: chart.spread(r[name][key] / ((r[BARE][key] + r[AGAIN][key]) / 2) for r in rounds)
                  for key in RATIOS}
        result[name] = {"figures": figures, "to_bare": ratios}
    for ratio in RATIOS:
        result[AGAIN]["to_bare"][ratio] = chart.spread(r[AGAIN][ratio] / r[BARE][ratio] for r in rounds)
    return result


def costs(figures):
    parts = [("gateway", ""), ("redis", " Redis"), ("decider", " asked")]
    return " + ".join(f"{figures[f'{part}_us']['median']:.1f}{name}" for part, name in parts
                      if f"{part}_us" in figures)


def show(result):
    rows, ratios = [], []
    for name, row in result.items():
        figures, to_bare = row["figures"], row["to_bare"]
        rows.append((name, chart.cell(figures["requests_s"], ",.0f"), f"{figures['p50_ms']['median']:.2f}",
                     f"{figures['p99_ms']['median']:.2f}", costs(figures)))
        ratios.append((name, *(chart.cell(to_bare[key], ".2f") for key in RATIOS)))
    return (chart.table(["", "requests/s", "p50, ms", "p99, ms", "CPU, µs a request"], rows) + "\n"
            + chart.table(["to bare nginx", "CPU", "requests/s", "p50", "p99"], ratios) + "\n"
            + chart.bars("CPU a request, to bare nginx", [(name, row["to_bare"]["cpu_us"]["median"])
                                                        for name, row in result.items()], ".2f")
            + chart.bars("requests/s", [(name, row["figures"]["requests_s"]["median"])
                                        for name, row in result.items()], ",.0f")
            + chart.bars("p99, ms, 64 connections", [(name, row["figures"]["p99_ms"]["median"])
                                                    for name, row in result.items()], ".2f"))


def targets(result):
    warm, cold = result[WARM]["to_bare"], result[COLD]["to_bare"]
    return [
        chart.target("warm: CPU a request, to bare", 1.05, warm["cpu_us"]["median"], ".3f"),
        chart.target("warm: requests/s, to bare", 0.97, warm["requests_s"]["median"], ".3f", at_least=True),
        chart.target("cold: CPU of gateway + Redis, to bare", 1.45, cold["cpu_us"]["median"], ".3f"),
        chart.target("warm: p99 to bare, 64 connections", 1.1, warm["p99_ms"]["median"], ".3f"),
    ]
