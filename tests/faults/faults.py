"""What can break, each with its beginning and its end.  A fault is begun, holds for some time, and is mended."""
import contextlib
import os
import signal
import time

from world import wait_until

PATIENCE = 6        # seconds more, with a Redis that takes 200 ms for each answer: an action asks up to twenty times
ERRORS = {
    "OOM": b"-OOM command not allowed when used memory > 'maxmemory'.",
    "READONLY": b"-READONLY You can't write against a read only replica.",
    "NOREPLICAS": b"-NOREPLICAS Not enough good replicas to write.",
    "LOADING": b"-LOADING Redis is loading the dataset in memory",
    "MISCONF": b"-MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk.",
    "NOAUTH": b"-NOAUTH Authentication required.",
    "NOSCRIPT": b"-NOSCRIPT No matching script. Please use EVAL.",
    "MASTERDOWN": b"-MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
}


def replies(data):
    """Where each whole reply of `data` ends; a part of one at the end is none."""
    ends, at = [], 0
    while at < len(data):
        at = reply_end(data, at)
        if at is None:
            break
        ends.append(at)
    return ends


def reply_end(data, at):
    line = data.find(b"\r\n", at)
    if line < 0:
        return None
    kind, end = data[at:at + 1], line + 2
    if kind in b"$*" and data[at + 1:line] != b"-1":
        size = int(data[at + 1:line])
        if kind == b"$":
            end += size + 2
            return end if end <= len(data) else None
        for _ in range(size):
            end = reply_end(data, end)
            if end is None:
                return None
    return end


# --- what may become of what Redis says --------------------------------------------------------------

