"""A world with a master, two replicas and three Sentinels of its own, all on loopback."""
import hashlib
import os
import signal
import subprocess
import time

from world import World, wait_until

REDIS_PORT = int(os.environ.get("GATEWAYS_REDIS_PORT", "7320"))     # and five more
SECRET = "le mot de passe de admin"
WATCHER = "le-mot-de-passe-des-sentinelles"     # without a blank: Sentinel writes its file anew, and quotes nothing
SENTINEL = """
port {port}
bind {host}
dir {folder}
sentinel monitor salle {first} {master} 2
sentinel down-after-milliseconds salle 1000
sentinel failover-timeout salle 6000
sentinel auth-user salle sentinelle
sentinel auth-pass salle {secret}
user otp-gateway on ">le mot de passe de la garde" resetchannels -@all +ping {rights}
"""


class Sentinels(World):
    """`replicas`: what the gateways' otp_redis asks for."""

    def __init__(self, name, first, replicas=0, **more):
        self.ports_of_redis = [REDIS_PORT + number for number in range(3)]
        self.ports_of_sentinels = [REDIS_PORT + 3 + number for number in range(3)]
        self.servers_of = {}
        self.replicas = replicas
        super().__init__(name, first, **more)

    # --- what World starts ----------------------------------------------------------------------------

    def write_users(self):
        super().write_users()
        with open(os.path.join(self.root, "otp.acl"), "a") as file:
            file.write(f"user sentinelle on #{hashlib.sha256(WATCHER.encode()).hexdigest()} ~* &* +@all\n")

    def start_redis(self):
        self.write_users()
        with open(os.open(os.path.join(self.root, "sentinel.password"), os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
            file.write("le mot de passe de la garde")
        for port in self.ports_of_redis:
            self.start_server(port, self.ports_of_redis[0])
        wait_until(lambda: self.info(self.ports_of_redis[0], "connected_slaves") == "2", "both replicas follow", 30)
        for port in self.ports_of_sentinels:
            self.start_sentinel(port)
        wait_until(lambda: all(self.sentinels_known(port) == ("2", "2") for port in self.ports_of_sentinels),
                   "the Sentinels know each other and the replicas", 30)

    def start_server(self, port, master=None):
        folder = os.path.join(self.root, "redis", str(port))
        os.makedirs(folder, exist_ok=True)
        follows = ["--replicaof", f"{self.host(master)} {master}"] if master not in (None, port) else []
        self.servers_of[port] = self.run(
            [*self.at(port), "redis-server", "--port", str(port), "--bind", self.host(port), "--dir", folder, "--save", "",
             "--aclfile", os.path.join(self.root, "otp.acl"), "--masteruser", "admin", "--masterauth", SECRET,
             "--repl-diskless-sync-delay", "0", "--repl-ping-replica-period", "1", *follows], f"redis-{port}.log")
        wait_until(lambda: self.cli(port, "ping") == "PONG", "Redis starts")

    def start_sentinel(self, port):
        folder = os.path.join(self.root, "sentinel-%d" % port)
        os.makedirs(folder, exist_ok=True)
        path = os.path.join(folder, "sentinel.conf")
        if not os.path.exists(path):
            with open(path, "w") as file:
                file.write(SENTINEL.format(port=port, host=self.host(port), folder=folder, secret=WATCHER,
                                           first=self.host(self.ports_of_redis[0]), master=self.ports_of_redis[0],
                                           rights="+sentinel|master +sentinel|get-master-addr-by-name"))
        self.servers_of[port] = self.run([*self.at(port), "redis-server", path, "--sentinel"], f"sentinel-{port}.log")
        wait_until(lambda: self.cli(port, "ping") == "PONG", "a Sentinel starts")

    def host(self, port):
        """Where the server of this port is."""
        return "127.0.0.1"

    def at(self, port):
        """What a command begins with that is to run there."""
        return []

    def run(self, command, log):
        with open(os.path.join(self.root, log), "a") as file:
            return subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT)

    def servers(self, path=None):
        addresses = " ".join(f"{self.host(port)}:{port}" for port in self.ports_of_sentinels)
        return (f"{addresses} sentinel=salle sentinel_user=otp-gateway "
                f"sentinel_password_file={self.root}/sentinel.password replicas={self.replicas}")

    def address(self, user):
        master = self.master()
        return f"{self.host(master)}:{master} user={user} password_file={self.root}/{user}.password"

    def stop(self):
        for server in self.servers_of.values():
            if server.poll() is None:
                server.send_signal(signal.SIGCONT)
        super().stop()
        for server in self.servers_of.values():
            if server.poll() is None:
                server.kill()
            server.wait()

    # --- what tests do --------------------------------------------------------------------------------

    def cli(self, port, *arguments):
        """What it answers, or nothing when it does not."""
        login = [] if port in self.ports_of_sentinels else ["--user", "admin", "--pass", SECRET]
        try:
            return subprocess.run(
                [*self.at(port), "redis-cli", "-h", self.host(port), "-p", str(port), "--no-auth-warning", *login, *arguments],
                timeout=2, capture_output=True, text=True).stdout.strip()
        except subprocess.TimeoutExpired:
            return ""

    def redis_cli(self, *arguments, binary=False):
        return self.cli(self.master(), *arguments)

    def info(self, port, name):
        for line in self.cli(port, "info", "replication").splitlines():
            if line.startswith(name + ":"):
                return line.split(":", 1)[1].strip()
        return None

    def sentinels_known(self, port):
        words = self.cli(port, "sentinel", "master", "salle").splitlines()
        pairs = dict(zip(words[::2], words[1::2]))
        return pairs.get("num-other-sentinels"), pairs.get("num-slaves")

    def master(self):
        """The port of the server that says it is the master; of several, the one that Sentinels name."""
        masters = [port for port in self.ports_of_redis if self.servers_of[port].poll() is None
                   and self.info(port, "role") == "master"]
        if len(masters) != 1:
            masters = [port for port in masters if port == self.named()]
        return masters[0] if masters else None

    def named(self):
        for port in self.ports_of_sentinels:
            answer = self.cli(port, "sentinel", "get-master-addr-by-name", "salle").split()
            if len(answer) == 2:
                return int(answer[1])
        return None

    def signal(self, port, number):
        self.servers_of[port].send_signal(number)
        if number == signal.SIGKILL:
            self.servers_of[port].wait()

    def await_other_master(self, old):
        """The time at which another one is there."""
        wait_until(lambda: any(self.info(port, "role") == "master" for port in self.ports_of_redis
                               if port != old and self.servers_of[port].poll() is None), "another master", 60)
        return time.monotonic()
