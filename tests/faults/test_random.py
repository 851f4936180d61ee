"""Faults drawn by lot, one after the other, while people sign in; the history is judged.

FAULTS_SEED chooses the lots (empty: it is made up, and printed), FAULTS_ROUNDS how many.
"""
import os
import random
import secrets
import time
import unittest

from crowd import Crowd
from faults import catalogue
from history import History, Limits
from town import Town
from world import Client

ROUNDS = int(os.environ.get("FAULTS_ROUNDS", "10"))
SEED = int(os.environ.get("FAULTS_SEED", "11") or secrets.randbelow(10 ** 6))
BUDGET = 3.5    # seconds: a sign-in asks Redis several times, and this machine may be busy
CALM = 2.3      # seconds between two faults, at times


class Random(unittest.TestCase):
    def test_faults_one_after_the_other(self):
        chance, town, history = random.Random(SEED), Town("random"), History()
        self.addCleanup(town.stop)
        print(f"\n    seed {SEED}, {ROUNDS} rounds:", flush=True)
        crowd = Crowd(town, history, SEED).start()
        try:
            self.strike(chance, town, history)
        finally:
            crowd.stop()
        wrong = crowd.verdict(Limits(budget=BUDGET))
        path = os.path.join(town.root, "history.jsonl")
        history.save(path)
        print("    " + summary(history))
        self.assertEqual(crowd.errors, [])
        self.maxDiff = None
        self.assertEqual(wrong, [], f"seed {SEED}; the history is in {path}")
        self.assertEqual(town.alarms(), [])
        # What cannot fail has not been tested: people did come in, before, between and after.
        self.assertGreater(sum(one.kind == "sign-in" and one.outcome == "ok" for one in history.operations), 0)
        self.assertEqual(Client(town.ports[0]).login(town.people[-1]).json.get("verdict"), "ok")

    def strike(self, chance, town, history):
        kinds = catalogue(town)
        time.sleep(2)
        for name in deal(chance, sorted(kinds), ROUNDS):
            fault = kinds[name](chance)
            hold = chance.uniform(*fault.seconds)
            print(f"    {time.strftime('%H:%M:%S')} {fault.name} ({', '.join(fault.gateways)}; {hold:.1f} s)", flush=True)
            with fault.during(history):
                time.sleep(hold)
            time.sleep(CALM if chance.random() < 0.6 else chance.random())
        time.sleep(CALM)


def deal(chance, names, rounds):
    """Each name once before one comes again."""
    drawn = []
    while len(drawn) < rounds:
        drawn += chance.sample(names, len(names))
    return drawn[:rounds]


def summary(history):
    outcomes = {}
    for one in history.operations:
        if one.kind != "form":
            counts = outcomes.setdefault(one.kind, {"ok": 0, "fail": 0, "unknown": 0})
            counts[one.outcome] += 1
    return "; ".join(f"{kind}: {counts['ok']} ok, {counts['fail']} refused, {counts['unknown']} unknown"
                     for kind, counts in sorted(outcomes.items()))


if __name__ == "__main__":
    unittest.main()
