"""Mail servers of our own on loopback: one that is real (aiosmtpd), in this process or another one, and one that
follows a script.

    smtp_lab.py PORT FOLDER     keeps each mail as a file of FOLDER before it says 250
"""
import asyncio
import atexit
import email
import email.policy
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
import uuid

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

NEXT_PORT = [int(os.environ.get('OTPCTL_TEST_SMTP_PORT', '0'))]


def free_port():
    """One that nobody listens on; from OTPCTL_TEST_SMTP_PORT on, when that is set."""
    while True:
        with socket.socket() as probe:
            try:
                probe.bind(('127.0.0.1', NEXT_PORT[0]))
            except OSError:
                NEXT_PORT[0] += 1
                continue
            port = probe.getsockname()[1]
            NEXT_PORT[0] += NEXT_PORT[0] > 0
            return port


def certificate(folder):
    """A key and a certificate for localhost that signs itself."""
    paths = os.path.join(folder, 'smtp.key'), os.path.join(folder, 'smtp.crt')
    subprocess.run(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2',
                    '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1', '-keyout', paths[0],
                    '-out', paths[1]], check=True, stderr=subprocess.DEVNULL)
    return paths


class Server(Controller):
    """Keeps what arrives in `mails`.  `rcpt` and `data`: answers instead of the usual ones, one used up a command;
    `delay`: seconds before the last 250; it is not said before `go_on` is set.  `under_way`: a mail has come so far."""

    def __init__(self, delay=0, tls=None, starttls=None, login=None, port=None):
        self.mails, self.rcpt, self.mail, self.data, self.delay, self.connections = [], [], [], [], delay, 0
        self.logins, self.per_connection, self.login = [], 0, login
        self.under_way, self.go_on = threading.Event(), threading.Event()
        self.go_on.set()
        options = {}
        if login:
            options = {'authenticator': self.authenticate, 'auth_required': True, 'auth_require_tls': starttls is not None}
        super().__init__(self, hostname='127.0.0.1', port=port or free_port(), ssl_context=context(tls),
                         tls_context=context(starttls), require_starttls=starttls is not None, **options)
        self.start()
        self.connections = 0

    @property
    def url(self):
        return '%s://127.0.0.1:%d' % ('smtps' if self.ssl_context else 'smtp', self.port)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def authenticate(self, _server, _session, _envelope, mechanism, data):
        given = (data.login.decode(), data.password.decode())
        self.logins.append((mechanism,) + given)
        return AuthResult(success=given == self.login, handled=False)

    async def handle_EHLO(self, server, session, envelope, hostname):
        session.host_name = hostname
        session.sent = 0
        self.connections += 1
        return '250 HELP'

    async def handle_MAIL(self, server, session, envelope, address, options):
        if self.per_connection and session.sent >= self.per_connection:
            server.transport.write(b'421 4.7.0 enough for now\r\n')
            server.transport.close()
            return '421 4.7.0 enough for now'
        if self.mail:
            return self.mail.pop(0)
        envelope.mail_from = address
        return '250 OK'

    async def handle_RCPT(self, server, session, envelope, address, options):
        if self.rcpt:
            return self.rcpt.pop(0)
        envelope.rcpt_tos.append(address)
        return '250 OK'

    async def handle_DATA(self, server, session, envelope):
        if self.data:
            return self.data.pop(0)
        if self.delay:
            await asyncio.sleep(self.delay)
        self.under_way.set()
        await asyncio.get_running_loop().run_in_executor(None, self.go_on.wait)
        session.sent += 1
        self.mails.append(Mail(envelope.mail_from, envelope.rcpt_tos, envelope.content))
        return '250 OK'


def context(pair):
    if pair is None:
        return None
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(pair[1], pair[0])
    return made


class Mail:
    def __init__(self, sender, to, content):
        self.sender, self.to, self.raw = sender, list(to), content
        self.message = email.message_from_bytes(content, policy=email.policy.default)

    def __getitem__(self, header):
        return str(self.message[header])

    @property
    def id(self):
        return self['Message-ID']

    def part(self, kind):
        return self.message.get_body((kind,)).get_content()

    @property
    def text(self):
        """As one line, with common blanks."""
        return ' '.join(self.part('plain').replace('\u00a0', ' ').split())


class Scripted:
    """Listens, and answers each command with the next line of the script of this connection; "<close>" ends the
    connection, "<close in data>" ends it when the first line of a mail has come, "<hang>" says nothing any more."""

    def __init__(self, *scripts):
        self.scripts, self.seen = list(scripts), []
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(('127.0.0.1', free_port()))
        self.listener.listen(8)
        self.url = 'smtp://127.0.0.1:%d' % self.listener.getsockname()[1]
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
                ours, _ = self.listener.accept()
            except OSError:
                return
            with ours:
                self.talk(ours, self.scripts.pop(0) if self.scripts else ['<close>'])

    def talk(self, ours, script):
        lines = ours.makefile('rb')
        for answer in script:
            if answer == '<close>':
                return
            if answer == '<hang>':
                lines.read()
                return
            if answer == '<close in data>':
                lines.readline()
                return
            ours.sendall(answer.encode() + b'\r\n')
            if answer.startswith('354'):
                continue
            line = lines.readline()
            self.seen.append(line)
            while script[-1] == '250 sent' and answer == '250 go' and line != b'.\r\n':
                line = lines.readline()


class Process:
    """A server in a process of its own, to be killed."""

    def __init__(self, folder):
        self.folder, self.port = folder, free_port()
        os.makedirs(folder, exist_ok=True)
        self.url = 'smtp://127.0.0.1:%d' % self.port
        self.start()

    def start(self):
        self.process = subprocess.Popen([sys.executable, '-B', os.path.abspath(__file__), str(self.port), self.folder],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        atexit.register(self.process.kill)
        assert self.process.stdout.readline() == b'ready\n'

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    @property
    def mails(self):
        found = []
        for name in os.listdir(self.folder):
            if name.endswith('.eml'):
                with open(os.path.join(self.folder, name), 'rb') as file:
                    found.append(Mail('', [], file.read()))
        return found


class Keeper:
    def __init__(self, folder):
        self.folder = folder

    async def handle_DATA(self, server, session, envelope):
        path = os.path.join(self.folder, uuid.uuid4().hex)
        with open(path, 'wb') as file:
            file.write(envelope.content)
        os.rename(path, path + '.eml')
        await asyncio.sleep(0.005)
        return '250 OK'


def main():
    controller = Controller(Keeper(sys.argv[2]), hostname='127.0.0.1', port=int(sys.argv[1]))
    controller.start()
    print('ready', flush=True)
    signal.pause()


if __name__ == '__main__':
    main()
