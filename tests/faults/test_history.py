"""The judge catches what it is there for: for each rule a history made up that breaks it, and one that is right."""
import dataclasses
import unittest

from history import Fault, Limits, Operation, judge

A, B = "gateway0", "gateway1"


def sign_in(begun, step, outcome="ok", gateway=A, person="anne", **more):
    more = {"status": 200 if outcome == "ok" else 401, "verdict": "ok" if outcome == "ok" else "denied",
            "serial": "7", "opened": f"s{step}" if outcome == "ok" else "", **more}
    return Operation("sign-in", gateway, person, begun, begun + 0.1, outcome, step=step, **more)


def page(begun, session="s1", outcome="ok", status=200, gateway=A, person="anne", **more):
    more = {"identity": person if outcome == "ok" else "", **more}
    return Operation("page", gateway, person, begun, begun + 0.01, outcome, status, session=session, **more)


def act(kind, begun, outcome="ok", person="anne", **more):
    return Operation(kind, A, person, begun, begun + 0.05, outcome, 200 if outcome == "ok" else 503, **more)


def count(begun, value):
    return Operation("count", A, "anne", begun, begun + 0.01, "ok", value=value)


class Judge(unittest.TestCase):
    def right(self, *operations, **more):
        self.assertEqual(judge(list(operations), **more), [])

    def wrong(self, sentence, *operations, **more):
        said = judge(list(operations), **more)
        self.assertTrue(said, "nothing was found")
        for one in said:
            self.assertRegex(one, sentence)

    def test_everything_right(self):
        self.right(sign_in(0, 1), page(1), page(1.2, gateway=B), act("logout", 2, session="s1"),
                   page(3, outcome="fail", status=401), sign_in(4, 2, "fail", verdict="already_used"), sign_in(5, 3),
                   audit=[], end={"steps": {"7": 3}, "sessions": ["s3"]})

    def test_a_code_accepted_at_two_gateways(self):
        self.wrong("accepted twice", sign_in(0, 1), sign_in(0.05, 1, gateway=B))

    def test_a_code_accepted_by_sign_in_and_by_step_up(self):
        self.wrong("accepted twice", sign_in(0, 1), dataclasses.replace(sign_in(0.05, 1), kind="step-up"))

    def test_a_code_of_two_keys_is_two_codes(self):
        self.right(sign_in(0, 1), sign_in(0.05, 1, serial="8", person="bob", opened="sb"))

    def test_an_older_code_after_a_newer_one(self):
        self.wrong("older code", sign_in(0, 2), sign_in(1, 1))
        self.right(sign_in(0, 2), sign_in(0.05, 1))         # at once: either may have been first

    def test_a_page_after_the_sign_out(self):
        self.wrong("0.150 s after", sign_in(0, 1), act("logout", 1, session="s1"), page(1.2))
        self.right(sign_in(0, 1), act("logout", 1, session="s1"), page(1.1))
        self.right(sign_in(0, 1), act("logout", 1, "unknown", session="s1"), page(1.2))
        self.right(sign_in(0, 1), act("logout", 1, "unknown", session="s1"), page(1.2, outcome="fail", status=401))

    def test_a_gateway_that_may_hear_late(self):
        late = Fault("packets are lost", 0, 5, (A,), late=0.3)
        around = (sign_in(0, 1), act("logout", 1, session="s1"), sign_in(5, 2), page(5.5, "s2"))
        self.right(*around, page(1.4), faults=[late])
        self.wrong("0.450 s after", *around, page(1.5), faults=[late])
        self.wrong("0.350 s after", *around, page(1.4, gateway=B), faults=[late])

    def test_a_page_with_the_session_from_before_the_step_up(self):
        up = dataclasses.replace(sign_in(1, 1), kind="step-up", session="s0")
        opening = Operation("password", A, "anne", 0, 0.1, "ok", 200, "ok", opened="s0")
        self.wrong("after the session had ended", opening, up, page(2, "s0"))
        self.right(opening, up, page(2, "s1"))

    def test_a_page_after_the_key_was_disabled(self):
        self.wrong("after the session had ended", sign_in(0, 1), act("disable", 1, serial="7"), page(2))
        self.wrong("after the session had ended", sign_in(0, 1), act("disable", 1, serial="7"),
                   act("enable", 2, serial="7"), page(3))
        self.wrong("after the session had ended", act("disable", 0, serial="7"), sign_in(0.02, 1), page(3))
        self.right(sign_in(0, 1), act("disable", 1, serial="7"), act("enable", 2, serial="7"), sign_in(3, 2), page(4, "s2"))
        self.right(sign_in(0, 1), act("disable", 1, serial="8"), page(2))

    def test_a_page_after_the_sessions_were_revoked(self):
        self.wrong("after the session had ended", sign_in(0, 1), act("revoke", 1), page(2))
        self.right(sign_in(0, 1), act("revoke", 1, person="bob"), page(2))
        self.right(act("revoke", 0), sign_in(1, 1), page(2))

    def test_a_page_without_a_session(self):
        self.wrong("without a session", page(0, "never"))
        self.wrong("without a session", page(0, ""))
        self.wrong("before the session was opened", page(0), sign_in(1, 1))

    def test_a_session_that_was_lost(self):
        self.wrong("session was lost", sign_in(0, 1), page(1, outcome="fail", status=401))
        self.right(sign_in(0, 1), page(1, outcome="fail", status=503))
        self.right(sign_in(0, 1), page(1, outcome="fail", status=401), limits=Limits(keeps_sessions=False))

    def test_somebody_elses_identity(self):
        self.wrong("somebody else's identity, bob", sign_in(0, 1), page(1, identity="bob"))
        self.wrong("somebody else's identity, ", sign_in(0, 1), page(1, identity=""))

    def test_failures_that_are_forgotten(self):
        self.wrong("went from 3 to 2", count(0, 3), count(1, 2))
        self.right(count(0, 3), act("unlock", 0.5), count(1, 0))
        self.right(count(0, 3), sign_in(0.5, 1), count(1, 0))
        self.right(count(0, 3), sign_in(0.5, 1, "unknown", status=503), count(1, 0))
        self.right(count(0, 3), sign_in(0.5, 1, "fail"), count(1, 4))

    def test_failures_that_are_not_counted(self):
        self.wrong("were counted", count(0, 3), sign_in(0.5, 1, "fail"), sign_in(0.7, 1, "fail"), count(1, 4))
        self.right(count(0, 3), sign_in(0.5, 1, "fail", verdict="throttled"), count(1, 3))

    def test_what_the_audit_does_not_have(self):
        event = {"request": "r1", "event": "passcode", "verdict": "ok", "user": "anne", "serial": "7"}
        self.right(sign_in(0, 1, request="r1"), audit=[event])
        self.wrong("does not have it", sign_in(0, 1, request="r1"))
        self.wrong("does not have it", sign_in(0, 1, request="r1"), audit=[{**event, "verdict": "denied"}])
        self.wrong("another person", sign_in(0, 1, request="r1"), audit=[{**event, "user": "bob"}])
        self.wrong("another person", sign_in(0, 1, request="r1"), audit=[{**event, "serial": "8"}])
        self.wrong("does not have it", act("disable", 0, serial="7", request="r2"), audit=[])
        self.right(act("disable", 0, "unknown", serial="7"), act("disable", 1, serial="7", request="r2"), audit=[])
        self.wrong("does not have it", act("disable", 0, "unknown", serial="7", person="bob"),
                   act("disable", 1, serial="7", request="r2"), audit=[])

    def test_acceptances_that_only_the_audit_knows(self):
        events = [{"request": name, "event": "passcode", "verdict": "ok", "user": "anne", "serial": "7"}
                  for name in ("r1", "r2")]
        lost = sign_in(1, 2, "unknown", status=503, verdict="")
        self.wrong("no client knows", sign_in(0, 1, request="r1"), audit=events)
        self.right(sign_in(0, 1, request="r1"), lost, audit=events)
        again = sign_in(2, 2, request="r3")
        self.wrong("no client knows", sign_in(0, 1, request="r1"), lost, again, audit=[*events, {**events[0], "request": "r3"}])

    def test_a_request_that_hangs(self):
        slow = dataclasses.replace(page(1), ended=4.5)
        self.wrong("it took 3.5", sign_in(0, 1), slow)
        self.right(sign_in(0, 1), slow, limits=Limits(budget=4))
        patient = Fault("Redis is slow", 0, 2, (A,), patience=2)
        self.right(sign_in(0, 1), slow, page(3), faults=[patient])
        self.wrong("it took 3.5", sign_in(0, 1), slow, page(3, gateway=B), faults=[dataclasses.replace(patient, gateways=(B,))])

    def test_a_request_without_answer(self):
        silent = page(1, outcome="unknown", status=0)
        self.wrong("no answer", sign_in(0, 1), silent)
        killed = Fault("a worker is killed", 0.9, 1.1, (A,), cuts=True)
        self.right(sign_in(0, 1), silent, page(2), faults=[killed])
        self.wrong("no answer", sign_in(0, 1), silent, page(2), faults=[dataclasses.replace(killed, cuts=False)])
        self.wrong("no answer", sign_in(0, 1), silent, page(2, gateway=B), faults=[dataclasses.replace(killed, gateways=(B,))])

    def test_an_error_of_the_gateway(self):
        for status in (500, 502, 504):
            self.wrong("an error of the gateway", sign_in(0, 1),
                       page(1, outcome="fail", status=status), limits=Limits(keeps_sessions=False))

    def test_nothing_served_after_a_fault(self):
        fault = Fault("Redis is killed", 1, 2, (A, B))
        refused = page(3, outcome="fail", status=503)
        self.right(sign_in(0, 1), page(3), page(3, gateway=B), faults=[fault])
        self.wrong("gateway1 served no page", sign_in(0, 1), page(3), page(4.1, gateway=B), faults=[fault])
        self.wrong("gateway0 served no page", sign_in(0, 1), refused, page(3, gateway=B), faults=[fault])
        self.right(sign_in(0, 1), refused, page(3.5), page(3, gateway=B), faults=[fault])

    def test_refused_long_after_a_fault(self):
        fault = Fault("Redis is killed", 1, 2, (A,))
        refused = page(5, outcome="fail", status=503)
        self.wrong("was over", sign_in(0, 1), page(3), refused, faults=[fault])
        another = Fault("Redis hangs", 4.5, 6, (A,))
        self.right(sign_in(0, 1), page(3), refused, page(7), faults=[fault, another])

    def test_a_code_that_redis_has_forgotten(self):
        self.wrong("as the last accepted", sign_in(0, 5), end={"steps": {"7": 4}, "sessions": []})
        self.wrong("as the last accepted", sign_in(0, 5), end={"steps": {}, "sessions": []})
        self.right(sign_in(0, 5), end={"steps": {"7": 6}, "sessions": []})
        self.right(sign_in(0, 5), end={"steps": {"7": 4}, "sessions": []}, limits=Limits(durable=False))

    def test_a_session_that_redis_still_has(self):
        self.wrong("still has the session", sign_in(0, 1), act("logout", 1, session="s1"),
                   end={"steps": {"7": 1}, "sessions": ["s1"]})


if __name__ == "__main__":
    unittest.main()
