#!/usr/bin/env python3
"""otpctl export, import, keyring rewrap and key drift, against a Redis of their own.  TAP on standard output.

    test_archive.py OTPCTL RECORD_MAKE [WORD]       only the tests whose name holds WORD
"""
import base64
import hashlib
import hmac
import json
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import time
import urllib.parse

from otpctl_lab import environment, run_tests, test
from redis_lab import Server

OTPCTL, RECORD_MAKE = (os.path.abspath(path) for path in sys.argv[1:3])
FOLDER = tempfile.mkdtemp(prefix='otpctl-archive-')
RING = os.path.join(FOLDER, 'keyring')
NOW = int(time.time())
server = None


def run(*words, ring=RING, prefix=None, given=b''):
    address = 'unix:' + server.path + (' prefix=' + prefix if prefix else '')
    return subprocess.run([OTPCTL, '--redis', address, '--keyring', ring, *words], input=given, timeout=60,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment())


def done(*words, **options):
    result = run(*words, **options)
    assert result.returncode == 0, '%s: exit %d %s%s' % (words, result.returncode, result.stdout, result.stderr)
    return result.stdout


def refused(text, *words, **options):
    result = run(*words, **options)
    assert result.returncode == 1 and text in result.stderr.decode(), '%s: exit %d %s%s' % (
        words, result.returncode, result.stdout, result.stderr)


def redis(*words):
    return server.client(*words)


def record(name):
    found = redis('KEYS', 'otp:' + name)
    assert len(found) == 1, (name, found)
    return found[0], redis('GET', found[0])


def make(uid, serial, *numbers):
    """What a portal would have made of the account: PIN STEP DRIFT USED FAILURES LOCKED_UNTIL PENDING."""
    name, stored = record('acct:{?}:' + uid)
    changed = subprocess.run([RECORD_MAKE, RING, 'account', name.decode(), serial, *(str(n) for n in numbers)],
                             input=stored, stdout=subprocess.PIPE, check=True)
    redis('SET', name, changed.stdout)


def records():
    return {name: redis('GET', name) for name in redis('KEYS', 'otp:*')
            if name.startswith((b'otp:acct:', b'otp:key:'))}


