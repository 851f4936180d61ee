#!/usr/bin/env python3
"""otpctl key import and key identify, against a Redis of their own, with oathtool and stoken.  TAP on standard output.

    test_otpctl_import.py OTPCTL RECORD_MAKE [WORD]     only the tests whose name holds WORD
"""
import base64
import json
import os
import pty
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback

from redis_lab import Client, Server

OTPCTL = os.path.abspath(sys.argv[1])
FIGURES = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'fuzz', 'corpus', 'import_pskc')
FOLDER = tempfile.mkdtemp(prefix='otpctl-import-')
RING = os.path.join(FOLDER, 'keyring')
RFC_SECRET = b'12345678901234567890'
HEX = RFC_SECRET.hex()
TESTS = []
server = None
redis = None


def test(function):
    TESTS.append(function)
    return function


class Result:
    def __init__(self, process, out, err):
        self.status, self.out, self.err = process.returncode, out, err

    @property
    def json(self):
        return json.loads(self.out)

    def __repr__(self):
        return 'exit %d\n%s%s' % (self.status, self.out, self.err)


def environment():
    clean = {name: value for name, value in os.environ.items() if not name.startswith('OTP_')}
    clean.update(LC_ALL='C.UTF-8', TZ='UTC', HOME=FOLDER)
    return clean


def start(*words, address=None, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE):
    return subprocess.Popen([OTPCTL, '--redis', address or 'unix:' + server.path, '--keyring', RING, *words],
                            stdin=stdin, stdout=subprocess.PIPE, stderr=stderr, text=True, env=environment(),
                            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))     # a background job ignores it


def run(*words, given=None, **options):
    process = start(*words, stdin=subprocess.PIPE, **options)
    return Result(process, *process.communicate(given or '', timeout=120))


def expect(status, *words, **options):
    result = run(*words, **options)
    assert result.status == status, 'expected exit %d of %s: %r' % (status, ' '.join(words), result)
    return result


def done(*words, **options):
    return expect(0, *words, **options)


def refused(text, *words, **options):
    """And nothing came of it."""
    before = stock()
    result = expect(1, *words, **options)
    assert text in result.err and result.out == '', 'no "%s" in: %r' % (text, result)
    assert stock() == before, 'something was imported'
    return result


def stock():
    return sorted(redis('KEYS', 'otp:key:*'))


def key(serial):
    return done('key', 'show', serial, '--json').json


def events():
    return [json.loads(line) for line in done('audit', '--json').out.splitlines()]


def file(name, text):
    path = os.path.join(FOLDER, name)
    with open(path, 'wb') as out:
        out.write(text if isinstance(text, bytes) else text.encode())
    return path


def figure(number):
    return os.path.join(FIGURES, 'figure_%d' % number)


def csv(count, first=1):
    return 'serial,secret_hex,type,digits,period,algorithm\n' + ''.join(
        '%010d,%040x,totp,6,60,sha1\n' % (n, n * 7919) for n in range(first, first + count))


def tool(*words):
    return subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=True,
                          text=True, env=environment()).stdout.strip()


def shown_by(code):
    """The serials of the keys that show the code."""
    result = run('key', 'identify', '--json', given=code + '\n')
    assert result.status in (0, 1), result
    return {one['serial']: one for one in result.json['keys']}


class Interference:
    """A Redis in between: `at_write` is called when the write number `number` (a pipeline counts as one) is on its way
    and may return False to cut the line there; later lines pass whole unless `dead`."""

    def __init__(self, number, at_write, dead=False):
        self.path = os.path.join(server.folder, 'between.sock')
        self.address = 'unix:' + self.path
        self.number, self.at_write, self.dead, self.writes = number, at_write, dead, 0
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        self.listener.listen(4)
        threading.Thread(target=self.accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()
        os.unlink(self.path)

    def accept(self):
        first = True
        while first or not self.dead:
            try:
                ours, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.carry, args=(ours, first), daemon=True).start()
            first = False
        self.listener.close()

    def carry(self, ours, first):
        theirs = socket.socket(socket.AF_UNIX)
        theirs.connect(server.path)
        threading.Thread(target=self.back, args=(theirs, ours), daemon=True).start()
        while True:
            data = ours.recv(1 << 20)
            if not data:
                break
            if first and data.startswith(b'*') and data.split(b'\r\n')[2] in (b'EVALSHA', b'EVAL'):
                self.writes += 1
                if self.writes == self.number and self.at_write() is False:
                    theirs.sendall(data)
                    time.sleep(0.2)
                    break
            theirs.sendall(data)
        for one in (ours, theirs):
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    @staticmethod
    def back(theirs, ours):
        try:
            while True:
                data = theirs.recv(1 << 20)
                if not data:
                    return
                ours.sendall(data)
        except OSError:
            pass


