#!/usr/bin/env python3
"""otpctl from outside, against a Redis of its own.  TAP on standard output.

    test_otpctl.py OTPCTL RECORD_MAKE MANUAL [WORD]     only the tests whose name holds WORD
"""
import base64
import hashlib
import json
import os
import pty
import re
import select
import shutil
import subprocess
import sys
import tempfile
import time

from otpctl_lab import Result, environment, run_tests, tag, test
from redis_lab import Client, Proxy, Server

OTPCTL, RECORD_MAKE, MANUAL = (os.path.abspath(path) for path in sys.argv[1:4])
FOLDER = tempfile.mkdtemp(prefix='otpctl-test-')
RING = os.path.join(FOLDER, 'keyring')
TEMPLATES = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..', 'lua-free-conf', 'templates')
NOON = int(time.time())
server = None
redis = None


def run(*words, address=None, ring=RING, globals_=True, **options):
    """otpctl with our Redis and key ring."""
    command = [OTPCTL]
    if globals_:
        command += ['--redis', address or 'unix:' + server.path, '--keyring', ring]
    process = subprocess.Popen(command + list(words), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True, env=environment(**options))
    return Result(process, *process.communicate(timeout=30))


def expect(status, *words, **options):
    result = run(*words, **options)
    assert result.status == status, 'expected exit %d of %s: %r' % (status, ' '.join(words), result)
    return result


def done(*words, **options):
    return expect(0, *words, **options)


def refused(text, *words, **options):
    result = expect(1, *words, **options)
    assert text in result.err, 'no "%s" in: %r' % (text, result)
    assert result.out == '' or '--json' in words or 'doctor' in words or 'list' in words, repr(result)
    return result


def name_of(kind, ident):
    found = redis('KEYS', 'otp:%s:{?}:%s' % (kind, ident))
    assert len(found) == 1, found
    return found[0]


def key(serial):
    return done('key', 'show', serial, '--json').json


def user(uid):
    return done('user', 'show', uid, '--json').json


def events(*words):
    return [json.loads(line) for line in done('audit', '--json', *words).out.splitlines()]


def stock(*serials):
    for serial in serials:
        done('key', 'generate', '--serial', serial)


def account(uid, serial, pin='', step=0, drift=0, used=0, failures=0, locked_until=0, pending=0):
    """What a portal would have made of the account."""
    name = name_of('acct', uid)
    words = [RECORD_MAKE, RING, 'account', name, serial, pin, step, drift, used, failures, locked_until, pending]
    made = subprocess.run([w if isinstance(w, bytes) else str(w) for w in words], input=redis('GET', name),
                          stdout=subprocess.PIPE, check=True)
    redis('SET', name, made.stdout)