def fleet():
    """Three keys, two of them assigned, one of these with a PIN, a spent step and failures."""
    for serial in ('1001', '1002', '1003'):
        done('key', 'generate', '--serial', serial)
    done('key', 'assign', '1001', 'marie.dupont')
    done('key', 'assign', '1002', 'jean@example.org')
    make('marie.dupont', '1001', '4826', NOW // 60, 3, NOW, 4, 0, 0)
    done('key', 'disable', '1002', '--reason', 'lost')


@test
def what_was_exported_comes_back_byte_for_byte():
    fleet()
    before = records()
    archive = done('export')
    redis('FLUSHALL')
    answer = json.loads(done('import', '--json', given=archive))
    none = {'verdict': 'ok', 'raised': 0, 'kept': 0, 'left_out': 0, 'uncertain': []}
    assert answer == dict(none, imported=5, same=0), answer
    assert records() == before
    again = json.loads(done('import', '--json', given=archive))
    assert again == dict(none, imported=0, same=5), again


@test
def an_export_tells_nothing_but_who_has_an_account_and_which_keys_there_are():
    fleet()
    archive = done('export')
    for secret in (b'"seed"', b'"pin"', b'"failures"', b'"step"'):
        assert secret not in archive, secret
    assert archive.count(b'\n') == 7


@test
def every_change_of_the_file_is_refused_and_nothing_is_imported():
    fleet()
    lines = done('export').splitlines(keepends=True)
    other = os.path.join(FOLDER, 'other')
    if not os.path.exists(other):
        subprocess.run([OTPCTL, 'keyring', 'init', other], check=True, stdout=subprocess.DEVNULL)
    redis('FLUSHALL')
    swapped = lines[:2] + [lines[3], lines[2]] + lines[4:]
    sealed = json.loads(lines[2])
    sealed['id'] = '9999'
    renamed = lines[:2] + [json.dumps(sealed).encode() + b'\n'] + lines[3:]
    faults = {
        'the end is missing': lines[:-1], 'lines before it were changed': lines[:3] + lines[4:],
        'lines before': swapped, 'not a line of an export': renamed,
        'not the beginning': lines[1:], 'something after the end': lines + lines[1:2],
        'the end is missing: the file was cut': [],
    }
    for text, changed in faults.items():
        refused(text, 'import', given=b''.join(changed))
        assert records() == {}, text
    refused('the key ring lacks', 'import', given=b''.join(lines), ring=other)
    refused('nothing was imported', 'import', given=b'\0\xff' * 5000)


@test
def what_is_there_stays():
    fleet()
    archive = done('export')
    make('marie.dupont', '1001', '', NOW // 60 + 5, 0, NOW, 0, 0, 0)
    after = records()
    answer = json.loads(done('import', '--json', given=archive))
    assert answer['kept'] == 1 and answer['same'] == 4 and records() == after, answer
    assert run('import', '--replace', given=archive).returncode == 2


@test
def a_code_accepted_since_by_whoever_has_the_key_stays_spent():
    fleet()
    archive = done('export')
    make('marie.dupont', '1001', '', NOW // 60 + 5, 0, NOW, 0, 0, 0)
    done('key', 'unassign', '1001')
    redis('DEL', record('acct:{?}:marie.dupont')[0])
    answer = json.loads(done('import', '--json', given=archive))
    assert answer['imported'] == 1 and answer['left_out'] == 1, answer
    assert json.loads(done('user', 'show', 'marie.dupont', '--json'))['keys'] == []
    assert json.loads(done('key', 'show', '1001', '--json'))['step'] == NOW // 60 + 5
    redis('DEL', record('key:{?}:1001')[0], record('acct:{?}:marie.dupont')[0])
    done('import', given=archive)
    assert json.loads(done('key', 'show', '1001', '--json'))['step'] == NOW // 60


@test
def a_key_that_somebody_asks_for_is_in_the_list_again():
    fleet()
    name, stored = record('key:{?}:1003')
    made = subprocess.run([RECORD_MAKE, RING, 'wanted', name.decode(), 'paul', str(NOW)], input=stored,
                          stdout=subprocess.PIPE, check=True)
    redis('SET', name, made.stdout)
    archive = done('export')
    redis('FLUSHALL')
    done('import', given=archive)
    waiting = redis('KEYS', 'otp:wait:*')
    assert len(waiting) == 1 and redis('ZRANGE', waiting[0], 0, -1, 'WITHSCORES') == [b'1003', str(NOW).encode()]


@test
def raise_floor_makes_codes_up_to_now_used():
    fleet()
    archive = done('export')
    redis('FLUSHALL')
    done('import', '--raise-floor', given=archive)
    show = json.loads(done('user', 'show', 'marie.dupont', '--json'))
    assert show['keys'][0]['step'] >= NOW // 60 + 3, show


def counter(serial):
    """A key that counts events: the function from its counter to its code."""
    made = json.loads(done('key', 'generate', '--type', 'hotp', '--serial', serial, '--json'))
    secret = urllib.parse.parse_qs(urllib.parse.urlparse(made['uri']).query)['secret'][0]
    seed = base64.b32decode(secret + '=' * (-len(secret) % 8))

    def code(count):
        digest = hmac.new(seed, struct.pack('>Q', count), hashlib.sha1).digest()
        number, = struct.unpack_from('>I', digest, digest[-1] & 15)
        return b'%06d' % ((number & 0x7fffffff) % 10 ** 6)

    return code


def copy_of(uid, serial):
    keys = json.loads(done('user', 'show', uid, '--json'))['keys']
    return next((key for key in keys if key['serial'] == serial), None)


def stock_of(serial):
    return json.loads(done('key', 'show', serial, '--json'))


@test
def raise_floor_disables_keys_that_count_events_until_two_codes_tell_where_they_are():
    fleet()
    code = {serial: counter(serial) for serial in ('H1', 'H2', 'H3')}
    for serial, uid in (('H1', 'marie.dupont'), ('H2', 'paul')):
        done('key', 'assign', serial, uid)
    make('marie.dupont', 'H1', '4826', 3, 0, NOW, 0, 0, 0)
    done('key', 'disable', 'H2', '--reason', 'lost')
    archive = done('export')
    redis('FLUSHALL')
    assert json.loads(done('import', '--json', given=archive))['uncertain'] == []
    assert copy_of('marie.dupont', 'H1')['state'] == 'usable'
    redis('FLUSHALL')
    answer = json.loads(done('import', '--json', '--raise-floor', given=archive))
    assert sorted(answer['uncertain']) == ['H1', 'H2', 'H3'], answer
    redis('FLUSHALL')
    assert b'\nH1\n' in done('import', '--raise-floor', given=archive)
    assert copy_of('marie.dupont', 'H1')['state'] == 'disabled' and stock_of('H1')['state'] == 'disabled'
    assert copy_of('marie.dupont', '1001')['state'] == 'usable'
    for serial in code:
        refused('two consecutive codes', 'key', 'enable', serial)
    done('key', 'disable', 'H1', '--reason', 'stolen')
    refused('two consecutive codes', 'key', 'enable', 'H1')
    refused('', 'key', 'assign', 'H3', 'paul')
    for serial, at in (('H1', 40), ('H2', 7), ('H3', 0)):
        done('key', 'resync', serial, given=code[serial](at) + b'\n' + code[serial](at + 1) + b'\n')
    # What it was disabled for stays, but may be ended now.
    assert (stock_of('H1')['reason'], copy_of('paul', 'H2')['reason']) == ('stolen', 'lost')
    assert stock_of('H3')['state'] == 'free'
    for serial, uid in (('H1', 'marie.dupont'), ('H2', 'paul')):
        done('key', 'enable', serial)
        assert (copy_of(uid, serial)['state'], stock_of(serial)['state']) == ('usable', 'assigned'), serial
    assert copy_of('marie.dupont', 'H1')['step'] == 42


@test
def a_copy_that_is_there_tells_whose_the_key_is_when_its_stock_was_lost():
    fleet()
    archive = done('export')
    done('key', 'unassign', '1001')
    done('key', 'assign', '1001', 'paul')
    make('paul', '1001', '', NOW // 60 + 5, 0, NOW, 0, 0, 0)
    redis('DEL', record('key:{?}:1001')[0], record('acct:{?}:marie.dupont')[0])
    answer = json.loads(done('import', '--json', given=archive))
    assert (answer['imported'], answer['left_out']) == (2, 1), answer
    assert copy_of('marie.dupont', '1001') is None
    assert copy_of('paul', '1001')['state'] == 'usable' and stock_of('1001')['user'] == 'paul'
    done('key', 'unassign', '1001')
    assert stock_of('1001')['step'] == NOW // 60 + 5 and copy_of('paul', '1001') is None


@test
def a_newer_file_after_an_older_one_raises_what_is_there():
    fleet()
    counter('H1')
    older = done('export')
    done('key', 'assign', 'H1', 'paul')
    make('paul', 'H1', '', 5, 0, NOW, 0, 0, 0)
    make('marie.dupont', '1001', '4826', NOW // 60 + 5, 3, NOW, 0, 0, 0)
    newer = done('export')
    redis('FLUSHALL')
    done('import', given=older)
    answer = json.loads(done('import', '--json', given=newer))
    assert (answer['raised'], answer['left_out']) == (2, 1), answer
    assert stock_of('H1')['step'] == 5 and stock_of('H1')['user'] == ''
    assert copy_of('marie.dupont', '1001')['step'] == NOW // 60 + 5
    before = records()
    assert json.loads(done('import', '--json', given=newer))['raised'] == 0
    assert json.loads(done('import', '--json', given=older))['raised'] == 0 and records() == before


@test
def a_key_that_has_nothing_but_the_serial_in_common_is_not_raised():
    counter('H1')
    done('key', 'assign', 'H1', 'paul')
    make('paul', 'H1', '', 500, 0, NOW, 0, 0, 0)
    archive = done('export')
    redis('FLUSHALL')
    counter('H1')
    answer = json.loads(done('import', '--json', given=archive))
    assert answer['raised'] == 0 and stock_of('H1')['step'] == 0, answer


@test
def an_emergency_password_comes_along_but_not_out_of_an_older_copy():
    fleet()
    done('emergency', 'issue', 'marie.dupont')
    archive = done('export')
    for options, there in (((), True), (('--raise-floor',), False)):
        redis('FLUSHALL')
        done('import', *options, given=archive)
        result = run('emergency', 'revoke', 'marie.dupont', '--json')
        assert (b'"changed":true' in result.stdout) == there, (options, result)


@test
def an_export_goes_into_another_prefix():
    fleet()
    archive = done('export')
    done('import', given=archive, prefix='elsewhere:')
    show = json.loads(done('user', 'show', 'marie.dupont', '--json', prefix='elsewhere:'))
    assert show['keys'][0]['serial'] == '1001', show


@test
def the_terminal_shortens_no_stream_of_events():
    fleet()
    stream = redis('EVAL', """
        for tag = 0, 15 do
            for i = 1, 100400 do redis.call('XADD', 'otp:events:{' .. string.format('%x', tag) .. '}', '*', 'e', '{}') end
        end""", 0)
    assert not isinstance(stream, Exception), stream
    before = sum(redis('XLEN', name) for name in redis('KEYS', 'otp:events:*'))
    done('key', 'enable', '1002')
    done('keyring', 'rewrap')
    after = sum(redis('XLEN', name) for name in redis('KEYS', 'otp:events:*'))
    assert after > before >= 16 * 100400, (before, after)


@test
def rewrap_makes_the_old_key_dispensable_but_for_pins():
    fleet()
    ring = os.path.join(FOLDER, 'rotating')
    shutil.copy(RING, ring)
    done('keyring', 'rotate', ring)
    answer = json.loads(done('keyring', 'rewrap', '--json', ring=ring))
    assert answer['verdict'] == 'ok' and answer['rewrapped'] == 5 and list(answer['pins'].values()) == [1], answer
    assert json.loads(done('keyring', 'rewrap', '--json', ring=ring))['unchanged'] == 5
    with open(ring) as file:
        lines = file.read().splitlines(keepends=True)
    newest = os.path.join(FOLDER, 'newest')
    with open(os.open(newest, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), 'w') as file:
        file.writelines(lines[:1] + lines[-1:])
    assert json.loads(done('user', 'show', 'marie.dupont', '--json', ring=newest))['keys'][0]['serial'] == '1001'
    assert b'1003' in done('key', 'list', ring=newest)
    refused('cannot be read', 'user', 'show', 'marie.dupont', ring=RING)


@test
def an_unreadable_record_is_told_and_the_others_are_rewrapped():
    fleet()
    redis('SET', record('key:{?}:1003')[0], 'nonsense')
    result = run('keyring', 'rewrap', '--json')
    assert result.returncode == 1 and json.loads(result.stdout)['unreadable'] == 1 and b'1003' in result.stderr
    result = run('export')
    assert result.returncode == 1 and b'1003' in result.stderr


@test
def drift_tells_who_leaves_and_who_is_silent():
    fleet()
    make('marie.dupont', '1001', '', NOW // 60, 0, NOW - 100 * 86400, 0, 0, 0)
    answer = json.loads(done('key', 'drift', '--json', '--silent', '30'))
    assert [row['serial'] for row in answer['silent']] == ['1001'], answer
    assert answer['leaving'] == [] and answer['batches'][0]['keys'] == 1, answer
    assert json.loads(done('key', 'drift', '--json', '--silent', '101'))['silent'] == []
    assert b'1001' in done('key', 'drift', '--silent', '30')
    for wrong in (('--weeks', '0'), ('--weeks', 'x'), ('--silent', '-1'), ('--silent', '99999')):
        assert run('key', 'drift', *wrong).returncode == 2, wrong


def main():
    global server
    server = Server()
    try:
        subprocess.run([OTPCTL, 'keyring', 'init', RING], check=True, stdout=subprocess.DEVNULL)
        return run_tests(sys.argv[3] if len(sys.argv) > 3 else '', lambda: redis('FLUSHALL'))
    finally:
        server.stop()
        shutil.rmtree(FOLDER)


if __name__ == '__main__':
    sys.exit(main())
