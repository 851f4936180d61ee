"""Mixed load for so many minutes, a reload each minute, a restart of Redis each five: what was wrong, and what grew.

soak.py MINUTES.  Exit status 1: a wrong answer, an alarm in a log, a worker that grew by more than GROWTH after its
warm-up, or that opened ever more files.
"""
import os
import sys
import time

from crowd import Crowd
from faults import RedisKilled, Reloaded
from history import BACK, History, Limits
from town import Town

WARM = 20           # seconds after which a worker has what it needs
SAMPLE = 2          # seconds
GROWTH = 1024       # KiB in a worker's life
OF_A_RELOAD = 256   # KiB that a reload may leave in the master
FILES = 16          # descriptors that connections at the moment explain
BUDGET = 3.5
RELOAD, RESTART = 60, 300


class Growth:
    """What each process had at each moment: {(name, pid): [(time, KiB, descriptors)]}"""

    def __init__(self, town):
        self.town, self.seen = town, {}

    def look(self):
        for number, name in enumerate(self.town.names()):
            for kind, pids in (("worker", self.town.workers(number)), ("master", [self.town.pid(number)])):
                for pid in pids:
                    memory, files = resident(pid), descriptors(pid)
                    if memory:
                        self.seen.setdefault((f"{kind} of {name}", pid), []).append((time.monotonic(), memory, files))

    def table(self):
        """(lines, what is wrong)"""
        lines, wrong = [], []
        for (name, pid), samples in self.seen.items():
            warm = [one for one in samples if one[0] >= samples[0][0] + WARM]
            if len(warm) < 2:
                continue
            grown, files = warm[-1][1] - warm[0][1], max(one[2] for one in warm) - warm[0][2]
            line = (f"{name} {pid}: {warm[0][1]} KiB after {WARM} s, {warm[-1][1]} KiB after "
                    f"{warm[-1][0] - samples[0][0]:.0f} s ({grown:+d}), descriptors {warm[0][2]} to {warm[-1][2]}, "
                    f"{files:+d} at most")
            lines.append(line)
            if name.startswith("worker") and (grown > GROWTH or warm[-1][2] - warm[0][2] > FILES):
                wrong.append("it grows: " + line)
            if name.startswith("master") and grown > OF_A_RELOAD * (1 + (warm[-1][0] - warm[0][0]) / RELOAD):
                wrong.append("it grows: " + line)
        return lines, wrong


def resident(pid):
    try:
        with open(f"/proc/{pid}/status") as status:
            return next((int(line.split()[1]) for line in status if line.startswith("VmRSS:")), 0)
    except (FileNotFoundError, ProcessLookupError):
        return 0


def descriptors(pid):
    try:
        return len(os.listdir(f"/proc/{pid}/fd"))
    except FileNotFoundError:
        return 0


def soak(town, history, crowd, seconds):
    growth, begun = Growth(town), time.monotonic()
    due = {"reload": RELOAD, "restart": RESTART}
    while time.monotonic() - begun < seconds:
        time.sleep(SAMPLE)
        growth.look()
        elapsed = time.monotonic() - begun
        if elapsed > due["reload"]:
            due["reload"] += RELOAD
            done = sum(bool(one.ended) for one in history.operations)
            print(f"{elapsed / 60:.0f} min: {done} operations; reload", flush=True)
            for number in range(2):
                with Reloaded(town, number).during(history):
                    pass
        if elapsed > due["restart"]:
            due["restart"] += RESTART
            print(f"{elapsed / 60:.0f} min: restart of Redis", flush=True)
            with RedisKilled(town).during(history):
                time.sleep(0.5)
    time.sleep(BACK + 0.5)
    return growth


def main(minutes):
    town, history = Town("soak", people=40), History()
    try:
        crowd = Crowd(town, history, 1, people=4, pause=0.02).start()
        try:
            growth = soak(town, history, crowd, 60 * minutes)
        finally:
            crowd.stop()
        wrong = crowd.verdict(Limits(budget=BUDGET)) + crowd.errors + town.alarms()
        history.save(os.path.join(town.root, "history.jsonl"))
    finally:
        town.stop()
    lines, grown = growth.table()
    print("\n".join(lines))
    wrong += grown
    for sentence in wrong[:50]:
        print("wrong: " + sentence)
    print(f"{len(history.operations)} operations in {minutes:g} minutes, {len(history.faults)} reloads and restarts, "
          f"{len(wrong)} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]) if sys.argv[1:] else 30))
