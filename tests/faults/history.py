"""What clients have seen of the gateways, and who judges it: judge() says what must not have been.

A history is a list of operations.  One that was not answered, or with 503, is `unknown`: it may have been carried out.
Times are of one monotonic clock.  Nothing here knows a gateway: tests/faults/test_history.py makes histories up.
"""
import collections
import dataclasses
import json
import threading
import time

ACCEPTANCES = ("sign-in", "step-up")                    # of a code
OPENINGS = ("sign-in", "step-up", "password")           # of a session
ENDINGS = ("logout", "step-up", "revoke", "disable")
TOLD = OPENINGS + ENDINGS + ("enable",)                 # an unlocking where nothing is locked is no event
HELP = ("unlock", "pin-clear", "disable", "enable", "revoke")
BROKEN = (500, 502, 504)
HEARD = 0.1         # seconds after the answer within which every gateway has heard that a session has ended (G3)
BACK = 2.0          # seconds after a fault within which everything works again


@dataclasses.dataclass
class Operation:
    kind: str               # ACCEPTANCES, OPENINGS, ENDINGS, HELP; "page"; "count": of failures, in `value`; "form"
    gateway: str            # empty: it was no request to one
    person: str             # whom it concerns
    invoked: float
    ended: float = 0.0
    outcome: str = "unknown"    # ok, fail or unknown
    status: int = 0
    verdict: str = ""
    serial: str = ""
    step: int = -1          # whose code was sent
    session: str = ""       # that was used
    opened: str = ""        # session that the answer opened
    identity: str = ""      # whom the application was told
    request: str = ""       # nginx's $request_id
    value: int = -1


@dataclasses.dataclass
class Fault:
    name: str
    begun: float
    ended: float
    gateways: tuple         # concerned
    cuts: bool = False      # connections of clients may be closed without an answer
    back: float = BACK
    patience: float = 0     # seconds by which requests may be longer meanwhile
    late: float = 0         # seconds by which a gateway may hear later that a session has ended


@dataclasses.dataclass
class Limits:
    budget: float = 3.0             # seconds a request may take
    keeps_sessions: bool = True     # no fault takes a session away
    durable: bool = True            # Redis keeps what it has written
    counts: bool = True


class History:
    """What many threads write."""

    def __init__(self):
        self.operations, self.faults, self.lock = [], [], threading.Lock()

    def begin(self, kind, gateway, person, **more):
        operation = Operation(kind, gateway, person, time.monotonic(), **more)
        with self.lock:
            self.operations.append(operation)
        return operation

    def end(self, operation, outcome, **more):
        operation.ended = time.monotonic()
        for name, value in more.items():
            setattr(operation, name, value)
        operation.outcome = outcome

    def fault(self, *arguments, **more):
        with self.lock:
            self.faults.append(Fault(*arguments, **more))

    def save(self, path):
        with open(path, "w") as file:
            for operation in sorted(self.operations, key=lambda one: one.invoked):
                file.write(json.dumps(dataclasses.asdict(operation)) + "\n")
            for fault in self.faults:
                file.write(json.dumps({"fault": dataclasses.asdict(fault)}) + "\n")


def judge(operations, faults=(), audit=(), end=None, limits=Limits()):
    """Sentences about what must not have been; none is what one wants.

    `audit`: events of Redis and of the gateways' files, each request once.  `end`: what Redis has when all is over:
    {"steps": {serial: last accepted}, "sessions": public ids}."""
    operations = sorted(operations, key=lambda one: one.invoked)
    wrong = []
    for rule in (code_twice, steps_fall, doors_open, sessions_lost, counts_fall, other_identity, not_told, told_too_much,
                 hung, broken, not_back, end_disagrees):
        wrong += rule(operations, faults, audit, end, limits)
    return wrong


def said(operation):
    code = f" code {operation.step} of {operation.serial}" if operation.step >= 0 else ""
    return (f"{operation.kind} of {operation.person} at {operation.gateway}{code} ({operation.outcome} {operation.status} "
            f"{operation.verdict}, {operation.invoked:.3f}-{operation.ended:.3f})")


def accepted(operations):
    return [one for one in operations if one.kind in ACCEPTANCES and one.outcome == "ok"]


# --- codes (G1) ---------------------------------------------------------------------------------------

