"""A network of one's own: hosts are network namespaces, joined by a switch that is a thread of this process.

Each host has a TAP device whose other end is here, so links can be cut, made slow and made lossy one by one without a
traffic shaper of the kernel.  Needs root and /dev/net/tun.  What is made goes away with stop(), or with the process but
for the names of the namespaces, which begin with PREFIX.
"""
import contextlib
import ctypes
import fcntl
import heapq
import os
import random
import select
import struct
import subprocess
import threading
import time

PREFIX = "otpf-"
NET = "10.77.0."
TUNSETIFF, IFF_TAP, IFF_NO_PI, CLONE_NEWNET = 0x400454CA, 2, 0x1000, 0x40000000


def why_not():
    """What is missing, or nothing."""
    if os.getuid() != 0:
        return "it needs root: network namespaces"
    if not os.path.exists("/dev/net/tun"):
        return "/dev/net/tun is missing"
    try:
        ip("netns", "add", PREFIX + "try")
        try:
            # Where /sys cannot be mounted anew (a chroot) they are made, and cannot be entered.
            ip("-n", PREFIX + "try", "link", "set", "lo", "up")
        finally:
            ip("netns", "del", PREFIX + "try")
    except subprocess.CalledProcessError as error:
        return f"no network namespaces here: {error.stderr.decode(errors='replace').strip()}"
    except OSError as error:
        return f"no network namespaces here: {error}"
    return None


class Switch:
    def __init__(self, hosts, seed=1):
        """`hosts`: names; the first one is 10.77.0.1, and so on."""
        self.hosts, self.address = list(hosts), {name: NET + str(number + 1) for number, name in enumerate(hosts)}
        self.links, self.random, self.over = {}, random.Random(seed), False
        self.taps, self.where, self.waiting, self.lock, self.number = {}, {}, [], threading.Lock(), 0
        try:
            for name in self.hosts:
                self.taps[self.add(name)] = name
        except BaseException:
            self.stop()
            raise
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def add(self, name):
        space, device = PREFIX + name, (PREFIX + name)[:15]
        ip("netns", "add", space)
        tap = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        fcntl.ioctl(tap, TUNSETIFF, struct.pack("16sH22x", device.encode(), IFF_TAP | IFF_NO_PI))
        ip("link", "set", device, "netns", space)
        ip("-n", space, "link", "set", "lo", "up")
        ip("-n", space, "addr", "add", self.address[name] + "/24", "dev", device)
        ip("-n", space, "link", "set", device, "up")
        return tap

    def stop(self):
        self.over = True
        if hasattr(self, "thread"):
            self.thread.join(5)
        for tap in self.taps:
            os.close(tap)
        self.taps = {}
        for name in self.hosts:
            subprocess.run(["ip", "netns", "del", PREFIX + name], capture_output=True)

    def command(self, host):
        """What a command begins with that is to run there."""
        return ["ip", "netns", "exec", PREFIX + host]

    @contextlib.contextmanager
    def inside(self, host):
        """This thread is there: sockets it opens stay there."""
        with open("/proc/thread-self/ns/net") as here, open("/run/netns/" + PREFIX + host) as there:
            enter(there)
            try:
                yield
            finally:
                enter(here)

    # --- links ----------------------------------------------------------------------------------------

    def set(self, some, others, cut=False, delay=0.0, loss=0.0):
        """How frames go between each of `some` and each of `others`, both ways."""
        with self.lock:
            for one in some:
                for other in others:
                    self.links[one, other] = self.links[other, one] = (cut, delay, loss)

    def mend(self):
        with self.lock:
            self.links.clear()

    def run(self):
        while not self.over:
            late = self.waiting[0][0] - time.monotonic() if self.waiting else 0.05
            ready = select.select(list(self.taps), [], [], min(max(late, 0), 0.05))[0]
            for tap in ready:
                self.drain(tap)
            while self.waiting and self.waiting[0][0] <= time.monotonic():
                _due, _number, tap, frame = heapq.heappop(self.waiting)
                self.put(tap, frame)

    def drain(self, tap):
        for _ in range(64):
            try:
                frame = os.read(tap, 65536)
            except BlockingIOError:
                return
            self.where[frame[6:12]] = tap
            to = self.where.get(frame[:6])
            for other in [to] if to is not None else [one for one in self.taps if one != tap]:
                self.carry(self.taps[tap], other, frame)

    def carry(self, sender, tap, frame):
        with self.lock:
            cut, delay, loss = self.links.get((sender, self.taps[tap]), (False, 0, 0))
        if cut or loss and self.random.random() < loss:
            return
        if not delay:
            self.put(tap, frame)
            return
        self.number += 1
        heapq.heappush(self.waiting, (time.monotonic() + delay, self.number, tap, frame))

    def put(self, tap, frame):
        with contextlib.suppress(OSError):      # a device that is not up yet
            os.write(tap, frame)


def ip(*arguments):
    subprocess.run(["ip", *arguments], check=True, capture_output=True)


def enter(space):
    if ctypes.CDLL(None, use_errno=True).setns(space.fileno(), CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")
