"""When something breaks, nothing is let through; when it is mended, everything goes on (G2)."""
import os
import signal
import subprocess
import threading
import time
import unittest

from world import PIN, Client, World, expect, wait_until


class Faults(unittest.TestCase):
    def setUp(self):
        self.world = World("faults", 4)
        self.people = iter(self.world.people)

    def tearDown(self):
        self.world.stop()

    def test_redis_killed_and_started_again(self):
        key, client = self.world.enrol(next(self.people))
        clients = [client.at(port) for port in self.world.ports]
        self.world.kill_redis()
        for one in clients:
            answer = one.get("/app/page.txt")
            self.assertEqual(answer.status, 503)
            self.assertTrue(answer.headers["Retry-After"].isdigit())
            self.assertEqual(answer.json, {"error": "unavailable"})
            page = one.get("/app/page.txt", headers={"Accept": "text/html"})
            self.assertEqual(page.status, 503)
            self.assertIn(b"<html", page.body)
            self.assertNotIn(b"the page of app", page.body)
            self.assertEqual(one.get("/otp/session").status, 503)
            self.assertEqual(one.get("/otp/health").status, 503)
            self.assertEqual(one.get("/open/page.txt").status, 200, "public pages are untouched")

        self.world.start_redis()
        for one in clients:
            wait_until(lambda: one.get("/app/page.txt").status == 200, "the same session works again")
        answer = client.at(self.world.ports[1]).login_passcode("p000", PIN + key.code(key.used))
        self.assertEqual(answer.json.get("verdict"), "already_used", "a spent code stays spent")
        self.assertNotRegex(self.world.logs(), r"\[(alert|emerg|crit)\]")

    def test_redis_that_hangs(self):
        _key, client = self.world.enrol(next(self.people))
        self.world.redis.send_signal(signal.SIGSTOP)
        self.assertEqual(client.get("/app/page.txt").status, 503, "answered, though Redis never is")
        self.assertEqual(client.get("/open/page.txt").status, 200)
        self.world.redis.send_signal(signal.SIGCONT)
        wait_until(lambda: client.get("/app/page.txt").status == 200, "it goes on")

    def test_a_worker_killed_while_people_sign_in(self):
        key, client = self.world.enrol(next(self.people))
        master = self.world.processes[0].pid
        workers = subprocess.run(["ps", "-o", "pid=", "--ppid", str(master)], capture_output=True, text=True).stdout.split()
        for worker in workers:
            os.kill(int(worker), signal.SIGKILL)
        wait_until(lambda: self.try_get(client, "/app/page.txt") == 200, "a new worker serves the same session")
        self.assertEqual(client.login_passcode("p000", PIN + key.code(key.used)).json.get("verdict"), "already_used")

    def try_get(self, client, path):
        try:
            return client.get(path).status
        except OSError:
            return 0

    def test_reload_under_load_loses_no_request(self):
        _key, client = self.world.enrol(next(self.people))
        bad, done, ends = [], [0], threading.Event()

        def load():
            while not ends.is_set():
                try:
                    status = client.at(self.world.ports[0]).get("/app/page.txt").status
                except OSError as error:
                    status = str(error)
                done[0] += 1
                if status != 200:
                    bad.append(status)

        threads = [threading.Thread(target=load) for _ in range(4)]
        for thread in threads:
            thread.start()
        for reload in range(6):
            time.sleep(1)
            wait_until(lambda: done[0] > 20 * (reload + 1), "there is load", 60)
            if reload < 5:
                self.world.processes[0].send_signal(signal.SIGHUP)
        ends.set()
        for thread in threads:
            thread.join()
        self.assertEqual(bad, [], f"of {done[0]} requests")
        self.assertGreater(done[0], 100)
        self.assertNotRegex(self.world.logs(), r"\[(alert|emerg|crit)\]")

    def test_redis_without_memory_accepts_nobody(self):
        key, client = self.world.enrol(next(self.people))
        self.world.redis_cli("config", "set", "maxmemory", "1")
        answer = Client(self.world.ports[0]).login_passcode("p000", PIN + key.code(key.used + 1))
        self.assertNotEqual(answer.json.get("verdict"), "ok")
        self.assertIn(answer.status, (503, 403, 401))
        self.assertNotEqual(Client(self.world.ports[0]).login("p001").json.get("verdict"), "ok")
        self.world.redis_cli("config", "set", "maxmemory", "0")
        self.assertEqual(client.get("/app/page.txt").status, 200)
        expect(Client(self.world.ports[0]).login_passcode("p000", PIN + key.code(key.used + 1)), "ok")

    def test_a_code_stays_spent_after_flushed_scripts_and_a_restart_of_the_gateway(self):
        key, client = self.world.enrol(next(self.people))
        self.world.redis_cli("script", "flush")
        expect(Client(self.world.ports[0]).login_passcode("p000", PIN + key.code(key.used + 1)), "ok")
        self.world.processes[0].send_signal(signal.SIGTERM)
        self.world.processes[0].wait(10)
        self.world.start_gateway("gateway0", self.world.ports[0], "1s", "")
        answer = Client(self.world.ports[0]).login_passcode("p000", PIN + key.code(key.used + 1))
        self.assertEqual(answer.json.get("verdict"), "already_used")


if __name__ == "__main__":
    unittest.main()
