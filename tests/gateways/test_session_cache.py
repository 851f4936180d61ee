"""What a gateway keeps of sessions is true, or it is not used (G3), whatever happens to its connections."""
import hashlib
import os
import re
import signal
import subprocess
import unittest

from redis_proxy import Proxy
from world import Client, World, expect, wait_until


class SessionCache(unittest.TestCase):
    """The second gateway, of one worker, reaches Redis through a proxy."""

    def setUp(self):
        self.world = World("session-cache", 12)
        self.second = None
        self.proxy = Proxy(os.path.join(self.world.root, "proxy.sock"), self.world.socket)
        self.port = self.world.ports[1] + 1
        self.world.start_gateway("gateway2", self.port, timeout="10s", redis=self.proxy.path, workers=1)
        self.people = iter(self.world.people)

    def tearDown(self):
        self.proxy.stop()
        self.world.stop()
        if self.second is not None:
            self.second.terminate()
            self.second.wait()

    def signed_in(self):
        client = Client(self.world.ports[0])
        expect(client.login(next(self.people)), "ok")
        return client.at(self.port)

    def cached(self, client, wanted="HIT"):
        answer = client.get("/desk/page.txt")
        return answer.status == 200 and answer.headers.get("X-Cache") == wanted

    def name(self, client):
        value = next(value for name, value in client.cookies.items() if name == "otp")
        return "otp:sess:{%s}" % hashlib.sha256(value.encode()).hexdigest()

    def figure(self, name):
        return int(re.search(r"^%s (\d+)" % re.escape(name), Client(self.port).get("/figures").body.decode(), re.M)[1])

    def test_invalidations_that_do_not_arrive(self):
        client = self.signed_in()
        wait_until(lambda: self.cached(client), "it is kept")
        self.proxy.frozen_listeners = True
        self.assertEqual(self.world.redis_cli("del", self.name(client)).strip(), "1")
        wait_until(lambda: client.get("/desk/page.txt").status == 401, "the lease ends, Redis is asked")
        self.assertEqual(client.get("/desk/page.txt").status, 401)

        other = self.signed_in()
        self.assertEqual(other.get("/desk/page.txt").headers["X-Cache"], "BYPASS", "served, and not kept")
        self.proxy.frozen_listeners = False
        wait_until(lambda: self.cached(other), "kept again", 30)
        self.assertEqual(client.get("/desk/page.txt").status, 401)

    def test_a_reply_that_an_invalidation_overtook(self):
        client, other = self.signed_in(), self.signed_in()
        wait_until(lambda: self.cached(other), "the cache is in use")
        misses = self.figure("otp_session_cache_requests_total{result=\"miss\"}")
        told = self.figure("otp_session_cache_invalidations_total")
        self.proxy.frozen_replies = True
        reader = subprocess.Popen(["curl", "-s", "-o", os.devnull, "-w", "%{http_code}", "-b", client.cookie_header(),
                                   f"http://127.0.0.1:{self.port}/desk/page.txt"], stdout=subprocess.PIPE, text=True)
        wait_until(lambda: self.figure("otp_session_cache_requests_total{result=\"miss\"}") > misses, "it waits for Redis")
        self.world.redis_cli("set", self.name(client), "another one")
        wait_until(lambda: self.figure("otp_session_cache_invalidations_total") > told, "told")
        self.proxy.frozen_replies = False
        self.assertEqual(reader.communicate()[0], "200", "asked before the session changed")
        for _ in range(20):
            self.assertEqual(client.get("/desk/page.txt").status, 401, "what came late was not kept")

    def test_sessions_read_from_one_server_and_invalidations_from_another(self):
        path = os.path.join(self.world.root, "second.sock")
        self.second = subprocess.Popen(["redis-server", "--port", "0", "--unixsocket", path, "--save", "", "--dir",
                                        self.world.root, "--aclfile", os.path.join(self.world.root, "otp.acl")],
                                       stdout=subprocess.DEVNULL)
        wait_until(lambda: os.path.exists(path), "the second Redis starts")
        client = self.signed_in()
        wait_until(lambda: self.cached(client), "it is kept")
        self.proxy.target_of_listeners = path
        self.world.redis_cli("client", "kill", "type", "pubsub")
        wait_until(lambda: self.cached(client, "BYPASS"), "nothing is served that nobody watches over")
        wait_until(lambda: "the two connections are at different servers" in self.world.log("gateway2"), "the log says why", 30)
        self.assertTrue(self.cached(client, "BYPASS"))
        self.proxy.target_of_listeners = None
        self.world.redis_cli("client", "kill", "type", "pubsub")
        wait_until(lambda: self.cached(client), "kept again", 30)

    def test_a_beat_that_another_server_of_a_cluster_delivers(self):
        client = self.signed_in()
        wait_until(lambda: self.cached(client), "it is kept")
        self.proxy.receivers_elsewhere = True
        wait_until(lambda: self.cached(client, "BYPASS"), "heard, but not from the server that is read")
        wait_until(lambda: "the two connections are at different servers" in self.world.log("gateway2"), "told", 30)
        self.proxy.receivers_elsewhere = False
        wait_until(lambda: self.cached(client), "kept again", 30)

    def test_a_worker_that_was_stopped_for_longer_than_the_lease(self):
        client = self.signed_in()
        wait_until(lambda: self.cached(client), "it is kept")
        master = self.world.processes[2].pid
        worker = int(subprocess.run(["ps", "-o", "pid=", "--ppid", str(master)], capture_output=True, text=True).stdout)
        os.kill(worker, signal.SIGSTOP)
        self.world.redis_cli("del", self.name(client))
        try:
            reader = subprocess.Popen(["curl", "-s", "-o", os.devnull, "-w", "%{http_code}", "-b",
                                       client.cookie_header(), f"http://127.0.0.1:{self.port}/desk/page.txt"],
                                      stdout=subprocess.PIPE, text=True)
            with self.assertRaises(subprocess.TimeoutExpired):
                reader.wait(4)
        finally:
            os.kill(worker, signal.SIGCONT)
        self.assertEqual(reader.communicate()[0], "401", "what it kept is not believed when it wakes")

    def test_workers_killed_and_a_reload_leave_nothing_behind(self):
        client = self.signed_in()
        wait_until(lambda: self.cached(client), "it is kept")
        master = self.world.processes[2].pid
        for how in (lambda: os.kill(int(subprocess.run(["ps", "-o", "pid=", "--ppid", str(master)], capture_output=True,
                                                       text=True).stdout.split()[0]), signal.SIGKILL),
                    lambda: os.kill(master, signal.SIGHUP)):
            how()
            wait_until(lambda: self.try_cached(client), "the next worker keeps it")
        self.world.redis_cli("del", self.name(client))
        wait_until(lambda: client.get("/desk/page.txt").status == 401, "and forgets it")
        self.assertNotRegex(self.world.log("gateway2"), r"\[(alert|emerg|crit)\](?!.*signal 9)")

    def try_cached(self, client):
        try:
            return self.cached(client)
        except OSError:
            return False


if __name__ == "__main__":
    unittest.main()
