"""People who sign in, open the application, sign out, mistype and are helped, and write down what they see."""
import concurrent.futures
import contextlib
import hashlib
import http.client
import json
import random
import subprocess
import threading
import time
import urllib.parse

from history import judge
from town import PERIOD
from world import AGENT, PASSWORD, PIN, Client, expect

APPLICATION = b"the application of "


class Gate:
    """Where requests wait while somebody counts what has been answered."""

    def __init__(self):
        self.changed, self.inside, self.closed = threading.Condition(), 0, False

    def __enter__(self):
        with self.changed:
            self.changed.wait_for(lambda: not self.closed)
            self.inside += 1

    def __exit__(self, *_error):
        with self.changed:
            self.inside -= 1
            self.changed.notify_all()

    @contextlib.contextmanager
    def shut(self):
        with self.changed:
            self.closed = True
            self.changed.wait_for(lambda: self.inside == 0)
        try:
            yield
        finally:
            with self.changed:
                self.closed = False
                self.changed.notify_all()


class Person:
    """Somebody with a key, whose every request is an operation of the history."""

    def __init__(self, town, history, uid, browser=Client, gate=None):
        self.town, self.history, self.uid, self.browser, self.gate = town, history, uid, browser, gate or Gate()
        self.key, self.first = town.enrol(uid, PERIOD, browser)
        self.tried = self.key.used

    def known(self):
        """The session of the enrolment, opened before the history began, becomes its first operation."""
        operation = self.history.begin("sign-in", "gateway0", self.uid, serial=self.key.serial, step=self.key.used)
        self.history.end(operation, "ok", status=200, verdict="ok", opened=public_id(self.first))
        return self.first

    def ask(self, kind, client, method, path, fields=None, **facts):
        """(operation, answer); without an answer None."""
        with self.gate:
            return self.ask_now(kind, client, method, path, fields, **facts)

    def ask_now(self, kind, client, method, path, fields, **facts):
        operation = self.history.begin(kind, self.town.name_of(client.port), facts.pop("concerns", self.uid), **facts)
        try:
            answer = client.request(method, path, urllib.parse.urlencode(fields) if fields else None, timeout=12)
        except (OSError, http.client.HTTPException):
            self.history.end(operation, "unknown")
            return operation, None
        seen = {"status": answer.status, "request": answer.headers.get("X-Request", "")}
        if kind == "page":
            reached = APPLICATION in answer.body
            if reached:
                seen["identity"] = answer.body.split(APPLICATION, 1)[1].decode("latin-1")
            self.history.end(operation, "ok" if reached else "fail", **seen)
        elif kind == "form":
            self.history.end(operation, "ok" if answer.status == 200 else "fail", **seen)
        else:
            verdict = answer.json.get("verdict", "")
            outcome = "ok" if verdict == "ok" else "fail" if answer.status < 500 else "unknown"
            self.history.end(operation, outcome, verdict=verdict, **seen)
            if outcome == "ok" and kind in ("sign-in", "step-up", "password"):
                operation.opened = public_id(client)
        return operation, answer

    def token(self, client, page):
        _operation, answer = self.ask("form", client, "GET", "/otp/" + page, session=public_id(client))
        return answer.json.get("csrf", "") if answer is not None and answer.status == 200 else None

    # --- what people do -------------------------------------------------------------------------------

    def fresh_step(self, stopped):
        """Waits for a code that was not tried."""
        while self.key.step() <= self.tried and not stopped():
            time.sleep(0.02)
        self.tried = self.key.step()
        return self.tried

    def sign_in(self, port, step, pin=PIN):
        client = self.browser(port)
        token = self.token(client, "login")
        if token is None:
            return None, client
        code = self.key.code(step)
        fields = {"username": self.uid, "method": "passcode", "passcode": pin + code, "csrf": token}
        return self.ask("sign-in", client, "POST", "/otp/login", fields, serial=self.key.serial, step=step)[0], client

    def prove_twice(self, client, stopped):
        """The code that follows, alone."""
        step, token = self.fresh_step(stopped), self.token(client, "passcode")
        if token is None:
            return None
        return self.ask("sign-in", client, "POST", "/otp/passcode", {"passcode": self.key.code(step), "csrf": token},
                        serial=self.key.serial, step=step)[0]

    def password(self, port):
        client = self.browser(port)
        token = self.token(client, "login")
        if token is None:
            return None, client
        fields = {"username": self.uid, "method": "password", "password": PASSWORD, "csrf": token}
        return self.ask("password", client, "POST", "/otp/login", fields)[0], client

    def step_up(self, client, step):
        session, token = public_id(client), self.token(client, "passcode")
        if token is None:
            return None
        return self.ask("step-up", client, "POST", "/otp/passcode", {"passcode": PIN + self.key.code(step), "csrf": token},
                        serial=self.key.serial, step=step, session=session)[0]

    def page(self, client, port, path="/echo/"):
        return self.ask("page", client.at(port), "GET", path, session=public_id(client))[0]

    def sign_out(self, client, port):
        elsewhere, session = client.at(port), public_id(client)
        token = self.token(elsewhere, "session")
        if token is None:
            return None
        return self.ask("logout", elsewhere, "POST", "/otp/logout", {"csrf": token}, session=session)[0]


