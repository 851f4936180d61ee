"""Between a gateway and Redis: connections that can be frozen, and led elsewhere, without being closed."""
import collections
import os
import select
import socket
import threading
import time


class Connection(threading.Thread):
    """One connection.  It is a listener once it has asked for its number, as who wants invalidations does."""

    def __init__(self, proxy, gateway):
        super().__init__(daemon=True)
        self.proxy, self.gateway = proxy, gateway
        self.redis = self.connect(proxy.target)
        self.listener = False
        self.said, self.held = b"", collections.deque()      # of what Redis says: (when it is due, what)

    @staticmethod
    def connect(path):
        redis = socket.socket(socket.AF_UNIX)
        redis.connect(path)
        return redis

    def frozen(self):
        return self.proxy.frozen_listeners if self.listener else self.proxy.frozen_replies

    def run(self):
        try:
            while not self.proxy.stopped:
                # What is frozen stays unread: the gateway hears nothing, and nothing is closed.
                ready = select.select([self.gateway] if self.frozen() else [self.gateway, self.redis], [], [], 0.02)[0]
                if self.gateway in ready and not self.forward():
                    break
                if self.redis in ready and not self.back():
                    break
                self.release()
        except OSError:
            pass
        self.gateway.close()
        self.redis.close()

    def forward(self):
        data = self.gateway.recv(65536)
        if b"CLIENT" in data and not self.listener:
            self.listener = True
            if self.proxy.target_of_listeners:
                self.lead_elsewhere()
        self.said += b"" if self.listener else data
        self.redis.sendall(data)
        return data

    def back(self):
        data = self.redis.recv(65536)
        if self.proxy.receivers_elsewhere and not self.listener:
            data = data.replace(b":1\r\n", b":0\r\n")
        spoil = self.proxy.spoil
        self.held.append((time.monotonic() + self.proxy.delay, spoil(self, data) if spoil and data else data))
        return data

    def release(self):
        """Looked at once more: it may have been frozen while this was read."""
        while self.held and not self.frozen() and self.held[0][0] <= time.monotonic():
            self.gateway.sendall(self.held.popleft()[1])

    def lead_elsewhere(self):
        """The greeting said again to the other server, whose answers to it nobody needs twice."""
        self.redis.close()
        self.redis = self.connect(self.proxy.target_of_listeners)
        self.redis.sendall(self.said)
        answers = b""
        while b"PONG\r\n" not in answers:
            answers += self.redis.recv(4096)


class Proxy:
    def __init__(self, path, target):
        self.path, self.target, self.target_of_listeners = path, target, None
        self.receivers_elsewhere = False    # PUBLISH says 0, as where a cluster carries the message to its receiver
        self.delay = 0          # seconds that an answer takes more
        self.spoil = None       # called with a connection and what Redis says: what the gateway hears instead
        self.frozen_listeners = self.frozen_replies = self.stopped = False
        self.server = socket.socket(socket.AF_UNIX)
        self.server.bind(path)
        self.server.listen(64)
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                gateway, _ = self.server.accept()
                Connection(self, gateway).start()
            except OSError:
                if self.stopped:
                    return

    def stop(self):
        self.stopped = True
        self.server.close()
        os.unlink(self.path)