# --- formats

@test
def figures_of_rfc_6030_are_imported_and_show_the_codes_of_oathtool():
    code = tool('oathtool', '--hotp', '-d', '8', '-c', '0', HEX)
    for number, secret in ((3, None), (6, '12345678901234567890123456789012\n'), (7, 'qwerty\n')):
        redis('FLUSHALL')
        words = ['--key-file', file('unlock', secret)] if secret else []
        assert done('key', 'import', figure(number), *words, '--json').json == {'imported': 1, 'skipped': 0}
        one = key('987654321')
        assert (one['type'], one['digits'], one['period'], one['step'], one['state']) == ('hotp', 8, 0, 0, 'free'), one
        assert list(shown_by(code)) == ['987654321']
    redis('FLUSHALL')
    refused(figure(6) + ':6: it is encrypted', 'key', 'import', figure(6))
    refused('wrong', 'key', 'import', figure(7), '--key-file', file('unlock', 'qwertz'))


@test
def raw_key_files_are_taken_as_they_are():
    raw = bytes.fromhex('12345678901234567890123456789012')
    done('key', 'import', figure(6), '--key-file', file('unlock', raw))
    refused('neither 16 bytes', 'key', 'import', figure(6), '--key-file', file('unlock', raw[:-1]), '--skip-existing')


@test
def csv_of_each_type_and_algorithm_shows_the_codes_of_oathtool():
    rows, codes = ['serial;secret_hex;type;digits;period;counter;algorithm'], {}
    for number, (algorithm, digits, period) in enumerate((a, d, p) for a in ('sha1', 'sha256', 'sha512')
                                                         for d in (6, 7, 8) for p in (30, 60)):
        secret = bytes((number * 31 + i * 7) % 256 for i in range(32)).hex()
        rows.append('T-%d;%s;totp;%d;%d;;%s' % (number, secret, digits, period, algorithm))
        codes['T-%d' % number] = ('oathtool', '--totp=' + algorithm, '-d', str(digits), '-s', '%ds' % period, secret)
    rows.append('H-1;%s;hotp;6;;41;' % HEX)
    codes['H-1'] = ('oathtool', '--hotp', '-d', '6', '-c', '45', HEX)
    done('key', 'import', file('keys.csv', '\r\n'.join(rows)))
    for serial, words in codes.items():
        found = shown_by(tool(*words))
        assert serial in found and found[serial]['near'], (serial, found)
    assert key('H-1')['step'] == 41
    # The event before is spent, as the file says.
    assert 'H-1' not in shown_by(tool('oathtool', '--hotp', '-d', '6', '-c', '40', HEX))


@test
def keys_that_were_generated_here_can_be_imported_elsewhere():
    uris = [done('key', 'generate', '--serial', 'G-%d' % n, '--digits', '8', '--algorithm', a, '--json').json['uri']
            for n, a in enumerate(('sha1', 'sha256', 'sha512'))]
    before = [key('G-%d' % n) for n in range(3)]
    codes = [tool('oathtool', '--totp=' + a, '-d', '8', '-s', '60s', '-b', re.search('secret=([A-Z2-7]+)', uri)[1])
             for uri, a in zip(uris, ('sha1', 'sha256', 'sha512'))]
    redis('FLUSHALL')
    assert done('key', 'import', '-', given='\n'.join(uris)).out == '3 imported, 0 skipped\n'
    assert [key('G-%d' % n) for n in range(3)] == before
    for n, code in enumerate(codes):
        assert 'G-%d' % n in shown_by(code)


@test
def tokens_of_stoken_are_imported_and_show_its_codes():
    path = file('one.sdtid', tool('stoken', 'issue'))
    serial = re.search('<SN>([0-9]+)<', open(path, encoding='utf-8').read())[1]
    locked = file('locked.sdtid', tool('stoken', 'export', '--file', path, '--sdtid', '--new-password', 'moth'))
    strings = {
        'plain': tool('stoken', 'export', '--file', path, '--blocks'),
        'android': tool('stoken', 'export', '--file', path, '--android', '--new-password', 'moth'),
        'iphone': tool('stoken', 'export', '--file', path, '--iphone'),
        'v3': tool('stoken', 'export', '--file', path, '--v3', '--new-password', 'moth'),
    }
    password = file('unlock', 'moth\n')
    for source in [path, locked] + [file(name, text + '\n') for name, text in strings.items()]:
        redis('FLUSHALL')
        done('key', 'import', source, *(['--key-file', password] if source[len(FOLDER) + 1] in 'lav' else []))
        one = key(serial)
        assert (one['type'], one['digits'], one['period']) == ('securid', 8, 60), one
        for _ in range(2):      # the minute may end between the two
            found = shown_by(tool('stoken', 'tokencode', '--file', path, '--pin', '0000'))
            if found.get(serial, {}).get('near'):
                break
        assert found[serial]['near'], found
    redis('FLUSHALL')
    refused(':34: the token is locked', 'key', 'import', locked)
    refused('wrong', 'key', 'import', locked, '--key-file', file('unlock', 'flame'))


