"""Networks that part, slow down and lose packets: the hosts are network namespaces, the switch is ours."""
import contextlib
import signal
import time
import unittest

import switch
from crowd import Crowd, worked
from history import History, Limits
from land import Land
from town import PERIOD
from world import wait_until

BUDGET = 4.0
BACK = 2.0
LEASE = 3           # seconds
LAG = 2             # seconds a master goes on without its replicas, where min-replicas-to-write is set
MISSING = switch.why_not()


@unittest.skipIf(MISSING, MISSING)
class Network(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.land = Land("network")
        cls.addClassCleanup(cls.land.stop)
        cls.history = History()
        cls.crowd = Crowd(cls.land, cls.history, 1, people=2, guests=4, browser=cls.land.browser, desk=False)
        cls.known = set()
        cls.crowd.start()
        cls.addClassCleanup(cls.crowd.stop)

    def tearDown(self):
        self.land.switch.mend()
        time.sleep(BACK + 0.3)
        wrong = self.crowd.verdict(Limits(budget=BUDGET, keeps_sessions=False, counts=False), durable=False)
        wrong += self.crowd.errors + self.land.alarms()
        new = [sentence for sentence in wrong if sentence not in self.known]
        self.known.update(new)
        self.maxDiff = None
        self.assertEqual(new, [])

    @contextlib.contextmanager
    def link(self, name, some, others, gateways, back=BACK, patience=0.0, late=0.0, **how):
        begun = time.monotonic()
        self.land.switch.set(some, others, **how)
        try:
            yield
        finally:
            self.land.switch.mend()
            self.history.fault(name, begun, time.monotonic(), tuple(gateways), back=back, patience=patience,
                               late=late)

    def guest(self):
        while True:
            for guest in self.crowd.guests:
                if guest.key.step() > guest.tried:
                    return guest, guest.fresh_step(self.crowd.over.is_set)
            time.sleep(0.05)

    def comes_in(self, number, seconds=6 * PERIOD):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            guest, step = self.guest()
            if worked(guest.sign_in(self.land.ports[number], step)[0]):
                return
            time.sleep(0.2)
        self.fail(f"nobody can sign in at gateway {number}")

    def status(self, number):
        return self.crowd.watcher.page(self.crowd.watcher.first, self.land.ports[number]).status

    def place_of_master(self):
        wait_until(lambda: self.land.named() and self.land.named() == self.land.master(), "one master", 30)
        return self.land.place(self.land.master())

    def settle(self):
        """Both replicas follow, the Sentinels agree."""
        wait_until(lambda: self.land.named() and self.land.info(self.land.named(), "connected_slaves") == "2"
                   and self.land.named() == self.land.master(), "both replicas follow", 60)

    def split(self, name, old):
        """The old master and gateway0 on one side, the rest on the other."""
        return self.link(name, [old, "gateway0"], self.land.others(old, "gateway0"), self.land.names(), back=30, cut=True)

    def test_a_gateway_is_parted_from_redis(self):
        with self.link("gateway0 is alone", ["gateway0"], self.land.others("gateway0"), ["gateway0"], cut=True):
            time.sleep(4)           # what its session cache may be believed
            for _ in range(5):
                self.assertEqual(self.status(0), 503)
                self.assertEqual(self.status(1), 200)
            self.comes_in(1)
        self.comes_in(0)

    def test_200_ms_between_gateways_and_redis(self):
        with self.link("200 ms", self.land.names(), ["redis0", "redis1", "redis2"], self.land.names(), patience=4, delay=0.1):
            time.sleep(1)
            self.comes_in(0)
            self.comes_in(1)
            self.assertEqual([self.status(number) for number in (0, 1)], [200, 200])

    def test_5_percent_of_the_packets_are_lost(self):
        every = list(switch_hosts(self.land))
        # What says that a session has ended may be lost like anything; a cache that hears nothing is believed for LEASE.
        with self.link("5 % lost", every, every, self.land.names(), patience=4, late=LEASE, loss=0.05):
            time.sleep(2)
            self.comes_in(0)
            self.comes_in(1)

    def test_sentinel_failover_under_load(self):
        self.settle()
        old = self.land.master()
        begun = time.monotonic()
        self.land.signal(old, signal.SIGKILL)
        found = self.land.await_other_master(old)
        self.history.fault("the master is killed", begun, found, self.land.names())
        self.comes_in(0)
        self.comes_in(1)
        self.land.start_server(old, self.land.master())
        self.settle()

    def test_split_brain_with_min_replicas_to_write(self):
        self.settle()
        for port in self.land.ports_of_redis:
            self.land.cli(port, "config", "set", "min-replicas-to-write", "1")
            self.land.cli(port, "config", "set", "min-replicas-max-lag", str(LAG))
        self.addCleanup(lambda: [self.land.cli(port, "config", "set", "min-replicas-to-write", "0")
                                 for port in self.land.ports_of_redis])
        old = self.place_of_master()
        with self.split("split brain, min-replicas-to-write", old):
            time.sleep(LAG + 2)
            self.nobody_at_gateway0()
            self.comes_in(1)
        wait_until(lambda: self.status(0) == 200, "gateway0 finds the new master", 30)
        self.settle()
        self.comes_in(0)

    def nobody_at_gateway0(self):
        for _ in range(2):
            guest, step = self.guest()
            self.assertFalse(worked(guest.sign_in(self.land.ports[0], step)[0]), "at the old master nobody signs in")
            guest.sign_in(self.land.ports[1], step)     # the same code where the new master may be: for the judge

    def other_replicas(self, number):
        """The gateways are started again, with another replicas=."""
        begun = time.monotonic()
        for process in self.land.processes:
            process.terminate()
            process.wait(20)
        self.land.processes.clear()
        self.land.replicas = number
        for name, port in zip(self.land.names(), self.land.ports):
            self.land.start_gateway(name, port)
        self.history.fault("the gateways are started again", begun, time.monotonic(), self.land.names(), cuts=True)

    def test_split_brain_with_replicas_1(self):
        """At the old master's side nothing is accepted from the first moment on."""
        self.other_replicas(1)
        self.settle()
        old = self.place_of_master()
        begun = time.monotonic()
        with self.split("split brain, replicas=1", old):
            for _ in range(3):
                guest, step = self.guest()
                self.assertFalse(worked(guest.sign_in(self.land.ports[0], step)[0]))
            self.comes_in(1)
            ended = time.monotonic()
        accepted = [one for one in self.history.operations if one.kind in ("sign-in", "step-up") and one.outcome == "ok"
                    and one.gateway == "gateway0" and begun < one.invoked and one.ended < ended]
        self.assertEqual(accepted, [])
        wait_until(lambda: self.status(0) == 200, "gateway0 finds the new master", 30)
        self.settle()
        self.comes_in(0)


def switch_hosts(land):
    return [host for host in land.switch.hosts if host != "desk"]


if __name__ == "__main__":
    unittest.main()
