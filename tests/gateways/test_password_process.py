"""The process beside each worker that checks passwords: what it may, and what happens when it dies, or the worker."""
import asyncio
import os
import signal
import subprocess
import unittest

from test_hashing import Distant, close, password_form, storm
from world import AGENT, PASSWORD, Client, World, expect, wait_until

SCHED_NICE, SCHED_IDLE = 0, 5
MANY = 40


def children(pid):
    try:
        with open(f"/proc/{pid}/task/{pid}/children") as found:
            return [int(child) for child in found.read().split()]
    except FileNotFoundError:
        return []


def is_gone(pid):
    """A zombie is: its parent in a container may be somebody who buries nobody."""
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0] in "ZX"
    except FileNotFoundError:
        return True


def threads(pid):
    """[(nice, policy)] of the threads, the first one being the process' own."""
    found = []
    for thread in sorted(map(int, os.listdir(f"/proc/{pid}/task"))):
        with open(f"/proc/{pid}/task/{thread}/stat") as stat:
            fields = stat.read().rpartition(")")[2].split()
            found.append((int(fields[16]), int(fields[38])))
    return found


class PasswordProcess(unittest.TestCase):
    def setUp(self):
        self.world = World("password-process", 22, people=MANY + 20, limits="password_free=1000")
        self.addCleanup(self.world.stop)
        secret = subprocess.run(["perl", "-e", 'print crypt $ARGV[0], q{$y$j9T$abcdefghijklmnop}', PASSWORD],
                                check=True, capture_output=True, text=True).stdout
        path = os.path.join(self.world.root, "people")
        with open(path + ".new", "w") as file:
            for uid in self.world.people:
                file.write(f"{uid}:{secret}:Person {uid}:{uid}@example.org:staff\n")
            file.write(f"{AGENT}:{secret}:Agent:agent@example.org:helpdesk,staff\n")
        os.rename(path + ".new", path)

    def workers(self, gateway=0):
        return children(self.world.processes[gateway].pid)

    def process(self, worker):
        found = children(worker)
        self.assertEqual(len(found), 1, "one process beside each worker")
        return found[0]

    def sign_in(self, port=None):
        expect(Client(port or self.world.ports[0]).login(self.world.people.pop()), "ok")

    def many(self, meanwhile):
        """Many sign in; `meanwhile` is a coroutine that begins when the first of them have their places."""
        async def run():
            async def begin(_over):
                await asyncio.sleep(0.15)
                await asyncio.get_running_loop().run_in_executor(None, meanwhile)

            people = [self.world.people.pop() for _ in range(MANY)]
            swimmers = [Distant(self.world.ports[0], number) for number in range(MANY)]
            try:
                return (await asyncio.wait_for(storm(swimmers, [password_form(uid) for uid in people], begin), 60))[0]
            finally:
                close(swimmers)

        return [status for status, _answer in asyncio.run(run())]

    def test_worker_has_one_thread_and_hashes_go_after_everything_else(self):
        self.sign_in()
        for worker in self.workers():
            base = threads(worker)
            self.assertEqual(len(base), 1, "a worker with threads is slower")
            first, *others = threads(self.process(worker))
            self.assertEqual(first, base[0], "who is only looked up does not wait")
            self.assertEqual(sorted(others), sorted(2 * [(10, SCHED_NICE)] + 2 * [(10, SCHED_IDLE)]))

    def test_passwords_are_checked_where_no_processor_is_ever_idle(self):
        hogs = [subprocess.Popen(["timeout", "60", "sh", "-c", "while :; do :; done"])
                for _ in range(2 * os.cpu_count())]
        try:
            for _ in range(6):
                self.sign_in()
        finally:
            for hog in hogs:
                hog.terminate()
                hog.wait()
        times = {SCHED_NICE: 0, SCHED_IDLE: 0}
        for worker in self.workers():
            process = self.process(worker)
            ids = sorted(os.listdir(f"/proc/{process}/task"), key=int)
            for thread, (nice, policy) in zip(ids, threads(process)):
                with open(f"/proc/{process}/task/{thread}/schedstat") as ran:
                    times[policy] += int(ran.read().split()[0]) if nice == 10 else 0
        self.assertGreater(times[SCHED_NICE], 10_000_000, "nanoseconds: a thread that is merely nice helps itself")

    def test_process_has_no_file_of_the_worker(self):
        worker = self.workers()[0]
        process = self.process(worker)
        kept = {os.readlink(f"/proc/{process}/fd/{fd}") for fd in os.listdir(f"/proc/{process}/fd") if int(fd) > 2}
        self.assertEqual(len(kept), 3, kept)
        self.assertEqual({link.split(":")[0] for link in kept}, {"pipe"})
        with open(f"/proc/{process}/cmdline") as title:
            self.assertIn("otp password process", title.read())

    def test_when_it_is_killed_who_is_signing_in_is_told_to_come_again_and_it_is_made_anew(self):
        before = {worker: self.process(worker) for worker in self.workers()}
        statuses = self.many(lambda: [os.kill(process, signal.SIGKILL) for process in before.values()])
        self.assertEqual(set(statuses) - {200, 429, 503}, set())
        self.assertIn(503, statuses)
        wait_until(lambda: all(len(children(worker)) == 1 and children(worker)[0] not in before.values()
                               for worker in before), "new ones")
        self.assertEqual(set(self.workers()), set(before), "the workers are the same")
        for _ in range(4):
            self.sign_in()
        self.assertIn("the process that checks passwords", self.world.logs())

    def test_when_it_is_killed_again_and_again_the_worker_serves(self):
        worker = self.workers()[0]
        for _ in range(3):
            process = self.process(worker)
            os.kill(process, signal.SIGKILL)
            wait_until(lambda: children(worker) not in ([], [process]), "a new one")
            self.assertEqual(Client(self.world.ports[0]).get("/otp/health").status, 200)
        self.sign_in()

    def test_it_ends_with_its_worker(self):
        worker = self.workers()[0]
        process = self.process(worker)
        os.kill(worker, signal.SIGKILL)
        wait_until(lambda: is_gone(process), "the process of a killed worker is gone")
        wait_until(lambda: len(self.workers()) == 2 and worker not in self.workers(), "the master makes another worker")
        self.sign_in()

    def test_reload_and_quit_leave_none_behind_and_nobody_without_answer(self):
        before = [self.process(worker) for worker in self.workers()]
        old = set(self.workers())
        statuses = self.many(lambda: os.kill(self.world.processes[0].pid, signal.SIGHUP))
        self.assertEqual(set(statuses) - {200, 429, 503}, set())
        self.assertIn(200, statuses)
        wait_until(lambda: not old & set(self.workers()) and all(map(is_gone, before)), "those of before are gone", 20)
        self.sign_in()
        now = [self.process(worker) for worker in self.workers()]
        os.kill(self.world.processes[0].pid, signal.SIGQUIT)
        self.world.processes[0].wait(20)
        wait_until(lambda: all(map(is_gone, now)), "those of now, too")
        self.assertNotRegex(self.world.logs(), r"\[(alert|emerg|crit)\]")

    def test_signals_to_all_of_nginx_do_not_end_it(self):
        worker = self.workers()[0]
        process = self.process(worker)
        for name in ("SIGINT", "SIGQUIT", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGWINCH", "SIGPIPE"):
            os.kill(process, getattr(signal, name))
        self.sign_in()
        self.assertEqual(self.process(worker), process)


if __name__ == "__main__":
    unittest.main()