def code_twice(operations, _faults, _audit, _end, _limits):
    seen = {}
    for one in accepted(operations):
        other = seen.setdefault((one.serial, one.step), one)
        if other is not one:
            yield f"a code was accepted twice: {said(other)}, {said(one)}"


def steps_fall(operations, _faults, _audit, _end, _limits):
    for serial, ones in by(accepted(operations), "serial").items():
        ended = sorted(ones, key=lambda one: one.ended)
        for one in ones:
            before = [other for other in ended if other.ended < one.invoked]
            highest = max(before, key=lambda other: other.step, default=None)
            if highest and highest.step > one.step:
                yield f"an older code of {serial} was accepted after a newer one: {said(highest)}, {said(one)}"


# --- sessions (G3) ------------------------------------------------------------------------------------

def by(operations, member):
    groups = collections.defaultdict(list)
    for one in operations:
        groups[getattr(one, member)].append(one)
    return groups


def openers(operations):
    return {one.opened: one for one in operations if one.opened}


def is_over(session, opener, operations):
    """When it was certain that the session is over: the least `ended` of what ended it, or None."""
    ends = []
    for one in operations:
        if one.outcome != "ok":
            continue
        if one.session == session and one.kind in ("logout", "step-up"):
            ends.append(one.ended)
        elif one.kind == "revoke" and one.person == opener.person and opener.ended < one.invoked:
            ends.append(one.ended)
        elif one.kind == "disable" and one.serial and one.serial == opener.serial and opener.invoked < one.ended:
            enabled = [other for other in operations if other.kind == "enable" and other.serial == one.serial
                       and other.outcome != "fail" and other.ended > one.invoked and other.invoked < opener.ended]
            if not enabled:
                ends.append(one.ended)
    return min(ends, default=None)


def most(member, operation, faults):
    """What the faults allow that it met."""
    return max([getattr(fault, member) for fault in faults if operation.gateway in fault.gateways
                and operation.ended > fault.begun and operation.invoked < fault.ended], default=0)


def doors_open(operations, faults, _audit, _end, _limits):
    known = openers(operations)
    concerned = {person: [one for one in ones if one.kind in ENDINGS + ("enable",)]
                 for person, ones in by(operations, "person").items()}
    over = {session: is_over(session, opener, concerned.get(opener.person, [])) for session, opener in known.items()}
    for one in operations:
        if one.kind != "page" or one.outcome != "ok":
            continue
        opener = known.get(one.session)
        if opener is None:
            yield f"the application was reached without a session: {said(one)}"
        elif opener.invoked > one.ended:
            yield f"the application was reached before the session was opened: {said(one)}"
        elif over[one.session] is not None and one.invoked > over[one.session] + HEARD + most("late", one, faults):
            late = one.invoked - over[one.session]
            yield f"the application was reached {late:.3f} s after the session had ended: {said(one)}"


def sessions_lost(operations, _faults, _audit, _end, limits):
    """Who has a session, and nobody who might have ended it, is let in; 503 is no refusal."""
    if not limits.keeps_sessions:
        return
    known, ends = openers(operations), by([one for one in operations if one.kind in ENDINGS], "person")
    for one in operations:
        opener = known.get(one.session)
        if one.kind != "page" or one.outcome != "fail" or opener is None or one.status == 503:
            continue
        mine = [other for other in ends[opener.person] if other.invoked < one.ended and other.outcome != "fail"
                and (other.session == one.session or other.kind in ("revoke", "disable"))]
        if not mine and opener.ended < one.invoked:
            yield f"a session was lost: {said(one)}"


def other_identity(operations, _faults, _audit, _end, _limits):
    for one in operations:
        if one.kind == "page" and one.outcome == "ok" and one.identity != one.person:
            yield f"somebody else's identity, {one.identity}: {said(one)}"


# --- counters (G7) ------------------------------------------------------------------------------------

def counts_fall(operations, _faults, _audit, _end, limits):
    if not limits.counts:
        return
    for person, ones in by(operations, "person").items():
        counts = [one for one in ones if one.kind == "count" and one.outcome == "ok"]
        for first, second in zip(counts, counts[1:]):
            between = [one for one in ones if one.invoked < second.ended and (one.ended or second.ended) > first.invoked]
            if any(one.kind in ACCEPTANCES + HELP and one.outcome != "fail" for one in between):
                continue
            refused = [one for one in between if one.kind in ACCEPTANCES and one.verdict == "denied"
                       and one.invoked > first.ended and one.ended < second.invoked]
            if second.value < first.value:
                yield f"the failures of {person} went from {first.value} to {second.value}: {said(second)}"
            elif second.value < first.value + len(refused):
                yield (f"{len(refused)} failures of {person} were told, {second.value - first.value} were counted: "
                       f"{said(second)}")