def cut(connection, data):
    """The first half of it, and then nothing more."""
    connection.gateway.sendall(data[:max(1, len(data) // 2)])
    raise ConnectionResetError


def reset(_connection, _data):
    raise ConnectionResetError


def nonsense(_connection, data):
    return b"\x00\xff hello \r\n%d\r\n" % len(data)


def other_types(_connection, data):
    """Well formed, and of a kind that nobody has asked for."""
    return b"*2\r\n:42\r\n:43\r\n" * max(1, len(replies(data)))


def too_many(_connection, data):
    return data + b"$2\r\nhe\r\n"


def error(name):
    def spoil(_connection, data):
        return (ERRORS[name] + b"\r\n") * max(1, len(replies(data)))
    return spoil


SPOILED = {"cut": cut, "reset": reset, "nonsense": nonsense, "other types": other_types, "too many": too_many,
           **{name: error(name) for name in ERRORS}}


# --- faults -------------------------------------------------------------------------------------------

class Fault:
    """`gateways` it concerns; `cuts`: clients may lose a connection; `forgets`: sessions may end by it."""
    cuts, forgets, patience = False, False, 0
    seconds = (0.3, 2.0)    # how long it holds

    def __init__(self, town, name, gateways=None):
        self.town, self.name, self.gateways = town, name, gateways or town.names()

    def begin(self):
        pass

    def end(self):
        pass

    @contextlib.contextmanager
    def during(self, history):
        begun = time.monotonic()
        self.begin()
        try:
            yield self
        finally:
            self.end()
            history.fault(self.name, begun, time.monotonic(), self.gateways, cuts=self.cuts, patience=self.patience)


class RedisKilled(Fault):
    def __init__(self, town):
        super().__init__(town, "Redis is killed")

    def begin(self):
        self.town.kill_redis()

    def end(self):
        self.town.start_redis()


class RedisHangs(Fault):
    def __init__(self, town):
        super().__init__(town, "Redis hangs")

    def begin(self):
        self.town.redis.send_signal(signal.SIGSTOP)

    def end(self):
        self.town.redis.send_signal(signal.SIGCONT)


class Spoiled(Fault):
    """What Redis says to one gateway, or what it says to all."""

    def __init__(self, town, how, gateways=None):
        super().__init__(town, f"Redis' answers: {how}", gateways)
        self.how = how

    def begin(self):
        for name in self.gateways:
            self.town.proxies[name].spoil = SPOILED[self.how]

    def end(self):
        for name in self.gateways:
            self.town.proxies[name].spoil = None


class Slow(Fault):
    """Each answer comes 200 ms later."""
    patience = PATIENCE

    def __init__(self, town, gateways=None):
        super().__init__(town, "Redis' answers are late", gateways)

    def begin(self):
        for name in self.gateways:
            self.town.proxies[name].delay = 0.2

    def end(self):
        for name in self.gateways:
            self.town.proxies[name].delay = 0


class Frozen(Fault):
    """Connections of one gateway on which nothing comes any more, and which are not closed."""

    def __init__(self, town, gateway):
        super().__init__(town, "Redis' answers do not arrive", (gateway,))

    def begin(self):
        self.town.proxies[self.gateways[0]].frozen_replies = True

    def end(self):
        self.town.proxies[self.gateways[0]].frozen_replies = False


class Setting(Fault):
    """A setting of Redis that makes it refuse."""

    def __init__(self, town, name, setting, value, back):
        super().__init__(town, name)
        self.setting, self.value, self.back = setting, value, back

    def begin(self):
        self.town.redis_cli("config", "set", self.setting, self.value)

    def end(self):
        self.town.redis_cli("config", "set", self.setting, self.back)


class Replica(Fault):
    """Redis is made a replica of nobody: READONLY, and with stale data refused, MASTERDOWN."""

    def __init__(self, town, stale=True):
        super().__init__(town, "Redis is a replica" + ("" if stale else " without its master"))
        self.stale = stale

    def begin(self):
        self.town.redis_cli("config", "set", "replica-serve-stale-data", "yes" if self.stale else "no")
        self.town.redis_cli("replicaof", "127.0.0.1", "1")

    def end(self):
        self.town.redis_cli("replicaof", "no", "one")
        self.town.redis_cli("config", "set", "replica-serve-stale-data", "yes")


class NoRights(Fault):
    """The gateways' user of Redis loses a right, or the password."""

    def __init__(self, town, what="-evalsha"):
        super().__init__(town, f"Redis' user: {what}")
        self.what = what

    def begin(self):
        self.town.redis_cli("acl", "setuser", "otp-gateway", self.what)

    def end(self):
        self.town.redis_cli("acl", "load")


class Flushed(Fault):
    seconds = (0, 0)

    def __init__(self, town):
        super().__init__(town, "Redis' scripts are flushed")

    def begin(self):
        self.town.redis_cli("script", "flush")


class WorkerKilled(Fault):
    cuts, seconds = True, (0, 0.3)

    def __init__(self, town, number=0):
        super().__init__(town, "a worker is killed", (town.names()[number],))
        self.number = number

    def begin(self):
        for worker in self.town.workers(self.number)[:1]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(worker, signal.SIGKILL)

    def end(self):
        wait_until(lambda: len(self.town.workers(self.number)) >= 2, "another worker", 10)


class Reloaded(Fault):
    seconds = (0, 0.5)

    def __init__(self, town, number=0):
        super().__init__(town, "a gateway is reloaded", (town.names()[number],))
        self.number = number

    def begin(self):
        os.kill(self.town.pid(self.number), signal.SIGHUP)


class AuditFull(Fault):
    """The file of a gateway's audit is on a device without room."""

    def __init__(self, town, number=0):
        super().__init__(town, "no room for the audit file", (town.names()[number],))
        self.number = number
        self.path = os.path.join(town.root, self.gateways[0] + "-audit.log")

    def begin(self):
        os.rename(self.path, self.path + ".kept")
        os.symlink("/dev/full", self.path)
        self.reopen("/dev/full")

    def end(self):
        os.unlink(self.path)
        os.rename(self.path + ".kept", self.path)
        self.reopen(os.path.realpath(self.path))

    def reopen(self, path):
        os.kill(self.town.pid(self.number), signal.SIGUSR1)
        wait_until(lambda: all(path in files(worker) for worker in self.town.workers(self.number)), "it is opened", 10)


class ClockMoved(Fault):
    """Sessions are older or younger there than they are: some may end."""
    forgets = True

    def __init__(self, town, seconds, clocks):
        names = [name for name in clocks if name != "redis"] or town.names()
        super().__init__(town, f"the clock of {', '.join(clocks)} is {seconds:+d} s ahead", tuple(names))
        self.ahead, self.moved = seconds, clocks

    def begin(self):
        for name in self.moved:
            self.town.move_clock(name, self.ahead)

    def end(self):
        for name in self.moved:
            self.town.move_clock(name, 0)


def files(pid):
    found = set()
    with contextlib.suppress(FileNotFoundError):
        for link in os.listdir(f"/proc/{pid}/fd"):
            with contextlib.suppress(FileNotFoundError):
                found.add(os.readlink(f"/proc/{pid}/fd/{link}"))
    return found


def catalogue(town):
    """name: how to make one, for whoever draws lots."""
    def spoiled(how):
        return lambda chance: Spoiled(town, how, chance.choice([town.names(), *((name,) for name in town.names())]))
    return {
        "killed": lambda _chance: RedisKilled(town),
        "hangs": lambda _chance: RedisHangs(town),
        "frozen": lambda chance: Frozen(town, chance.choice(town.names())),
        "slow": lambda _chance: Slow(town),
        "memory": lambda _chance: Setting(town, "Redis has no memory left", "maxmemory", "1", "0"),
        "replicas": lambda _chance: Setting(town, "Redis wants a replica", "min-replicas-to-write", "1", "0"),
        "readonly": lambda _chance: Replica(town),
        "masterdown": lambda _chance: Replica(town, stale=False),
        "rights": lambda chance: NoRights(town, chance.choice(["-evalsha", "-mget", "-@all", "off", "resetkeys"])),
        "flushed": lambda _chance: Flushed(town),
        "worker": lambda chance: WorkerKilled(town, chance.randrange(2)),
        "reload": lambda chance: Reloaded(town, chance.randrange(2)),
        "audit": lambda chance: AuditFull(town, chance.randrange(2)),
        **{"answers " + how: spoiled(how) for how in SPOILED},
    }