def session(cookie, uid, level=2, method=1, proven=1, serial='', age=60, life=3600, indexed=True, prefix='otp:',
            now=None):
    """A session as a portal writes it; returns the digest."""
    now = now or int(time.time())
    digest = hashlib.sha256(cookie.encode()).hexdigest()
    name = '%ssess:{%s}' % (prefix, digest)
    words = [RECORD_MAKE, RING, 'session', name, uid, level, method, proven, serial, now - age, now + life, 1800]
    made = subprocess.run([str(w) for w in words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=True)
    redis('SET', name, made.stdout, 'EX', max(life, 1))
    redis('SET', '%sseen:{%s}' % (prefix, digest), now, 'EX', 1800)
    if indexed:
        redis('ZADD', '%suser:%s:%s' % (prefix, tag(uid), uid), now + life, digest)
    return digest


def sessions(*words):
    return {one['id']: one for one in done('session', 'list', '--json', *words).json}


def records():
    """Every account and stock record, without what may differ between two runs."""
    state = {}
    for one in done('user', 'list', '--json').json:
        one.pop('revision')
        for held in one['keys']:
            held.pop('assigned')
        state[one['user']] = one
    for one in done('key', 'list', '--json').json:
        one.pop('assigned')
        state[one['serial']] = one
    return state


# --- usage

@test
def help_is_given_for_every_command_and_each_is_in_the_manual():
    listed = done('--help', globals_=False).out
    commands = re.findall(r'^  ((?:[a-z]+ )?[a-z]+)(?= {2,}| \[?[A-Z]+)', listed, re.M)
    assert len(commands) == 31, commands
    manual = open(MANUAL, encoding='utf-8').read().replace('\\-', '-').replace('\\fR', '').replace('\\fB', '')
    for command in commands:
        text = done(*command.split(), '--help', globals_=False).out
        assert text.startswith('Usage: otpctl [OPTION…] ' + command), text
        assert re.search(r'\b%s\b' % command, manual), 'not in the manual: ' + command
        for option in re.findall(r'^  (--[a-z]+)', text, re.M):
            assert option in manual, 'not in the manual: ' + option
    assert done('key', '--help', globals_=False).out.count('\n  key ') == 12


@test
def every_command_takes_json_and_leaves_with_3_when_redis_is_away():
    listed = done('--help', globals_=False).out
    arguments = {'SERIAL': 'S-1', 'UID': 'nobody', 'FILE': os.path.join(FOLDER, 'none.csv')}
    more = {
        'key disable': ['--reason', 'lost'], 'request reject': ['--reason', 'no'], 'session revoke': ['--all'],
        'notify': ['--once', '--smtp', 'smtp://127.0.0.1:9', '--from', 'a@example.org', '--templates', TEMPLATES],
    }
    given = {'key resync': '123456\n654321\n', 'key identify': '123456\n'}
    with open(arguments['FILE'], 'w', encoding='ascii') as keys:
        keys.write('serial,secret_hex\nS-1,%s\n' % ('31' * 20))
    commands = re.findall(r'^  ((?:[a-z]+ )?[a-z]+)((?: [A-Z]+)*)(?= {2,}| \[)', listed, re.M)
    away = 0
    for command, words in commands:
        if command in ('keyring init', 'keyring rotate'):
            continue
        process = subprocess.run(
            [OTPCTL, '--redis', 'unix:' + os.path.join(FOLDER, 'absent.sock'), '--keyring', RING, '--json',
             *command.split(), *(arguments[word] for word in words.split()), *more.get(command, [])],
            input=given.get(command, ''), capture_output=True, text=True, timeout=60, env=environment())
        assert process.returncode == 3 and process.stderr, (command, process)
        away += 1
    assert away == 29, (away, commands)


@test
def what_can_be_no_serial_and_nobodys_identifier_is_wrong_usage_in_every_command():
    listed = done('--help', globals_=False).out
    more = {'key disable': ['--reason', 'lost'], 'request reject': ['--reason', 'no']}
    told = {'SERIAL': 'no serial', 'UID': "nobody's identifier"}
    stock('S1')
    before, tried = redis('DBSIZE'), 0
    for command, words in re.findall(r'^  ([a-z]+ [a-z]+) (SERIAL(?: \[?UID\]?)?|UID)(?= )', listed, re.M):
        names = words.replace('[', '').replace(']', '').split()
        for at, name in enumerate(names):
            for wrong in ('a b', 'x' * 65, '', ' ', 'é', 'a/b'):
                given = [wrong if i == at else {'SERIAL': 'S1', 'UID': 'alice'}[one] for i, one in enumerate(names)]
                result = expect(2, *command.split(), *given, *more.get(command, []))
                assert told[name] in result.err and result.out == '', (command, given, result)
                tried += 1
    assert tried == 6 * 16, tried
    for words in (['session', 'list'], ['session', 'revoke'], ['audit']):
        for wrong in ('a b', 'x' * 65, ' '):
            result = expect(2, *words, '--user', wrong)
            assert told['UID'] in result.err and result.out == '', (words, result)
    assert redis('DBSIZE') == before, 'something was done'
    # Upper case and blanks around it are nobody's fault.
    refused('no account of nobody', 'user', 'show', ' NoBody ')


@test
def version_is_told():
    assert re.fullmatch(r'otpctl \d+\.\d+\.\d+\n', done('--version', globals_=False).out)


@test
def wrong_usage_leaves_with_2_and_says_why():
    for words, why in [
            ([], 'Usage'), (['bogus'], 'no command bogus'), (['key'], 'Usage'),
            (['key', 'bogus'], 'no command key bogus'),
            (['key', 'show'], 'takes SERIAL'), (['key', 'show', 'a', 'b'], 'takes SERIAL'),
            (['key', 'assign', 'S'], 'takes SERIAL UID'),
            (['key', 'list', '--bogus'], 'no option --bogus'), (['key', 'list', '-x'], 'no option -x'),
            (['key', 'list', '--reason', 'lost'], 'takes no option --reason'),
            (['key', 'list', '--state', 'odd'], 'free, assigned'),
            (['key', 'list', '--state'], 'needs a value'), (['key', 'list', '--json=1'], 'takes no value'),
            (['key', 'list', '--json', '--json'], 'twice'), (['key', 'disable', 'S'], '--reason'),
            (['key', 'disable', 'S', '--reason', 'returned'], '--reason'),
            (['key', 'generate', '--digits', '5'], '6 to 8'),
            (['key', 'generate', '--digits', '9'], '6 to 8'),
            (['key', 'generate', '--period', '4'], '5 to 3600'),
            (['key', 'generate', '--period', '3601'], '5 to 3600'),
            (['key', 'generate', '--period', '-60'], '5 to 3600'),
            (['key', 'generate', '--type', 'motp'], 'totp or hotp'),
            (['key', 'generate', '--type', 'securid'], 'totp or hotp'),
            (['key', 'generate', '--type', 'hotp', '--period', '60'], '--period'),
            (['key', 'generate', '--algorithm', 'md5'], 'sha512'), (['key', 'generate', '--serial', 'a b'], 'letters'),
            (['session', 'revoke'], 'one of'), (['session', 'revoke', '--all', '--user', 'a'], 'one of'),
            (['session', 'revoke', 'a' * 12, '--all'], 'one of'), (['audit', 'x'], 'no arguments')]:
        result = expect(2, *words)
        assert why in result.err and result.out == '', (words, result)


@test
def addresses_that_cannot_be_followed_are_usage_errors():
    for address, why in [
            ('', 'needs a value'), ('   ', 'no address'), ('h:1 sentinel=', 'sentinel=: the value'),
            ('h:1 cluster sentinel=m', 'one of them'), ('h:1 replicas=x', 'replicas=x: a number'),
            ('h:1 cluster db=1', 'no database but 0'), ('h:1 sentinel_user=u', 'need sentinel='),
            ('h:0', 'port'), ('h:65536', 'port'), ('h:x', 'port'), ('unix:', 'path'), ('unix:' + 'x' * 200, 'path'),
            ('h:1 bogus=1', 'no such option'), ('h:1 tls_ca=f', 'need the word tls'), ('h:1 user=u', 'password_file'),
            ('h:1 db=x', 'db'), ('h:1 timeout=0', 'time'), ('h:1 timeout=1d', 'time'), ('h:1 prefix=' + 'p' * 65, '64'),
            ('[::1', 'bracket'), ('[::1]x', 'bracket'), ('h:1 ' * 17, 'more than 16'), ('a/b:1', 'host name')]:
        result = run('--redis', address, '--keyring', RING, 'key', 'list', globals_=False)
        assert result.status == 2 and why in result.err, (address, result)


@test
def settings_come_from_the_command_line_then_environment_then_file():
    config = os.path.join(FOLDER, 'otpctl.conf')
    good, bad = 'unix:' + server.path, 'unix:/nowhere'
    with open(config, 'w', encoding='utf-8') as file:
        file.write('# settings\n\n redis = %s prefix=file:\nkeyring=%s\n' % (good, RING))
    done('--config', config, 'key', 'generate', '--serial', 'F1', globals_=False)
    assert redis('KEYS', 'file:key:*')
    expect(3, '--config', config, 'key', 'list', globals_=False, OTP_REDIS=bad)
    done('--config', config, '--redis', good, 'key', 'list', globals_=False, OTP_REDIS=bad)
    done('key', 'list', globals_=False, OTP_REDIS=good, OTP_KEYRING=RING)
    if not os.path.exists('/etc/otp/otpctl.conf'):
        assert 'OTP_REDIS' in expect(2, 'key', 'list', globals_=False, OTP_KEYRING=RING).err
    for line, why in [('redis', 'empty'), ('port = 1', 'not a setting'), ('redis =', 'empty'),
                      ('redis = a\nredis = b', 'twice')]:
        with open(config, 'w', encoding='utf-8') as file:
            file.write(line + '\n')
        result = expect(2, '--config', config, 'key', 'list', globals_=False)
        assert re.search(re.escape(config) + r':[12]: .*' + why, result.err), result
    expect(2, '--config', config + '.absent', 'key', 'list', globals_=False)


# --- key ring

@test
def key_ring_is_made_once_for_its_owner_alone():
    path = os.path.join(FOLDER, 'ring-made')
    old = os.umask(0)
    result = done('keyring', 'init', path, '--json', globals_=False)
    os.umask(old)
    assert result.json['keys'] == 1 and os.stat(path).st_mode & 0o777 == 0o600
    text = open(path, 'rb').read()
    assert text.startswith(b'otp-keyring 1\n') and text.split()[-1].decode() not in result.out
    refused('there already', 'keyring', 'init', path, globals_=False)
    assert open(path, 'rb').read() == text
    refused('No such file', 'keyring', 'init', os.path.join(FOLDER, 'no', 'folder'), globals_=False)


@test
def rotated_key_ring_still_reads_what_the_old_key_wrote():
    path = os.path.join(FOLDER, 'ring-rotated')
    link = os.path.join(FOLDER, 'ring-link')
    done('keyring', 'init', path, globals_=False)
    os.symlink(path, link)
    done('key', 'generate', '--serial', 'OLD', ring=path)
    current = done('keyring', 'rotate', link, '--json', globals_=False).json
    assert current['keys'] == 2 and os.path.islink(link) and os.stat(path).st_mode & 0o777 == 0o600
    done('key', 'assign', 'OLD', 'alice', ring=path)
    assert redis('GET', name_of('acct', 'alice')).split(b'.')[1].decode() == current['current']
    assert not [name for name in os.listdir(FOLDER) if name.startswith('ring-rotated.')]


@test
def rotations_at_once_lose_no_key_and_the_seventeenth_is_refused():
    path = os.path.join(FOLDER, 'ring-busy')
    done('keyring', 'init', path, globals_=False)
    at_once = [subprocess.Popen([OTPCTL, 'keyring', 'rotate', path], stdout=subprocess.DEVNULL) for _ in range(15)]
    assert [one.wait() for one in at_once] == [0] * 15
    text = open(path, 'rb').read()
    assert text.count(b'\n') == 17
    refused('16 keys', 'keyring', 'rotate', path, globals_=False)
    assert open(path, 'rb').read() == text


@test
def key_ring_that_others_could_read_is_refused_with_the_remedy():
    path = os.path.join(FOLDER, 'ring-loose')
    shutil.copy(RING, path)
    for mode in (0o644, 0o640, 0o602, 0o610):
        os.chmod(path, mode)
        refused('chmod 600', 'key', 'list', ring=path)
        refused('chmod 600', 'keyring', 'rotate', path, globals_=False)
    refused('No such file', 'key', 'list', ring=path + '.absent')
    refused('regular file', 'key', 'list', ring=FOLDER)
    os.chmod(path, 0o600)
    with open(path, 'a', encoding='utf-8') as file:
        file.write('not a key\n')
    result = refused('line', 'key', 'list', ring=path)
    assert 'not a key' not in result.err
    refused('line', 'keyring', 'rotate', path, globals_=False)


# --- keys

@test
def generated_key_is_in_the_stock_sealed():
    made = done('key', 'generate', '--json').json
    assert re.fullmatch(r'\d{10}', made['serial'])
    parts = re.fullmatch(r'otpauth://totp/OTP:(\d+)\?secret=([A-Z2-7]{32})&issuer=OTP&algorithm=SHA1&digits=6'
                         r'&period=60', made['uri'])
    assert parts and parts.group(1) == made['serial']
    shown = key(made['serial'])
    assert (shown['state'], shown['user']) == ('free', '')
    assert (shown['algorithm'], shown['digits'], shown['period']) == ('sha1', 6, 60)
    seed = base64.b32decode(parts.group(2))
    record = redis('GET', name_of('key', made['serial']))
    for form in (seed, seed.hex().encode(), parts.group(2).encode(), base64.b64encode(seed)[:20]):
        assert form not in record
    assert parts.group(2) not in done('key', 'show', made['serial']).out + done('audit').out


@test
def key_that_counts_events_is_generated_with_its_next_counter():
    made = done('key', 'generate', '--type', 'hotp', '--serial', 'HOTP-1', '--digits', '8', '--json').json
    assert re.fullmatch(r'otpauth://hotp/OTP:HOTP-1\?secret=[A-Z2-7]{32}&issuer=OTP&algorithm=SHA1&digits=8&counter=0',
                        made['uri'])
    shown = key('HOTP-1')
    assert (shown['type'], shown['digits'], shown['period'], shown['step']) == ('hotp', 8, 0, 0)
    printed = done('key', 'show', 'HOTP-1').out
    assert 'one a press' in printed and 'every' not in printed, printed
    secret = re.search('secret=([A-Z2-7]+)', made['uri']).group(1)
    code = subprocess.run(['oathtool', '--hotp', '--digits=8', '--base32', '--counter=4', secret], check=True,
                          stdout=subprocess.PIPE, text=True).stdout
    found = subprocess.run([OTPCTL, '--redis', 'unix:' + server.path, '--keyring', RING, '--json', 'key', 'identify'],
                           input=code, stdout=subprocess.PIPE, text=True, env=environment())
    assert 'HOTP-1' in found.stdout, found


@test
def parameters_of_a_generated_key_are_kept():
    for algorithm, length in (('sha256', 52), ('SHA-512', 103)):
        made = done('key', 'generate', '--serial', 'P-' + algorithm, '--period', '30', '--digits', '8',
                    '--algorithm', algorithm, '--json').json
        assert made['serial'] == 'P-' + algorithm and 'digits=8&period=30' in made['uri']
        assert len(re.search('secret=([A-Z2-7]+)', made['uri']).group(1)) == length
        assert key(made['serial'])['algorithm'] == algorithm.lower().replace('-', '')


@test
def serial_that_is_taken_is_refused_and_its_key_stays():
    stock('S1')
    before = redis('GET', name_of('key', 'S1'))
    refused('already', 'key', 'generate', '--serial', 'S1')
    assert redis('GET', name_of('key', 'S1')) == before


@test
def qr_code_is_for_terminals_only():
    assert '\u2580' not in done('key', 'generate').out
    pid, terminal = pty.fork()
    if pid == 0:
        os.execve(OTPCTL, [OTPCTL, '--redis', 'unix:' + server.path, '--keyring', RING, 'key', 'generate'],
                  environment())
    shown = b''
    try:
        while True:
            shown += os.read(terminal, 65536)
    except OSError:
        pass
    assert os.waitpid(pid, 0)[1] == 0
    assert b'otpauth://' in shown and '\u2580'.encode() in shown and b'\033[0m' in shown


@test
def output_that_does_not_arrive_is_an_error():
    with open('/dev/full', 'w', encoding='utf-8') as full:
        process = subprocess.run([OTPCTL, '--redis', 'unix:' + server.path, '--keyring', RING, 'key', 'generate'],
                                 stdout=full, stderr=subprocess.PIPE, check=False)
    assert process.returncode == 1 and b'standard output' in process.stderr


@test
def key_is_assigned_shown_and_taken_back():
    stock('S1', 'S2')
    made = done('key', 'assign', 'S1', ' Alice ', '--json').json
    assert made['verdict'] == 'ok' and made['user'] == 'alice' and made['changed']
    assert (key('S1')['state'], key('S1')['user'], key('S1')['held']) == ('assigned', 'alice', True)
    assert [held['serial'] for held in user('alice')['keys']] == ['S1']
    assert [one['serial'] for one in done('key', 'list', '--state', 'free', '--json').json] == ['S2']
    assert [one['serial'] for one in done('key', 'list', '--state', 'assigned', '--json').json] == ['S1']
    assert 'alice' in done('key', 'list').out and 'S1' in done('user', 'list').out
    done('key', 'unassign', 'S1')
    assert key('S1')['state'] == 'free' and user('alice')['keys'] == []


@test
def everything_may_be_done_twice():
    stock('S1')
    for words in (['key', 'assign', 'S1', 'alice'], ['key', 'disable', 'S1', '--reason', 'lost'],
                  ['key', 'enable', 'S1'], ['key', 'unassign', 'S1']):
        assert done(*words, '--json').json['changed'], words
        count, before = len(events()), records()
        again = done(*words, '--json').json
        assert not again['changed'] and records() == before and len(events()) == count, words


@test
def key_of_somebody_else_or_disabled_is_not_assigned():
    stock('S1', 'S2')
    done('key', 'assign', 'S1', 'alice')
    refused('assigned to alice', 'key', 'assign', 'S1', 'bob')
    done('key', 'disable', 'S2', '--reason', 'broken')
    refused('disabled (broken)', 'key', 'assign', 'S2', 'bob')
    assert redis('KEYS', 'otp:acct:*:bob') == []
    refused('not in the stock', 'key', 'assign', 'NONE', 'bob')


@test
def fifth_key_of_one_person_is_refused_and_stays_free():
    serials = ['K%d' % i for i in range(5)]
    stock(*serials)
    for serial in serials[:4]:
        done('key', 'assign', serial, 'alice')
    before = len(events())
    refused('as many keys', 'key', 'assign', 'K4', 'alice')
    told = events()[before:]
    assert key('K4')['state'] == 'free' and [(one['verdict'], one['reason']) for one in told] == [('refused', 'full')]


@test
def step_and_drift_go_with_the_key_to_its_next_holder_and_the_pin_does_not():
    stock('S1')
    done('key', 'assign', 'S1', 'alice')
    account('alice', 'S1', pin='4711', step=29000000, drift=-2, used=1700000000)
    done('key', 'unassign', 'S1')
    assert (key('S1')['step'], key('S1')['drift']) == (29000000, -2)
    done('key', 'assign', 'S1', 'bob')
    held = user('bob')['keys'][0]
    assert (held['step'], held['drift'], held['pin'], held['used']) == (29000000, -2, 'none', 0)


@test
def disabled_key_is_disabled_in_both_records_until_it_is_enabled():
    stock('S1')
    done('key', 'assign', 'S1', 'alice')
    account('alice', 'S1', pin='4711', step=5, failures=2, pending=1)
    done('key', 'disable', 'S1', '--reason', 'stolen')
    assert (key('S1')['state'], key('S1')['reason']) == ('disabled', 'stolen')
    one = user('alice')
    assert (one['keys'][0]['state'], one['keys'][0]['reason'], one['pending']) == ('disabled', 'stolen', 'none')
    assert (one['keys'][0]['pin'], one['failures']) == ('set', 2)
    assert [k['serial'] for k in done('key', 'list', '--state', 'disabled', '--json').json] == ['S1']
    done('key', 'enable', 'S1')
    assert user('alice')['keys'][0]['state'] == 'usable' and key('S1')['state'] == 'assigned'
    done('key', 'disable', 'S1', '--reason', 'lost')
    done('key', 'unassign', 'S1')
    assert (key('S1')['state'], key('S1')['reason'], key('S1')['user']) == ('disabled', 'lost', '')


@test
def only_a_free_key_is_deleted():
    stock('S1')
    done('key', 'assign', 'S1', 'alice')
    refused('assigned to alice', 'key', 'delete', 'S1')
    done('key', 'unassign', 'S1')
    done('key', 'delete', 'S1')
    refused('not in the stock', 'key', 'delete', 'S1')
    refused('not in the stock', 'key', 'show', 'S1')


@test
def one_of_many_assignments_at_once_wins():
    stock('S1')
    command = [OTPCTL, '--redis', 'unix:' + server.path, '--keyring', RING, 'key', 'assign', 'S1']
    for _ in range(5):
        people = ['person%d' % i for i in range(8)]
        at_once = [subprocess.Popen(command + [uid], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                   for uid in people]
        statuses = [one.wait() for one in at_once]
        assert sorted(statuses) == [0] + [1] * 7, statuses
        winner = people[statuses.index(0)]
        assert key('S1')['user'] == winner and key('S1')['held']
        assert [one['user'] for one in done('user', 'list', '--json').json if one['keys']] == [winner]
        done('key', 'unassign', 'S1')


@test
def one_of_many_keys_with_one_serial_is_made():
    command = [OTPCTL, '--redis', 'unix:' + server.path, '--keyring', RING, 'key', 'generate', '--serial', 'S1']
    at_once = [subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for _ in range(8)]
    assert sorted(one.wait() for one in at_once) == [0] + [1] * 7


# --- somebody else is faster

def while_writing(interfere, status, *words):
    """The command, with something done by somebody else between its reading and its first writing."""
    with Proxy(server, before_write=interfere) as proxy:
        return expect(status, *words, address=proxy.address + ' timeout=10s')


@test
def key_assigned_by_somebody_else_meanwhile_is_refused():
    stock('S1')
    result = while_writing(lambda: done('key', 'assign', 'S1', 'bob'), 1, 'key', 'assign', 'S1', 'alice')
    assert 'assigned to bob' in result.err
    assert key('S1')['user'] == 'bob' and user('alice')['keys'] == []


@test
def key_goes_back_when_the_account_was_filled_meanwhile():
    serials = ['K%d' % i for i in range(5)]
    stock(*serials)

    def fill():
        for serial in serials[:4]:
            done('key', 'assign', serial, 'alice')
    result = while_writing(fill, 1, 'key', 'assign', 'K4', 'alice')
    assert 'as many keys' in result.err and key('K4')['state'] == 'free'
    assert len(user('alice')['keys']) == 4


@test
def change_of_a_portal_meanwhile_is_kept():
    assigned()
    while_writing(lambda: account('alice', 'S1', pin='4711', step=99, failures=7), 0, 'pin', 'clear', 'alice')
    one = user('alice')
    assert (one['keys'][0]['step'], one['keys'][0]['pin'], one['failures']) == (99, 'none', 7)


@test
def code_accepted_while_its_key_is_taken_back_stays_used():
    assigned()
    while_writing(lambda: account('alice', 'S1', pin='4711', step=99), 0, 'key', 'unassign', 'S1')
    assert key('S1')['step'] == 99


@test
def key_that_changes_hands_while_it_is_disabled_is_disabled_with_its_new_holder():
    assigned()
    stock('S2')
    done('key', 'assign', 'S2', 'alice')

    def pass_on():
        done('key', 'unassign', 'S1')
        done('key', 'assign', 'S1', 'bob')
    while_writing(pass_on, 0, 'key', 'disable', 'S1', '--reason', 'stolen')
    assert user('bob')['keys'][0]['state'] == 'disabled' and key('S1')['reason'] == 'stolen'
    assert [one['serial'] for one in user('alice')['keys'] if one['state'] == 'usable'] == ['S2']


@test
def key_deleted_or_assigned_meanwhile_is_not_deleted_again():
    stock('S1', 'S2')
    while_writing(lambda: done('key', 'delete', 'S1'), 1, 'key', 'delete', 'S1')
    while_writing(lambda: done('key', 'assign', 'S2', 'bob'), 1, 'key', 'delete', 'S2')
    assert key('S2')['user'] == 'bob'
    while_writing(lambda: stock('S3'), 1, 'key', 'generate', '--serial', 'S3')


@test
def session_that_changes_while_it_is_lowered_is_lowered_as_it_is_now():
    assigned()
    session('a', 'alice', serial='S1')
    with Proxy(server, before_write=None) as proxy:
        calls = []

        def again():
            calls.append(1)
            if len(calls) == 3:     # the account, the stock, then the session
                session('a', 'alice', serial='S1', age=50)
            else:
                proxy.before_write = again
        proxy.before_write = again
        done('key', 'disable', 'S1', '--reason', 'lost', address=proxy.address + ' timeout=10s')
    assert [(one['level'], one['serial']) for one in sessions().values()] == [('password', '')]


# --- crashes between two writes

def crash_and_repair(prepare, words):
    """Cuts the command off after each of its writes; doing it again must end where an uncut one ends."""
    redis('FLUSHALL')
    prepare()
    done(*words)
    goal, goal_sessions = records(), sessions()
    writes = 0
    while True:
        redis('FLUSHALL')
        prepare()
        with Proxy(server, cut_after=writes + 1) as proxy:
            result = run(*words, address=proxy.address)
            was_cut = proxy.cut
        assert result.status == (3 if was_cut else 0), (writes, result)
        usable = [one['user'] for one in done('user', 'list', '--json').json for held in one['keys']
                  if held['state'] == 'usable']
        assert len(usable) <= 1, (writes, usable)
        done(*words)
        assert records() == goal, (writes, records(), goal)
        assert sessions() == goal_sessions, (writes, sessions(), goal_sessions)
        if not was_cut:
            return writes
        writes += 1


@test
def assignment_cut_off_anywhere_is_completed_by_doing_it_again():
    assert crash_and_repair(lambda: stock('S1'), ['key', 'assign', 'S1', 'alice']) == 3


def assigned():
    stock('S1')
    done('key', 'assign', 'S1', 'alice')
    account('alice', 'S1', pin='4711', step=77, drift=1)


def assigned_and_signed_in():
    assigned()
    session('proven', 'alice', serial='S1', now=NOON)
    session('key-only', 'alice', serial='S1', proven=0, now=NOON)


@test
def return_cut_off_anywhere_is_completed_by_doing_it_again():
    assert crash_and_repair(assigned_and_signed_in, ['key', 'unassign', 'S1']) == 4 + 2 + 1
    assert sessions() == {}


@test
def disabling_cut_off_anywhere_is_completed_by_doing_it_again():
    assert crash_and_repair(assigned_and_signed_in, ['key', 'disable', 'S1', '--reason', 'lost']) == 2 + 2 + 1
    assert [one['level'] for one in sessions().values()] == ['password']


@test
def enabling_cut_off_anywhere_is_completed_by_doing_it_again():
    def prepare():
        assigned()
        done('key', 'disable', 'S1', '--reason', 'lost')
    assert crash_and_repair(prepare, ['key', 'enable', 'S1']) == 3


@test
def key_whose_return_was_cut_off_is_nobody_elses_before_that_is_finished():
    for cut, held in ((1, ['returned']), (2, ['returned']), (3, []), (4, [])):
        redis('FLUSHALL')
        assigned()
        with Proxy(server, cut_after=cut) as proxy:
            expect(3, 'key', 'unassign', 'S1', address=proxy.address)
        assert [one['reason'] for one in user('alice')['keys']] == held, cut
        if cut < 4:
            refused('unassign S1', 'key', 'assign', 'S1', 'bob')
            done('key', 'unassign', 'S1')
        assert user('alice')['keys'] == [] and key('S1')['state'] == 'free'
        done('key', 'assign', 'S1', 'bob')
        assert user('bob')['keys'][0]['step'] == 77


@test
def key_being_returned_is_neither_enabled_nor_assigned_before_that_is_finished():
    assigned()
    with Proxy(server, cut_after=1) as proxy:
        expect(3, 'key', 'unassign', 'S1', address=proxy.address)
    refused('unassign S1', 'key', 'enable', 'S1')
    refused('unassign S1', 'key', 'assign', 'S1', 'alice')
    assert (key('S1')['user'], key('S1')['state'], key('S1')['reason']) == ('alice', 'disabled', 'returned')
    done('key', 'unassign', 'S1')
    done('key', 'assign', 'S1', 'alice')
    assert user('alice')['keys'][0]['step'] == 77


@test
def every_change_of_a_record_has_an_event_and_every_command_one_that_is_ok():
    assigned()
    redis('EVAL', "for _, k in ipairs(redis.call('KEYS', 'otp:events:*')) do redis.call('DEL', k) end", 0)
    for words, writes in ((['key', 'disable', 'S1', '--reason', 'lost'], 2), (['key', 'enable', 'S1'], 3),
                          (['key', 'unassign', 'S1'], 4), (['key', 'assign', 'S1', 'bob'], 3),
                          (['pin', 'clear', 'bob'], 0),
                          (['key', 'unassign', 'S1'], 3), (['key', 'disable', 'S1', '--reason', 'broken'], 1),
                          (['key', 'delete', 'S1'], 1)):
        before = len(events())
        done(*words)
        new = events()[before:]
        assert len(new) == writes, (words, new)
        assert [e['verdict'] for e in new].count('ok') == min(writes, 1), (words, new)
        assert all(e['event'] == '_'.join(words[:2]) and e['actor'].startswith('otpctl:') for e in new), new
        assert all(e.get('serial') == 'S1' for e in new)


# --- people

@test
def cleared_pin_leaves_everything_else():
    assigned()
    account('alice', 'S1', pin='4711', step=77, drift=1, failures=3, locked_until=4000000000, pending=1)
    assert done('pin', 'clear', 'alice', '--json').json == {'verdict': 'ok', 'changed': True, 'user': 'alice'}
    one = user('alice')
    assert (one['keys'][0]['pin'], one['pending'], one['failures'], one['locked']) == ('none', 'none', 3, True)
    assert one['keys'][0]['step'] == 77
    assert not done('pin', 'clear', 'alice', '--json').json['changed']


@test
def unlocking_forgets_failures_and_lock():
    assigned()
    account('alice', 'S1', pin='4711', failures=12, locked_until=4000000000)
    assert user('alice')['locked'] and 'until' in done('user', 'show', 'alice').out
    done('user', 'unlock', 'ALICE')
    one = user('alice')
    assert (one['failures'], one['locked_until'], one['locked'], one['keys'][0]['pin']) == (0, 0, False, 'set')
    assert events('--user', 'alice')[-1]['event'] == 'user_unlock'


@test
def person_without_account_is_not_found():
    for words in (['user', 'show'], ['user', 'unlock'], ['pin', 'clear']):
        refused('no account of nobody', *words, 'nobody')
    # Nothing but what says that nothing was done.
    told = events()
    assert [(one['event'], one['verdict']) for one in told] == [('pin_clear', 'refused')], told
    assert redis('DBSIZE') == 1


@test
def people_and_keys_are_listed_in_order():
    serials = ['S%02d' % i for i in range(30)]
    stock(*serials)
    people = ['p%02d' % i for i in range(30)]
    for serial, uid in zip(reversed(serials), people):
        done('key', 'assign', serial, uid)
    assert [one['user'] for one in done('user', 'list', '--json').json] == people
    assert [one['serial'] for one in done('key', 'list', '--json').json] == serials


@test
def forged_moved_and_damaged_records_are_named_and_never_believed():
    stock('S1')
    done('key', 'assign', 'S1', 'alice')
    done('key', 'generate', '--serial', 'S2')
    record = redis('GET', name_of('acct', 'alice'))
    redis('SET', 'otp:acct:%s:mallory' % tag('mallory'), record)
    refused('cannot be read', 'user', 'show', 'mallory')
    refused('cannot be read', 'key', 'assign', 'S2', 'mallory')
    assert key('S2')['state'] == 'free'
    refused('cannot be read', 'user', 'unlock', 'mallory')
    result = refused('mallory', 'user', 'list', '--json')
    assert [one['user'] for one in result.json] == ['alice']
    redis('SET', name_of('key', 'S1'), b'1.00000000.x.{}')
    refused('cannot be read', 'key', 'show', 'S1')
    redis('SET', name_of('acct', 'alice'), b'x' * 20000)
    refused('cannot be read', 'user', 'show', 'alice')


@test
def prefix_is_text_and_not_a_pattern():
    for prefix in ('a*b?[c]\\d:', 'other:'):
        address = 'unix:%s prefix=%s' % (server.path, prefix)
        done('key', 'generate', '--serial', 'IN', address=address)
        done('key', 'assign', 'IN', 'alice', address=address)
        assert [one['serial'] for one in done('key', 'list', '--json', address=address).json] == ['IN']
    stock('OUT')
    assert [one['serial'] for one in done('key', 'list', '--json').json] == ['OUT']
    done('key', 'generate', '--serial', 'DB', address='unix:%s db=3' % server.path)
    assert [one['serial'] for one in done('key', 'list', '--json').json] == ['OUT']


# --- sessions

@test
def sessions_are_listed_with_what_they_are_worth():
    a = session('a', 'alice', serial='S1')
    session('b', 'bob', level=1, method=0)
    session('old', 'bob', life=-5)
    listed = sessions()
    assert set(listed) == {a[:12], hashlib.sha256(b'b').hexdigest()[:12]}
    one = listed[a[:12]]
    assert (one['user'], one['level'], one['method'], one['serial']) == ('alice', 'otp', 'key', 'S1')
    assert set(sessions('--user', 'ALICE')) == {a[:12]}
    assert a[:12] in done('session', 'list').out and a[12:] not in done('session', 'list').out
    redis('DEL', 'otp:seen:{%s}' % a)
    assert a[:12] not in sessions()


@test
def disabling_a_key_takes_its_level_from_every_session():
    stock('S1')
    done('key', 'assign', 'S1', 'alice')
    lowered = session('lowered', 'alice', serial='S1')
    ended = session('ended', 'alice', serial='S1', proven=0)
    unindexed = session('unindexed', 'alice', serial='S1', indexed=False)
    plain = session('plain', 'alice', level=1, method=0)
    other = session('other', 'alice', serial='S2')
    stranger = session('stranger', 'bob', serial='S1')
    made = done('key', 'disable', 'S1', '--reason', 'stolen', '--json').json
    assert (made['sessions_lowered'], made['sessions_ended']) == (2, 1)
    listed = sessions()
    assert ended[:12] not in listed and redis('EXISTS', 'otp:sess:{%s}' % ended, 'otp:seen:{%s}' % ended) == 0
    for one in (lowered, unindexed):
        one = listed[one[:12]]
        assert (one['level'], one['method'], one['serial'], one['otp_time']) == ('password', 'password', '', 0)
    assert 3500 < redis('TTL', 'otp:sess:{%s}' % lowered) <= 3600
    assert [listed[one[:12]]['level'] for one in (plain, other, stranger)] == ['password', 'otp', 'otp']


@test
def taking_a_key_back_ends_the_sessions_opened_with_it():
    assigned()
    session('proven', 'alice', serial='S1')
    session('key-only', 'alice', serial='S1', proven=0)
    kept = session('plain', 'alice', level=1, method=0)
    assert done('key', 'unassign', 'S1', '--json').json['sessions_ended'] == 2
    assert set(sessions()) == {kept[:12]}


@test
def session_is_revoked_by_its_public_id():
    a, b = session('a', 'alice', serial='S1'), session('b', 'alice')
    done('session', 'revoke', a[:12])
    assert set(sessions()) == {b[:12]}
    assert redis('KEYS', '*%s*' % a) == []
    assert redis('ZRANGE', redis('KEYS', 'otp:user:*')[0], 0, -1) == [b.encode()]
    event = events()[-1]
    assert (event['event'], event['verdict']) == ('session_revoke', 'ok')
    assert (event['user'], event['session']) == ('alice', a[:12])
    refused('no session', 'session', 'revoke', a[:12])
    for wrong in ('*', 'abc', 'A' * 12, '?' * 12, '0' * 65):
        assert 'session id' in expect(2, 'session', 'revoke', wrong).err
    assert set(sessions()) == {b[:12]}


@test
def sessions_of_one_person_or_of_all_are_revoked():
    session('a', 'alice')
    session('a2', 'alice', indexed=False)
    b = session('b', 'bob')
    other = session('elsewhere', 'alice', prefix='other:')
    assert done('session', 'revoke', '--user', 'Alice', '--json').json == {'verdict': 'ok', 'sessions_ended': 2}
    assert set(sessions()) == {b[:12]} and events()[-1]['user'] == 'alice'
    for i in range(150):
        session('many%d' % i, 'p%d' % (i % 7))
    redis('SET', 'otp:sess:{%s}' % ('f' * 64), 'forged')
    assert done('session', 'revoke', '--all', '--json').json['sessions_ended'] == 152
    assert redis('KEYS', 'otp:sess:*') == [] and redis('EXISTS', 'other:sess:{%s}' % other) == 1
    assert redis('KEYS', 'otp:user:*') == [] and events()[-1]['reason'] == 'all'


# --- audit

@test
def audit_is_merged_in_the_order_of_time_and_filtered():
    people = ['p%d' % i for i in range(40)]
    for n in range(3000):
        uid = people[n * 7 % 40]
        line = json.dumps({'time': 't%04d' % n, 'event': 'passcode', 'verdict': 'ok', 'user': uid})
        redis('XADD', 'otp:events:' + tag(uid), '%d-0' % (1000 + n), 'e', line)
    assert [e['time'] for e in events()] == ['t%04d' % n for n in range(3000)]
    mine = events('--user', 'P3')
    assert len(mine) == 75 and {e['user'] for e in mine} == {'p3'}


@test
def lines_that_are_no_events_are_left_out_and_cannot_speak_to_the_terminal():
    for line in ('nonsense', '[]x', '{"event":"a"', '{"event":"two",\n"verdict":"\\u001b[2J\u009b"}'):
        redis('XADD', 'otp:events:{0}', '*', 'e', line)
    redis('XADD', 'otp:events:{0}', '*', 'other', 'x')
    out = done('audit').out
    assert out.count('\n') == 1 and json.loads(out)['event'] == 'two' and '\u001b' not in out and '\u009b' not in out


@test
def followed_audit_begins_with_the_last_ten_and_goes_on():
    for n in range(25):
        redis('XADD', 'otp:events:{%x}' % (n % 16), '*', 'e', json.dumps({'event': 'n%d' % n, 'user': 'alice'}))
        time.sleep(0.002)
    process = subprocess.Popen([OTPCTL, '--redis', 'unix:' + server.path, 'audit', '--follow', '--user', 'alice'],
                               stdout=subprocess.PIPE, env=environment())
    try:
        first = [json.loads(process.stdout.readline())['event'] for _ in range(10)]
        assert first == ['n%d' % n for n in range(15, 25)], first
        redis('XADD', 'otp:events:{3}', '*', 'e', json.dumps({'event': 'not mine', 'user': 'bob'}))
        redis('XADD', 'otp:events:{4}', '*', 'e', json.dumps({'event': 'new', 'user': 'alice'}))
        assert select.select([process.stdout], [], [], 30)[0]
        assert json.loads(process.stdout.readline())['event'] == 'new'
        time.sleep(1.2)     # through an empty answer of Redis
        redis('XADD', 'otp:events:{5}', '*', 'e', json.dumps({'event': 'newer', 'user': 'alice'}))
        assert json.loads(process.stdout.readline())['event'] == 'newer'
        assert process.poll() is None
    finally:
        process.kill()
        process.wait()


# --- faults

@test
def redis_out_of_reach_is_3_within_the_timeout():
    expect(3, 'key', 'list', address='unix:/nowhere')
    expect(3, 'key', 'list', address='127.0.0.1:1')
    assert 'resolved' in expect(3, 'key', 'list', address='no-such-host.invalid:1').err
    server.freeze()
    try:
        # It never answers: that the command ends at all is what the timeout does.
        assert 'in time' in expect(3, 'key', 'list', address='unix:%s timeout=300ms' % server.path).err
    finally:
        server.thaw()
    done('key', 'list', address='unix:/nowhere unix:%s' % server.path)


@test
def refusals_of_redis_change_nothing_and_name_the_remedy():
    stock('S1')
    redis('CONFIG', 'SET', 'maxmemory', '1')
    try:
        refused('maxmemory', 'key', 'assign', 'S1', 'alice')
    finally:
        redis('CONFIG', 'SET', 'maxmemory', '0')
    redis('REPLICAOF', '127.0.0.1', '1')
    try:
        refused('replica', 'key', 'assign', 'S1', 'alice')
        expect(3, 'key', 'list', address='unix:%s unix:%s' % (server.path, server.path))
    finally:
        redis('REPLICAOF', 'NO', 'ONE')
    assert key('S1')['state'] == 'free'
    redis('SET', 'otp:events:' + tag('S1'), 'no stream')
    refused('WRONGTYPE', 'key', 'disable', 'S1', '--reason', 'lost')
    assert key('S1')['state'] == 'free'
    redis('SET', 'otp:events:' + tag('alice'), 'no stream')
    a = session('a', 'alice')
    refused('WRONGTYPE', 'session', 'revoke', '--user', 'alice')
    assert a[:12] in sessions()


@test
def restart_of_redis_that_forgets_the_script_is_not_noticed():
    stock('S1')
    redis('SCRIPT', 'FLUSH')
    done('key', 'assign', 'S1', 'alice')


@test
def redis_signs_in_with_a_password_from_a_safe_file():
    path = os.path.join(FOLDER, 'password')
    with open(path, 'w', encoding='utf-8') as file:
        file.write('s3cret\n')
    os.chmod(path, 0o600)
    redis('ACL', 'SETUSER', 'otpctl', 'on', '>s3cret', '~*', '&*', '+@all')
    redis('CONFIG', 'SET', 'requirepass', 's3cret')
    try:
        assert 'password_file' in expect(3, 'key', 'list').err
        address = 'unix:%s password_file=%s' % (server.path, path)
        done('key', 'list', address=address)
        done('key', 'list', address=address + ' user=otpctl')
        result = expect(3, 'key', 'list', address=address + ' user=stranger')
        assert 's3cret' not in result.err
        os.chmod(path, 0o644)
        assert 'chmod' in expect(1, 'key', 'list', address=address).err
        os.unlink(path)
        assert 'password_file' in expect(1, 'key', 'list', address=address).err
    finally:
        redis('CONFIG', 'SET', 'requirepass', '')
        redis('ACL', 'DELUSER', 'otpctl')


def certificate(folder, name, issuer=None, subject='/CN=test', more=()):
    prefix = os.path.join(folder, name)
    command = ['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes',
               '-days', '2', '-subj', subject, '-keyout', prefix + '.key', '-out', prefix + '.crt', *more]
    if issuer:
        command += ['-CA', issuer + '.crt', '-CAkey', issuer + '.key']
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    return prefix


@test
def tls_goes_to_the_named_server_of_the_named_authority_only():
    authority = certificate(FOLDER, 'authority', subject='/CN=authority')
    stranger = certificate(FOLDER, 'stranger', subject='/CN=stranger')
    leaf = certificate(FOLDER, 'leaf', authority, '/CN=redis.test',
                       ('-addext', 'subjectAltName=DNS:redis.test,DNS:localhost',
                        '-addext', 'basicConstraints=critical,CA:FALSE'))
    port = os.environ.get('OTPCTL_TEST_PORT', '7410')
    tls = Server('--bind', '127.0.0.1', '--tls-port', port, '--tls-cert-file', leaf + '.crt',
                 '--tls-key-file', leaf + '.key', '--tls-ca-cert-file', authority + '.crt',
                 '--tls-auth-clients', 'no', name='tls')
    try:
        address = '127.0.0.1:%s tls tls_ca=%s.crt' % (port, authority)
        done('key', 'generate', '--serial', 'T1', address=address + ' tls_name=redis.test')
        done('key', 'list', address=address.replace('127.0.0.1', 'localhost'))
        assert tls.client('KEYS', 'otp:key:*')
        for wrong in (address + ' tls_name=other.test', address, '127.0.0.1:%s tls tls_name=redis.test' % port,
                      '127.0.0.1:%s tls tls_ca=%s.crt tls_name=redis.test' % (port, stranger),
                      '127.0.0.1:%s tls tls_ca=/nowhere tls_name=redis.test' % port, '127.0.0.1:%s' % port):
            result = expect(3, 'key', 'list', address=wrong)
            assert result.out == '', (wrong, result)
        assert 'certificate is refused' in expect(3, 'key', 'list', address=address + ' tls_name=other.test').err
    finally:
        tls.stop()


# --- doctor

def doctor(status, **options):
    result = expect(status, 'doctor', '--json', **options)
    return {one['name']: one for one in result.json['checks']}


@test
def doctor_finds_a_sound_installation_sound():
    stock('S1')
    done('key', 'assign', 'S1', 'alice')
    checks = doctor(0)
    assert {name: one['status'] for name, one in checks.items()} == {
        'redis': 'ok', 'version': 'ok', 'persistence': 'ok', 'eviction': 'ok', 'replicas': 'warning', 'clock': 'ok',
        'default user': 'ok', 'mail': 'ok', 'keyring': 'ok', 'records': 'ok'}, checks
    assert all(one['remedy'] for one in checks.values() if one['status'] != 'ok')
    assert 'replicas' in done('doctor').out


@test
def doctor_names_each_fault_and_what_to_change():
    for setting, value, back, name, status, remedy in [
            ('maxmemory-policy', 'allkeys-lru', 'noeviction', 'eviction', 'fault', 'noeviction'),
            ('appendonly', 'no', 'yes', 'persistence', 'warning', 'appendonly yes')]:
        redis('CONFIG', 'SET', setting, value)
        try:
            one = doctor(1 if status == 'fault' else 0)[name]
            assert one['status'] == status and remedy in one['remedy'], one
            if setting == 'appendonly':
                redis('CONFIG', 'SET', 'save', '')
                assert doctor(1)[name]['status'] == 'fault'
        finally:
            redis('CONFIG', 'SET', setting, back)
            redis('CONFIG', 'SET', 'save', '3600 1')
    redis('REPLICAOF', '127.0.0.1', '1')
    try:
        assert doctor(1)['replicas']['status'] == 'fault'
    finally:
        redis('REPLICAOF', 'NO', 'ONE')


@test
def doctor_tells_a_wrong_key_ring_and_an_absent_redis():
    stock('S1')
    done('key', 'assign', 'S1', 'alice')
    path = os.path.join(FOLDER, 'ring-wrong')
    done('keyring', 'init', path, globals_=False)
    assert doctor(1, ring=path)['records']['status'] == 'fault'
    os.chmod(path, 0o644)
    assert 'chmod 600' in doctor(1, ring=path)['keyring']['text']
    checks = doctor(3, address='unix:/nowhere')
    assert checks['redis']['status'] == 'fault' and checks['keyring']['status'] == 'ok'


def begin():
    global redis
    redis = Client(server.path)
    redis('FLUSHALL')


def main():
    global server
    server = Server()
    try:
        done('keyring', 'init', RING, globals_=False)
        return run_tests(sys.argv[4] if len(sys.argv) > 4 else '', begin)
    finally:
        server.stop()
        shutil.rmtree(FOLDER)


if __name__ == '__main__':
    sys.exit(main())
