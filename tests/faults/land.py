"""Two gateways and three hosts with a Redis and a Sentinel each, each a network namespace: what lies between them can be
cut, slow and lossy.  Browsers sit beside their gateway, on a socket of the file system."""
import http.client
import os
import socket

import sentinels
from switch import Switch
from town import Town
from world import Client

HOSTS = ("gateway0", "gateway1", "redis0", "redis1", "redis2", "desk")


class Near(http.client.HTTPConnection):
    def __init__(self, path, timeout):
        super().__init__("127.0.0.1", timeout=timeout)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Land(Town, sentinels.Sentinels):
    def __init__(self, name, first=0, **more):
        self.switch = Switch(HOSTS)
        try:
            super().__init__(name, first, proxies=False, **more)
        except BaseException:
            self.switch.stop()
            raise

        class Browser(Client):
            def connection(browser, timeout):
                return Near(self.door(self.name_of(browser.port)), timeout)
        self.browser = Browser

    def stop(self):
        try:
            super().stop()
        finally:
            self.switch.stop()

    def before(self, name):
        if name == "otpctl":
            return self.switch.command("desk")
        return self.switch.command(name) + super().before(name) if name in HOSTS else super().before(name)

    def is_up(self, name, port):
        return os.path.exists(self.door(name))

    def door(self, name):
        return os.path.join(self.root, name + ".http.sock")

    def more(self, name):
        return f"listen unix:{self.door(name)} backlog=1024;" + super().more(name)

    def place(self, port):
        """The host of a Redis' or a Sentinel's port."""
        ports = self.ports_of_redis if port in self.ports_of_redis else self.ports_of_sentinels
        return "redis%d" % ports.index(port)

    def host(self, port):
        return self.switch.address[self.place(port)]

    def at(self, port):
        return self.switch.command(self.place(port))

    def others(self, *hosts):
        return [host for host in HOSTS[:-1] if host not in hosts]