def public_id(client):
    value = client.cookies.get("otp")
    return hashlib.sha256(value.encode()).hexdigest()[:12] if value else ""


def worked(operation):
    return operation is not None and operation.outcome == "ok"


class Crowd:
    """All of them at work, until stop()."""

    def __init__(self, town, history, seed, people=3, pause=0.05, browser=Client, desk=True, guests=0):
        """`guests` have a key and do nothing by themselves."""
        self.town, self.history, self.pause, self.over, self.gate = town, history, pause, threading.Event(), Gate()
        self.random = random.Random(seed)
        with concurrent.futures.ThreadPoolExecutor(people + guests + 3) as pool:     # each waits for a code of the own key
            made = list(pool.map(lambda uid: Person(town, history, uid, browser, self.gate),
                                 [*town.people[:people + guests + 2], *([AGENT] if desk else [])]))
        self.everybody = [person.uid for person in made]
        self.watcher, self.guesser, *self.people = made
        self.agent = self.people.pop() if desk else None
        self.guests = [self.people.pop() for _ in range(guests)]
        self.before = {event.get("request") for event in town.events()}
        self.threads, self.errors = [], []

    def start(self):
        self.threads = [threading.Thread(target=self.guarded, args=(self.watch, port)) for port in self.town.ports]
        self.threads += [threading.Thread(target=self.guarded, args=(self.live, person, self.random.random()))
                         for person in self.people]
        self.threads.append(threading.Thread(target=self.guarded, args=(self.guess, self.random.random())))
        if self.agent:
            self.threads.append(threading.Thread(target=self.guarded, args=(self.help, self.random.random())))
        for person in (self.watcher, self.guesser, self.agent, *self.guests):
            if person:
                person.known()
        for thread in self.threads:
            thread.start()
        return self

    def guarded(self, function, *arguments):
        try:
            function(*arguments)
        except Exception as error:      # one who dies in silence would be one who sees nothing wrong
            self.errors.append(f"{function.__name__}: {error!r}")

    def stop(self):
        self.over.set()
        for thread in self.threads:
            thread.join(60)

    def verdict(self, limits, durable=True):
        """What the judge says of all that was answered until now; meanwhile nobody asks."""
        with self.gate.shut():
            end = {"steps": self.town.last_steps(self.everybody), "sessions": self.town.live_sessions()} if durable else None
            events = self.events()
            operations = [one for one in list(self.history.operations) if one.ended]
            return judge(operations, list(self.history.faults), events, end, limits)

    def events(self):
        return [event for event in self.town.events() if event.get("request") not in self.before]

    # --- each of them ---------------------------------------------------------------------------------

    def watch(self, port):
        """Who is signed in, and opens the application again and again: by which one sees that it goes on."""
        while not self.over.is_set():
            self.watcher.page(self.watcher.first, port)
            self.over.wait(self.pause)

    def live(self, person, seed):
        chance = random.Random(seed)
        while not self.over.is_set():
            client = self.enter(person, chance)
            if client is None:
                continue
            for _ in range(chance.randint(2, 6)):
                person.page(client, chance.choice(self.town.ports))
                self.over.wait(chance.random() * self.pause)
            if chance.random() < 0.7 and worked(person.sign_out(client, chance.choice(self.town.ports))):
                time.sleep(0.11)
                for port in self.town.ports:
                    person.page(client, port)

    def enter(self, person, chance):
        """The browser with which it was possible, or None."""
        step, port = person.fresh_step(self.over.is_set), chance.choice(self.town.ports)
        if self.over.is_set():
            return None
        how = chance.random()
        if how < 0.3:
            operation, client = person.password(port)
            operation = worked(operation) and person.step_up(client, step)
        elif how < 0.6:
            operation, client = self.enter_twice(person, step)
        else:
            operation, client = person.sign_in(port, step)
        if not operation or operation.outcome != "ok":
            if operation and operation.verdict == "next_code":
                return client if worked(person.prove_twice(client, self.over.is_set)) else None
            if not operation or operation.outcome == "unknown":     # once more, elsewhere
                operation, client = person.sign_in(chance.choice(self.town.ports), step)
            return client if worked(operation) else None
        person.sign_in(chance.choice(self.town.ports), step)        # a code that is spent
        return client

    def enter_twice(self, person, step):
        """One code at both gateways at once."""
        results = []
        threads = [threading.Thread(target=lambda at=port: results.append(person.sign_in(at, step)))
                   for port in self.town.ports]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return max(results, key=lambda result: worked(result[0]))

    def guess(self, seed):
        chance, left = random.Random(seed), 6
        while not self.over.is_set():
            self.count()
            for _ in range(2):
                self.guesser.sign_in(chance.choice(self.town.ports), self.guesser.key.used + 10 ** 6)
                left -= 1
            if left <= 0:
                self.count()
                if self.unlock():
                    left = 6
            self.over.wait(0.3)

    def count(self):
        operation = self.history.begin("count", "", self.guesser.uid)
        try:
            shown = json.loads(self.town.otpctl("user", "show", self.guesser.uid))
            value = shown["failures"] + shown["known"]["failures"] + shown["unproven"]["failures"]
            self.history.end(operation, "ok", value=value)
        except (subprocess.CalledProcessError, ValueError):
            self.history.end(operation, "unknown")

    def unlock(self):
        operation = self.history.begin("unlock", "", self.guesser.uid)
        try:
            self.town.otpctl("user", "unlock", self.guesser.uid)
            self.history.end(operation, "ok")
        except (subprocess.CalledProcessError, ValueError):
            self.history.end(operation, "unknown")
        return operation.outcome == "ok"

    def help(self, seed):
        """The helpdesk: keys disabled and enabled again, sessions ended."""
        chance = random.Random(seed)
        while not self.over.wait(0.5 + chance.random()):
            person = chance.choice(self.people)
            if chance.random() < 0.5:
                self.act("revoke", person, "sessions-revoke", chance)
                continue
            if not worked(self.act("disable", person, "key-disable", chance, serial=person.key.serial, reason="lost")):
                continue
            self.over.wait(0.3)
            while not worked(self.act("enable", person, "key-enable", chance, serial=person.key.serial)):
                if self.over.wait(0.2):
                    return
            self.act("unlock", person, "unlock", chance)

    def act(self, kind, person, action, chance, **fields):
        client = self.agent.first.at(chance.choice(self.town.ports))
        token = self.agent.token(client, "session")
        if token is None:
            return None
        path = f"/otp/helpdesk/user/{person.uid}/{action}"
        return self.agent.ask(kind, client, "POST", path, {**fields, "note": "by telephone", "csrf": token},
                              concerns=person.uid, serial=fields.get("serial", ""))[0]
