"""Several servers of Redis on loopback: a cluster, and a master with replicas that Sentinels watch.  Ports from
OTPCTL_TEST_MASTERS_PORT (7850) on, where nobody listens."""
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

from redis_lab import Client

NEXT_PORT = [int(os.environ.get('OTPCTL_TEST_MASTERS_PORT', '7850'))]
QUIET = {'stdin': subprocess.DEVNULL, 'stdout': subprocess.DEVNULL, 'stderr': subprocess.DEVNULL}


def free_port():
    while True:
        port = NEXT_PORT[0]
        NEXT_PORT[0] += 1
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(('127.0.0.1', port))
                return port
            except OSError:
                pass


def wait_for(condition, seconds=40, what='it'):
    end = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        assert time.monotonic() < end, '%s did not happen in %d s' % (what, seconds)
        time.sleep(0.05)


class TcpClient(Client):
    def __init__(self, port):
        self.socket = socket.create_connection(('127.0.0.1', port), timeout=10)
        self.file = self.socket.makefile('rb')


class Node:
    """One process on a port of its own; the same folder and port when it is started again."""

    def __init__(self, folder, *options, config=None, sentinel=False):
        self.port = free_port()
        self.folder = os.path.join(folder, str(self.port))
        os.mkdir(self.folder)
        self.command = ['redis-server']
        if config is not None:
            path = os.path.join(self.folder, 'redis.conf')
            with open(path, 'w', encoding='ascii') as file:
                file.write(config)
            self.command.append(path)
        self.command += ['--port', str(self.port), '--bind', '127.0.0.1', '--dir', self.folder, '--logfile',
                         os.path.join(self.folder, 'log'), *options]
        if sentinel:
            self.command.append('--sentinel')
        self.address = '127.0.0.1:%d' % self.port
        self.start()

    def start(self):
        self.process = subprocess.Popen(self.command, **QUIET)
        self.client = wait_for(self.connect, 20, 'the start of ' + self.address)

    def connect(self):
        try:
            return TcpClient(self.port)
        except OSError:
            return None

    def __call__(self, *words):
        """A command over a connection of its own, so that it works after a restart and a demotion too."""
        client = TcpClient(self.port)
        try:
            return client(*words)
        finally:
            client.file.close()
            client.socket.close()

    def freeze(self):
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self):
        self.process.send_signal(signal.SIGCONT)

    def kill(self):
        self.process.kill()
        self.process.wait()


