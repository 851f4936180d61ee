"""A world with a Redis Cluster of its own: three masters, each with a replica, all on loopback."""
import os
import subprocess
import sys

from world import World, wait_until

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "otpctl"))
import masters_lab  # noqa: E402
from masters_lab import TcpClient  # noqa: E402,F401

NODE_TIMEOUT = 1500     # milliseconds
OPTIONS = ["--cluster-enabled", "yes", "--cluster-node-timeout", str(NODE_TIMEOUT), "--save", "", "--appendonly", "yes",
           "--cluster-require-full-coverage", "no", "--repl-diskless-sync-delay", "0", "--repl-ping-replica-period", "1"]
TAGS = range(16)


class Lab(masters_lab.Cluster):
    """Six servers; which of them are masters, they say."""

    def __init__(self, folder, acl):
        masters_lab.NEXT_PORT[0] = int(os.environ.get("GATEWAYS_CLUSTER_PORT", "7340"))
        self.folder = folder
        self.everybody = [
            masters_lab.Node(folder, "--aclfile", acl, "--cluster-port", str(masters_lab.free_port()), *OPTIONS)
            for _ in range(6)]
        subprocess.run(["redis-cli", "--cluster", "create", *(node.address for node in self.everybody),
                        "--cluster-replicas", "1", "--cluster-yes"], check=True, **masters_lab.QUIET)
        self.wait()

    def alive(self):
        return [node for node in self.everybody if node.process.poll() is None]

    @property
    def nodes(self):
        return [node for node in self.alive() if self.is_master(node)]

    @staticmethod
    def is_master(node):
        return node("ROLE")[0] == b"master"

    def is_whole(self):
        return all(b"cluster_state:ok" in node("CLUSTER", "INFO") for node in self.alive()) and all(
            len(line[2:]) == 2 for line in self.alive()[0]("CLUSTER", "SLOTS")) and len(self.nodes) == 3

    def wait(self):
        masters_lab.wait_for(self.is_whole, what="a whole cluster")

    def tag(self, number):
        return self.slot("otp:master:{%x}" % number)

    def slot(self, name):
        return self.alive()[0]("CLUSTER", "KEYSLOT", name)

    def owner(self, slot):
        for first, last, master, *_ in self.alive()[0]("CLUSTER", "SLOTS"):
            if first <= slot <= last:
                return next(node for node in self.everybody if node.port == master[1])
        raise AssertionError("slot %d belongs to nobody" % slot)

    def replica_of(self, master):
        for node in self.alive():
            role = node("ROLE")
            if role[0] == b"slave" and role[2] == master.port:
                return node
        return None

    def figure(self, section, begins, field):
        """The sum of a figure in INFO of all servers."""
        total = 0
        for node in self.alive():
            for line in node("INFO", section).decode().splitlines():
                if line.startswith(begins):
                    total += int(dict(pair.split("=") for pair in line.split(":")[1].split(","))[field])
        return total

    def stop(self):
        for node in self.alive():
            node.thaw()
            node.kill()


class ClusterWorld(World):
    """`replicas`: what the gateways' otp_redis asks for."""

    def __init__(self, name, first, replicas=0, **more):
        self.lab, self.replicas = None, replicas
        super().__init__(name, first, **more)

    def write_users(self):
        super().write_users()
        path = os.path.join(self.root, "otp.acl")
        with open(path) as file:
            lines = [line for line in file if not line.startswith("user default ")]
        with open(path, "w") as file:
            file.writelines(["user default on nopass ~* &* +@all\n", *lines])

    def start_redis(self):
        self.write_users()
        self.lab = Lab(os.path.join(self.root, "redis"), os.path.join(self.root, "otp.acl"))

    def seeds(self):
        return " ".join(node.address for node in self.lab.everybody)

    def servers(self, path=None):
        return f"{path or self.seeds()} cluster replicas={self.replicas}"

    def address(self, user):
        return f"{self.seeds()} cluster user={user} password_file={self.root}/{user}.password"

    def stop(self):
        super().stop()
        if self.lab is not None:
            self.lab.stop()

    def start_again(self):
        for node in self.lab.everybody:
            if node.process.poll() is not None:
                node.start()

    def names(self, pattern):
        """Of all masters."""
        return [name for node in self.lab.nodes for name in node("KEYS", pattern)]
