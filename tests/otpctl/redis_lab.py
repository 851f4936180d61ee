"""A Redis of our own on a socket in a folder of our own, a client for it, and a proxy to interfere."""
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time


class Client:
    """Just enough of the protocol: a command, its reply as bytes, int, None, list or Exception."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)
        self.file = self.socket.makefile('rb')

    def __call__(self, *words):
        words = [w if isinstance(w, bytes) else str(w).encode() for w in words]
        self.socket.sendall(b'*%d\r\n' % len(words) + b''.join(b'$%d\r\n%s\r\n' % (len(w), w) for w in words))
        return self.reply()

    def reply(self):
        line = self.file.readline()
        kind, rest = line[:1], line[1:-2]
        if kind == b'+':
            return rest
        if kind == b'-':
            return Exception(rest.decode())
        if kind == b':':
            return int(rest)
        if kind == b'$':
            return None if rest == b'-1' else self.file.read(int(rest) + 2)[:-2]
        return None if rest == b'-1' else [self.reply() for _ in range(int(rest))]


class Server:
    def __init__(self, *options, name='redis'):
        self.folder = tempfile.mkdtemp(prefix='otpctl-test-')
        self.path = os.path.join(self.folder, name + '.sock')
        self.process = subprocess.Popen(
            ['redis-server', '--port', '0', '--unixsocket', self.path, '--dir', self.folder, '--save', '3600 1',
             '--appendonly', 'yes', '--logfile', os.path.join(self.folder, 'log'), *options],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(200):
            try:
                self.client = Client(self.path)
                return
            except OSError:
                time.sleep(0.02)
        raise RuntimeError('redis-server did not start; see ' + self.folder)

    def freeze(self):
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self):
        self.process.send_signal(signal.SIGCONT)

    def stop(self):
        self.process.kill()
        self.process.wait()
        shutil.rmtree(self.folder)


class Proxy:
    """Passes commands on.  With `cut_after` the line is dead once that many writes have been carried out, the
    reply of the last one lost; `before_write` is called once, when the first write is on its way."""

    WRITES = (b'EVALSHA', b'EVAL', b'XADD', b'DEL', b'ZREM')

    def __init__(self, server, cut_after=0, before_write=None):
        self.path = os.path.join(server.folder, 'proxy.sock')
        self.address = 'unix:' + self.path
        self.server, self.cut_after, self.before_write = server, cut_after, before_write
        self.writes, self.cut = 0, False
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        self.listener.listen(1)
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()
        self.thread.join(5)
        os.unlink(self.path)

    def write_comes(self):
        self.writes += 1
        if self.before_write:
            call, self.before_write = self.before_write, None
            call()

    def run(self):
        ours, _ = self.listener.accept()
        theirs = socket.socket(socket.AF_UNIX)
        theirs.connect(self.server.path)
        while True:
            command = ours.recv(1 << 20)    # one command at a time: otpctl waits for each reply
            if not command:
                break
            is_write = command.split(b'\r\n')[2] in self.WRITES
            if is_write:
                self.write_comes()
            theirs.sendall(command)
            reply = theirs.recv(1 << 20)
            if is_write and self.writes == self.cut_after:
                self.cut = True
                break
            ours.sendall(reply)
        ours.close()
        theirs.close()