@test
def serial_of_a_token_is_the_one_on_its_back():
    template = file('template.xml', '<?xml version="1.0"?><TKNBatch><TKNHeader/><TKN><SN>123456789</SN></TKN><TKNTrailer/>'
                                    '</TKNBatch>')
    path = file('short.sdtid', tool('stoken', 'issue', '--template', template))
    done('key', 'import', path)
    assert key('123456789')['type'] == 'securid'
    assert '123456789' in shown_by(tool('stoken', 'tokencode', '--file', path, '--pin', '0000'))


@test
def format_that_is_given_decides():
    path = file('keys', 'S-1,' + HEX + '\n')
    done('key', 'import', path, '--format', 'csv')
    for name in ('pskc', 'otpauth', 'sdtid'):
        refused(path + ':1: ', 'key', 'import', path, '--format', name, '--skip-existing')
    refused('its format cannot be told', 'key', 'import', file('keys', 'hello\n'))
    refused('there is nothing in it', 'key', 'import', file('keys', ''))


# --- all or nothing

@test
def first_fault_is_told_with_its_line_and_nothing_is_imported():
    lines = csv(3000).splitlines()
    for line, change, why in [(2000, 'S 1,' + HEX, 'is no serial number'), (17, 'S-1,xyz', 'neither hex nor base32'),
                              (2999, lines[1], 'is in line 2 already'), (3001, 'S-1,' + HEX + ',totp,5', '6 to 8')]:
        changed = lines[:]
        changed[line - 1] = change
        if 'hex' in why:
            changed[0] = 'serial,secret,type,digits,period,algorithm'
        path = file('bad.csv', '\n'.join(changed))
        result = refused(why, 'key', 'import', path)
        assert result.err.startswith('otpctl: %s:%d: ' % (path, line)), result
    assert stock() == [] and events() == []


@test
def serials_of_the_stock_are_refused_or_skipped():
    path = file('keys.csv', csv(700))
    done('key', 'import', file('some.csv', csv(3, first=600)), '--batch', 'first')
    name = next(name for name in stock() if name.endswith(b':0000000600'))
    kept = redis('GET', name)
    refused('%s:601: key 0000000600 is in the stock already' % path, 'key', 'import', path)
    assert done('key', 'import', path, '--skip-existing', '--json', '--batch', 'second').json == {
        'imported': 697, 'skipped': 3}
    assert len(stock()) == 700 and kept == redis('GET', name)
    assert key('0000000600')['batch'] == 'first' and key('0000000700')['batch'] == 'second'
    assert done('key', 'import', path, '--skip-existing', '--json').json == {'imported': 0, 'skipped': 700}


@test
def serial_that_comes_meanwhile_takes_all_back():
    path = file('keys.csv', csv(700))
    def stranger():
        done('key', 'generate', '--serial', '0000000650')
    with Interference(1, stranger) as between:
        result = run('key', 'import', path, address=between.address)
    assert result.status == 1 and '%s:651: key 0000000650 has come' % path in result.err, result
    assert 'nothing was imported; what had been written was taken back' in result.err, result
    assert len(stock()) == 1
    told = [(one['event'], one.get('reason', '')) for one in events()]
    assert told.count(('key_import', '')) == told.count(('key_delete', 'import_failed')) == 699, len(told)
    with Interference(1, lambda: done('key', 'generate', '--serial', '0000000649')) as between:
        redis('FLUSHALL')
        assert run('key', 'import', path, '--skip-existing', address=between.address).status == 0
    assert len(stock()) == 700


@test
def interrupt_takes_all_back():
    for number in (signal.SIGINT, signal.SIGTERM):
        redis('FLUSHALL')
        path = file('keys.csv', csv(2000))
        with Interference(3, lambda: process.send_signal(number)) as between:
            process = start('key', 'import', path, address=between.address)
            out, err = process.communicate(timeout=60)
        assert process.returncode == 1 and 'interrupted' in err and 'nothing was imported' in err, (out, err)
        assert stock() == []


