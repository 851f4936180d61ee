"""People who sign in with a password while others work: what yescrypt does to everybody's p99."""
import os
import threading
import time

import chart
import lab as the_lab
import load

TITLE, ROUNDS, SECONDS = "Sign-ins with a password", 7, 4
QUIET, BUSY = "quiet", "50 sign-ins a second"
RATE, BROWSERS = 50, 25
CONNECTIONS, THINK_MS = 32, 10      # the traffic meanwhile: some 3,000 requests a second


class SignIns:
    """BROWSERS browsers, each from an address of its own, sign in one person after the other, RATE a second in all."""

    def __init__(self, port, first):
        self.milliseconds, self.busy, self.wrong = [], 0, []
        self.stopped = threading.Event()
        self.threads = [threading.Thread(target=self.browser, args=(port, number, first)) for number in range(BROWSERS)]

    def browser(self, port, number, first):
        # Elsewhere in reality: what they cost is not to be found in the p99 of the others.
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
        client = the_lab.Client(port, f"127.0.1.{number + 1}")
        token, period = client.token(), BROWSERS / RATE
        form = dict(client.cookies)
        due = time.monotonic() + period * number / BROWSERS
        person = first + number
        while not self.stopped.wait(max(0, due - time.monotonic())):
            client.cookies = dict(form)
            began = time.monotonic()
            status, said = client.request("POST", "/otp/login", {
                "username": f"p{person % the_lab.PEOPLE:07d}", "method": "password", "password": the_lab.PASSWORD,
                "csrf": token})
            if status == 200:
                self.milliseconds.append(1000 * (time.monotonic() - began))
            elif status in (429, 503):
                self.busy += 1      # the queue is full: it would take too long
            else:
                self.wrong.append((status, said))
            person += BROWSERS
            due += period

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stopped.set()
        for thread in self.threads:
            thread.join()


def traffic(lab, port, cookie, seconds):
    return load.measure(f"http://127.0.0.1:{port}/guarded/", seconds, {"gateway": lab.workers("gateway")},
                        connections=CONNECTIONS, processors="0,1", think=THINK_MS, headers=(f"Cookie: otp={cookie}",))


def busy(lab, port, cookie, seconds, first):
    with SignIns(port, first) as people:
        time.sleep(0.5)
        before, refused, began = len(people.milliseconds), people.busy, time.monotonic()
        found = traffic(lab, port, cookie, seconds)
        took = people.milliseconds[before:]
        seconds = time.monotonic() - began
        found["signins_s"], found["busy_s"] = len(took) / seconds, (people.busy - refused) / seconds
    if people.wrong or not took:
        raise RuntimeError(f"of {len(took)} sign-ins {len(people.wrong)} went wrong: {people.wrong[:1]}")
    took.sort()
    found["signin_p50_ms"], found["signin_p99_ms"] = took[len(took) // 2], took[int(len(took) * 0.99)]
    return found


def run(lab, options):
    everywhere = f"0-{os.cpu_count() - 1}"
    os.sched_setaffinity(0, range(os.cpu_count()))
    lab.redis(processors=everywhere)
    lab.application(processors=everywhere)
    port = lab.gateway("gateway", 4, cache=lab.cache, processors=everywhere)
    cookie = the_lab.Client(port).sign_in()
    rounds = []
    for number in range(options.rounds):
        kinds = [(QUIET, lambda: traffic(lab, port, cookie, options.seconds)),
                 (BUSY, lambda: busy(lab, port, cookie, options.seconds, number * 500))]
        rounds.append({name: measure() for name, measure in kinds[::1 if number % 2 == 0 else -1]})
        options.say(f"round {number + 1} of {options.rounds}")
    lab.stop()
    result = {name: {key: chart.spread(r[name][key] for r in rounds) for key in rounds[0][name]}
              for name in (QUIET, BUSY)}
    result["p99_to_quiet"] = chart.spread(r[BUSY]["p99_ms"] / r[QUIET]["p99_ms"] for r in rounds)
    return result


def show(result):
    busy_ = result[BUSY]
    rows = [(name, chart.cell(result[name]["requests_s"], ",.0f"), chart.cell(result[name]["p50_ms"], ".2f"),
             chart.cell(result[name]["p99_ms"], ".2f"), chart.cell(result[name]["max_ms"], ".1f"))
            for name in (QUIET, BUSY)]
    return (chart.table(["warm traffic meanwhile", "requests/s", "p50, ms", "p99, ms", "longest, ms"], rows)
            + f"\n{chart.cell(busy_['signins_s'], '.1f')} sign-ins a second "
            + f"({chart.cell(busy_['busy_s'], '.1f')} sent away for the queue was full); each took "
            + f"{chart.cell(busy_['signin_p50_ms'], '.0f')} ms, p99 {chart.cell(busy_['signin_p99_ms'], '.0f')} ms. "
            + f"p99 of the traffic to quiet: {chart.cell(result['p99_to_quiet'], '.2f')}.\n\n"
            + chart.bars("p99 of warm traffic, ms", [(name, result[name]["p99_ms"]["median"])
                                                    for name in (QUIET, BUSY)], ".2f"))


def targets(result):
    reached = result[BUSY]["signins_s"]["median"]
    what = f"p99 of warm traffic during {RATE} yescrypt sign-ins/s ({reached:.0f} reached), to quiet"
    return [chart.target(what, 2.0, result["p99_to_quiet"]["median"], ".2f")]