# --- the audit (G8) -----------------------------------------------------------------------------------

def not_told(operations, _faults, audit, _end, _limits):
    told = {event.get("request"): event for event in audit if event.get("verdict") == "ok"}
    begun = set()
    for one in operations:
        if one.kind in HELP and one.outcome == "unknown":
            begun.add((one.kind, one.person))
        # An action that was begun by a request without an answer is told there; the next one completes it.
        if one.outcome != "ok" or not one.request or one.kind not in TOLD or (one.kind, one.person) in begun:
            continue
        event = told.get(one.request)
        if event is None:
            yield f"the audit does not have it: {said(one)}, request {one.request}"
        elif event.get("user") != one.person or one.step >= 0 and event.get("serial") != one.serial:
            yield f"the audit has another person or key: {said(one)}, {event}"


def told_too_much(operations, _faults, audit, _end, _limits):
    """A code whose answer was lost may have been accepted: but each only once, and none that nobody sent."""
    requests = {one.request for one in accepted(operations)}
    lost = collections.Counter(event.get("serial") for event in audit if event.get("event") in ("passcode", "next_code")
                               and event.get("verdict") == "ok" and event.get("request") not in requests)
    taken = {(one.serial, one.step) for one in accepted(operations)}
    unknown = {(one.serial, one.step) for one in operations if one.kind in ACCEPTANCES and one.outcome == "unknown"}
    possible = collections.Counter(serial for serial, _step in unknown - taken)
    for serial, number in lost.items():
        if number > possible[serial]:
            yield (f"the audit has {number} acceptances of {serial} that no client knows of, and only {possible[serial]} "
                   f"of its codes were sent without an answer")


# --- answers (G2) -------------------------------------------------------------------------------------

def hung(operations, faults, _audit, _end, limits):
    for one in operations:
        if one.gateway and one.ended - one.invoked > limits.budget + most("patience", one, faults):
            yield f"it took {one.ended - one.invoked:.3f} s: {said(one)}"


def broken(operations, faults, _audit, _end, _limits):
    cut = [fault for fault in faults if fault.cuts]
    for one in operations:
        if one.status in BROKEN:
            yield f"an error of the gateway: {said(one)}"
        if one.gateway and one.outcome == "unknown" and not one.status and not any(
                one.ended > fault.begun and one.invoked < fault.ended + BACK and one.gateway in fault.gateways
                for fault in cut):
            yield f"no answer: {said(one)}"


def not_back(operations, faults, _audit, _end, _limits):
    """After each fault pages are served again, and go on being served until the next one."""
    pages = [one for one in operations if one.kind == "page"]
    for fault in faults:
        for gateway in fault.gateways:
            others = [other.begun for other in faults if other is not fault and gateway in other.gateways
                      and other.ended > fault.ended]
            until = min(others, default=float("inf"))
            if until < fault.ended + fault.back:
                continue
            later = [one for one in pages if one.gateway == gateway and one.invoked > fault.ended and one.ended < until]
            if not any(one.outcome == "ok" and one.ended < fault.ended + fault.back for one in later):
                yield f"{gateway} served no page within {fault.back} s after the end of: {fault.name}"
            for one in later:
                if one.invoked > fault.ended + fault.back and one.status == 503:
                    yield f"refused though {fault.name} was over: {said(one)}"


# --- what Redis has at the end ------------------------------------------------------------------------

def end_disagrees(operations, _faults, _audit, end, limits):
    if end is None or not limits.durable:
        return
    for one in accepted(operations):
        if end["steps"].get(one.serial, -1) < one.step:
            yield f"Redis has {end['steps'].get(one.serial)} as the last accepted code: {said(one)}"
    for one in operations:
        if one.kind in ("logout", "step-up") and one.outcome == "ok" and one.session in end["sessions"]:
            yield f"Redis still has the session that ended: {said(one)}"