@test
def line_that_breaks_takes_all_back_over_another():
    path = file('keys.csv', csv(2000))
    for number in (1, 2, 5):
        redis('FLUSHALL')
        with Interference(number, lambda: False) as between:
            result = run('key', 'import', path, address=between.address)
        assert result.status == 3 and 'nothing was imported' in result.err, result
        assert stock() == [] and result.out == ''


@test
def what_could_not_be_taken_back_is_said_and_completed_by_the_next_run():
    path = file('keys.csv', csv(2000))
    with Interference(3, lambda: False, dead=True) as between:
        result = run('key', 'import', path, address=between.address)
    assert result.status == 3 and 'may be in the stock' in result.err and '--skip-existing' in result.err, result
    left = len(stock())
    assert 0 < left < 2000
    assert done('key', 'import', path, '--skip-existing', '--json').json == {'imported': 2000 - left, 'skipped': left}
    assert len(stock()) == 2000


@test
def refusal_of_redis_is_told():
    path = file('keys.csv', csv(2000))
    used = int(re.search(rb'used_memory:(\d+)', redis('INFO', 'memory')).group(1))
    redis('CONFIG', 'SET', 'maxmemory', used + 400000)
    try:
        result = run('key', 'import', path)
    finally:
        redis('CONFIG', 'SET', 'maxmemory', 0)
    assert result.status == 1 and 'raise maxmemory' in result.err, result
    assert ('nothing was imported' in result.err) == (stock() == []), result
    assert ('may be in the stock' in result.err) == (stock() != []), result
    done('key', 'import', path, '--skip-existing')
    assert len(stock()) == 2000


@test
def script_that_redis_has_forgotten_is_sent_again():
    redis('SCRIPT', 'FLUSH')
    done('key', 'import', file('keys.csv', csv(600)))
    assert len(stock()) == 600 == len([one for one in events() if one['event'] == 'key_import'])


@test
def rights_of_the_sample_user_are_enough():
    acl = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..', 'lua-free-conf', 'redis', 'otp.acl')
    line = next(line for line in open(acl, encoding='utf-8') if line.startswith('user otpctl '))
    rights = [word for word in line.split()[2:] if not word.startswith('#')]
    assert redis('ACL', 'SETUSER', 'otpctl', 'reset', *rights, '>moth') == b'OK'
    address = 'unix:%s user=otpctl password_file=%s' % (server.path, file('redis-password', 'moth'))
    os.chmod(os.path.join(FOLDER, 'redis-password'), 0o600)
    done('key', 'import', file('keys.csv', csv(300)), address=address)
    assert len(stock()) == 300
    with Interference(1, lambda: done('key', 'generate', '--serial', '0000000650')) as between:
        result = run('key', 'import', file('keys.csv', csv(700, first=301)), address=address.replace(server.path,
                                                                                                     between.path))
    assert 'what had been written was taken back' in result.err and len(stock()) == 301, result


# --- what is left

@test
def imported_keys_are_free_told_of_and_sealed():
    done('key', 'import', file('keys.csv', 'S-1,%s\nS-2,%s\n' % (HEX, HEX[::-1])), '--batch', 'spring.2026')
    told = [one for one in events() if one['event'] == 'key_import']
    assert [one['serial'] for one in sorted(told, key=lambda one: one['serial'])] == ['S-1', 'S-2']
    assert all(one['verdict'] == 'ok' and one['actor'].startswith('otpctl:') for one in told), told
    assert [one['state'] for one in done('key', 'list', '--json').json] == ['free', 'free']
    for name in stock():
        record = redis('GET', name)
        assert RFC_SECRET not in record and HEX.encode() not in record
        assert base64.b32encode(RFC_SECRET) not in record and base64.b64encode(RFC_SECRET)[:20] not in record
    done('key', 'assign', 'S-1', 'alice')
    code = tool('oathtool', '--totp', '-s', '60s', HEX)
    assert shown_by(code)['S-1']['user'] == 'alice' and shown_by(code)['S-1']['state'] == 'assigned'
    done('key', 'disable', 'S-1', '--reason', 'lost')
    assert shown_by(code)['S-1']['state'] == 'disabled'


@test
def keys_past_their_life_are_told():
    text = open(figure(3), encoding='utf-8').read()
    path = file('old.xml', text.replace('</SerialNo>', '</SerialNo><ExpiryDate>2001-09-09T01:46:40Z</ExpiryDate>'))
    result = done('key', 'import', path)
    assert result.out == '1 imported, 0 skipped\n' and path + ':5: 1 of the keys' in result.err, result