class Cluster:
    """Three masters without replicas."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix='otpctl-cluster-')
        self.nodes = [Node(self.folder, '--cluster-enabled', 'yes', '--cluster-port', str(free_port()),
                           '--cluster-node-timeout', '2000', '--save', '', '--appendonly', 'yes') for _ in range(3)]
        subprocess.run(['redis-cli', '--cluster', 'create', *(node.address for node in self.nodes), '--cluster-yes'],
                       check=True, **QUIET)
        self.wait()
        self.address = self.nodes[0].address + ' cluster'

    def wait(self):
        wait_for(lambda: all(b'cluster_state:ok' in node('CLUSTER', 'INFO') and b'cluster_known_nodes:3' in
                             node('CLUSTER', 'INFO') for node in self.nodes), what='a whole cluster')

    def flush(self):
        for node in self.nodes:
            node('FLUSHALL')

    def slot(self, name):
        return self.nodes[0]('CLUSTER', 'KEYSLOT', name)

    def owner(self, slot):
        for first, last, master, *_ in self.nodes[0]('CLUSTER', 'SLOTS'):
            if first <= slot <= last:
                return next(node for node in self.nodes if node.port == master[1])
        raise AssertionError('slot %d belongs to nobody' % slot)

    def __call__(self, verb, name, *words):
        reply = self.owner(self.slot(name))(verb, name, *words)
        assert not isinstance(reply, Exception), reply
        return reply

    @staticmethod
    def set(node, slot, how, other):
        reply = node('CLUSTER', 'SETSLOT', slot, how, other('CLUSTER', 'MYID'))
        assert reply == b'OK', (slot, how, reply)

    def open(self, slot):
        """A slot begins to move: from whom, to whom."""
        here = self.owner(slot)
        there = self.nodes[(self.nodes.index(here) + 1) % len(self.nodes)]
        self.set(there, slot, 'IMPORTING', here)
        self.set(here, slot, 'MIGRATING', there)
        return here, there

    def carry(self, slot, here, there, most=1 << 30):
        """So many of its names."""
        names = here('CLUSTER', 'GETKEYSINSLOT', slot, most)
        for i in range(0, len(names), 20):
            reply = here('MIGRATE', '127.0.0.1', there.port, '', 0, 5000, 'KEYS', *names[i:i + 20])
            assert reply in (b'OK', b'NOKEY'), reply
        return len(names)

    def settle(self, slot, here, there):
        while self.carry(slot, here, there):
            pass
        for node in [there, here] + [one for one in self.nodes if one not in (here, there)]:
            self.set(node, slot, 'NODE', there)

    def gather(self, slots, there):
        """Moves slots to one server, as redis-cli does: the first move gives it the highest epoch, which it keeps."""
        for slot in slots:
            here = self.owner(slot)
            if here is not there:
                self.set(there, slot, 'IMPORTING', here)
                self.set(here, slot, 'MIGRATING', there)
                self.settle(slot, here, there)
        self.agree()

    def agree(self):
        """Servers that hear of two moves at once may settle on different owners for good."""
        def views():
            return {str((sorted(node('CLUSTER', 'SLOTS')), node('CLUSTER', 'INFO').split(b'current_epoch:')[1][:4]))
                    for node in self.nodes}

        wait_for(lambda: len(views()) == 1, what='that the servers agree')

    def stop(self):
        for node in self.nodes:
            node.kill()
        shutil.rmtree(self.folder)


class Watched:
    """A master, two replicas, three Sentinels that call it "main"."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix='otpctl-sentinel-')
        first = Node(self.folder, '--save', '', '--appendonly', 'yes', '--repl-diskless-sync-delay', '0')
        self.nodes = [first] + [
            Node(self.folder, '--save', '', '--appendonly', 'yes', '--repl-diskless-sync-delay', '0', '--replicaof',
                 '127.0.0.1', str(first.port)) for _ in range(2)]
        self.wait_for_replicas(2)
        self.sentinels = [Node(self.folder, sentinel=True, config=(
            'sentinel monitor main 127.0.0.1 %d 2\nsentinel down-after-milliseconds main 1000\n'
            'sentinel failover-timeout main 4000\n' % first.port)) for _ in range(3)]
        wait_for(lambda: all(self.told(one, 'num-other-sentinels') == b'2' and self.told(one, 'num-slaves') == b'2'
                             for one in self.sentinels), what='that the Sentinels know each other')
        self.address = ' '.join(one.address for one in self.sentinels) + ' sentinel=main'

    @staticmethod
    def told(sentinel, field):
        reply = sentinel('SENTINEL', 'MASTER', 'main')
        return dict(zip(reply[::2], reply[1::2]))[field.encode()]

    def master(self):
        """Of the processes that run, the one that says so."""
        for node in self.nodes:
            if node.process.poll() is None:
                role = node('ROLE')
                if role[0] == b'master':
                    return node
        return None

    def wait_for_replicas(self, count):
        wait_for(lambda: self.master() and self.master()('INFO', 'replication').count(b'state=online') == count,
                 what='%d replicas' % count)

    def fail_over(self):
        """By the Sentinels' hand.  Returns when all of them name another master, which has its two replicas."""
        before = self.master()

        def asked():
            return self.sentinels[0]('SENTINEL', 'FAILOVER', 'main') == b'OK'

        wait_for(asked, what='a failover')
        self.wait_for_another(before)
        wait_for(lambda: before('ROLE')[0] == b'slave', what='that the old master follows')
        self.wait_for_replicas(2)

    def wait_for_another(self, before):
        wait_for(lambda: all(self.told(one, 'port') != b'%d' % before.port for one in self.sentinels
                             if one.process.poll() is None), what='another master')

    def stop(self):
        for node in self.sentinels + self.nodes:
            node.thaw()
            node.kill()
        shutil.rmtree(self.folder)


class FalseSentinel:
    """Names whomever it is told to."""

    def __init__(self, port):
        self.names, self.asked = port, 0
        self.listener = socket.create_server(('127.0.0.1', free_port()))
        self.address = '127.0.0.1:%d' % self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join(5)

    def run(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            with client:
                while True:
                    command = client.recv(4096)
                    if not command:
                        break
                    if b'PING' in command:
                        client.sendall(b'+PONG\r\n')
                        continue
                    self.asked += 1
                    client.sendall(self.answer())

    def answer(self):
        port = b'%d' % self.names
        return b'*2\r\n$9\r\n127.0.0.1\r\n$%d\r\n%s\r\n' % (len(port), port)


class FalseSeed(FalseSentinel):
    """A server of a cluster that says that another one has every slot."""

    def answer(self):
        return b'*1\r\n*3\r\n:0\r\n:16383\r\n*3\r\n$9\r\n127.0.0.1\r\n:%d\r\n$2\r\nid\r\n' % self.names


class Cutter:
    """Stands before a server on a port of its own: carries the first write to it, loses the reply, and is gone."""

    def __init__(self, port):
        self.to, self.writes = port, 0
        self.listener = socket.create_server(('127.0.0.1', free_port()))
        self.port = self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.thread.join(5)
        self.listener.close()

    def run(self):
        client, _ = self.listener.accept()
        with client, socket.create_connection(('127.0.0.1', self.to)) as server:
            while True:
                command = client.recv(1 << 20)
                if not command:
                    return
                write = b'EVAL' in command.split(b'\r\n')[2]
                server.sendall(command)
                reply = server.recv(1 << 20)
                if write and not reply.startswith(b'-'):
                    self.writes += 1
                    return
                client.sendall(reply)
