"""One displayed code opens one door, however many knock at once and wherever (G1)."""
import asyncio
import collections
import os
import unittest

from swarm import Swarm
from world import PIN, Client, World, quiet_step

ROUNDS = int(os.environ.get("ROUNDS", "200"))
SUBMISSIONS = 64


class Races(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = World("races", 0, people=ROUNDS + 20)
        cls.people = iter(cls.world.people)

    @classmethod
    def tearDownClass(cls):
        cls.world.stop()

    def verdicts(self, answers):
        return collections.Counter(answer.get("verdict") or f"{status} {answer}" for status, answer in answers)

    def test_one_of_64_simultaneous_direct_sign_ins_is_accepted(self):
        async def rounds():
            swarm = Swarm(self.world.ports, SUBMISSIONS)
            for _ in range(ROUNDS):
                uid = next(self.people)
                key, _client = self.world.enrol(uid)
                quiet_step(need=5)
                kept = swarm.keep_cookies()
                answers = await swarm.race("login", {
                    "username": uid, "method": "passcode", "passcode": PIN + key.code(key.used + 1)})
                swarm.restore_cookies(kept)
                totals.update(self.verdicts(answers))
                accepted.append(self.verdicts(answers)["ok"])
            swarm.close()

        accepted, totals = [], collections.Counter()
        asyncio.run(rounds())
        print(f"    {ROUNDS} rounds of {SUBMISSIONS}: {dict(totals)}")
        self.assertEqual(collections.Counter(accepted), {1: ROUNDS})
        self.assertEqual(set(totals) - {"ok", "already_used", "denied", "throttled", "next_code"}, set())

    def test_one_of_64_simultaneous_step_ups_of_one_person_is_accepted(self):
        async def rounds():
            uid = next(self.people)
            key, _client = self.world.enrol(uid)
            swarm = Swarm(self.world.ports, SUBMISSIONS)
            for status, answer in await swarm.each("login", {"username": uid, "method": "password",
                                                             "password": "craie-et-tableau-7"}):
                self.assertEqual(answer.get("verdict"), "ok", (status, answer))
            answers = await swarm.race("passcode", {"passcode": PIN + key.code(key.used + 1)})
            swarm.close()
            return self.verdicts(answers)

        verdicts = asyncio.run(rounds())
        self.assertEqual(verdicts["ok"], 1, verdicts)

    def test_one_of_64_simultaneous_first_uses_gets_the_pin_page(self):
        async def rounds():
            uid = next(self.people)
            key = self.world.new_key(uid)
            quiet_step()
            swarm = Swarm(self.world.ports, SUBMISSIONS)
            answers = await swarm.race("login", {"username": uid, "method": "passcode", "passcode": key.code(key.step())})
            swarm.close()
            return self.verdicts(answers)

        verdicts = asyncio.run(rounds())
        self.assertEqual(verdicts["pin_required"], 1, verdicts)

    def test_parallel_wrong_passcodes_do_not_outrun_the_counter(self):
        async def rounds():
            swarm = Swarm(self.world.ports, SUBMISSIONS)
            answers = await swarm.race("login", {"username": uid, "method": "passcode", "passcode": PIN + "000000"})
            swarm.close()
            return self.verdicts(answers)

        uid = next(self.people)
        key, client = self.world.enrol(uid)
        verdicts = asyncio.run(rounds())
        self.assertEqual(verdicts["ok"], 0, verdicts)
        answer = Client(self.world.ports[1]).login_passcode(uid, PIN + key.code(key.used + 1))
        self.assertNotEqual(answer.json.get("verdict"), "ok", "64 wrong ones at once have locked the account")
        self.assertNotEqual(answer.json.get("verdict"), "next_code")
        answer = client.at(self.world.ports[1]).login_passcode(uid, PIN + key.code(key.used + 1))
        self.assertEqual(answer.json.get("verdict"), "ok", "strangers do not lock the browser that the owner has used")

    def test_the_logs_are_quiet(self):
        self.assertNotRegex(self.world.logs(), r"\[(alert|emerg|crit)\]")


if __name__ == "__main__":
    unittest.main()