def on_terminal(*words):
    """The process that runs otpctl with these arguments, and what it shows on a terminal."""
    ours, theirs = pty.openpty()
    process = start(*words, stderr=theirs)
    os.close(theirs)
    shown = b''
    try:
        while True:
            piece = os.read(ours, 65536)
            if not piece:
                break
            shown += piece
    except OSError:
        pass
    os.close(ours)
    return process, shown


@test
def file_that_takes_long_to_read_has_a_progress_line():
    token = tool('stoken', 'export', '--file', file('one.sdtid', tool('stoken', 'issue')), '--blocks')
    path = file('many.ctf', (token.strip() + '\n') * 600)
    process, shown = on_terminal('key', 'import', path)
    process.communicate(timeout=60)
    assert process.returncode == 1 and b'\rreading: 512 keys' in shown, shown
    assert b'is in line 1 already' in shown.split(b'\r\x1b[K')[-1], shown


@test
def fifty_thousand_keys_are_imported_with_a_progress_line():
    path = file('many.csv', csv(50000))
    began = time.monotonic()
    process, shown = on_terminal('key', 'import', path, '--json')
    out = process.communicate(timeout=60)[0]
    took = time.monotonic() - began
    assert process.returncode == 0 and json.loads(out) == {'imported': 50000, 'skipped': 0}, (out, shown)
    assert b'importing: 25600 of 50000 keys' in shown and shown.endswith(b'\r\x1b[K'), shown[-200:]
    assert len(stock()) == 50000
    # On no terminal nothing is told.
    assert run('key', 'import', path, '--skip-existing').err == ''
    print('# 50000 keys of a CSV file: %.1f s' % took)
    began = time.monotonic()
    expect(1, 'key', 'import', path)
    code = tool('oathtool', '--totp', '-s', '60s', '%040x' % (49999 * 7919))
    assert '0000049999' in shown_by(code)
    print('# refused, and identified among them: %.1f s' % (time.monotonic() - began))


# --- usage

@test
def wrong_usage_leaves_with_2_and_says_why():
    for words, why in [(['key', 'import'], 'takes FILE'), (['key', 'import', 'a', 'b'], 'takes FILE'),
                       (['key', 'import', 'a', '--format', 'xml'], 'pskc, csv, sdtid or otpauth'),
                       (['key', 'import', 'a', '--batch', 'a b'], '--batch'),
                       (['key', 'import', '-', '--key-file', '-'], 'both'),
                       (['key', 'import', 'a', '--serial', 'S'], 'takes no option'), (['key', 'identify', 'x'], 'no arg')]:
        result = expect(2, *words)
        assert why in result.err and result.out == '', (words, result)
    for code in ('', '12345\n', '123456789\n', 'abcdef\n', '12345a\n'):
        assert 'code' in expect(2, 'key', 'identify', given=code).err
    refused('No such file', 'key', 'import', os.path.join(FOLDER, 'absent'))
    refused('No such file', 'key', 'import', figure(6), '--key-file', os.path.join(FOLDER, 'absent'))
    refused('directory', 'key', 'import', FOLDER)
    expect(3, 'key', 'import', figure(3), address='unix:/nowhere')


@test
def code_that_no_key_shows_leaves_with_1():
    assert 'no key of 0' in expect(1, 'key', 'identify', given='123456').err
    done('key', 'import', figure(3))
    assert 'no key of 1' in expect(1, 'key', 'identify', given='12345678').err
    code = tool('oathtool', '--hotp', '-d', '8', '-c', '3', HEX)
    assert re.search(r'987654321 +free +right', done('key', 'identify', given=code[:4] + ' ' + code[4:]).out)


def main():
    global server, redis
    chosen = [one for one in TESTS if len(sys.argv) < 4 or sys.argv[3] in one.__name__]
    print('1..%d' % len(chosen), flush=True)
    server = Server()
    failed = 0
    try:
        subprocess.run([OTPCTL, 'keyring', 'init', RING], check=True, stdout=subprocess.DEVNULL, env=environment())
        for number, one in enumerate(chosen, 1):
            redis = Client(server.path)
            redis('FLUSHALL')
            try:
                one()
                print('ok %d - %s' % (number, one.__name__.replace('_', ' ')), flush=True)
            except Exception:
                failed += 1
                print('not ok %d - %s' % (number, one.__name__.replace('_', ' ')))
                print('# ' + traceback.format_exc().replace('\n', '\n# '), flush=True)
    finally:
        server.stop()
        shutil.rmtree(FOLDER)
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
