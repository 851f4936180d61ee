#!/usr/bin/env python3
"""otpctl: emergency passwords, requests, resynchronisation, and what goes with every action.  TAP on standard output.

    test_actions.py OTPCTL RECORD_MAKE [WORD]       only the tests whose name holds WORD
"""
import base64
import datetime
import hashlib
import hmac
import json
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import time
import zoneinfo

from otpctl_lab import Result, environment, name_of, run_tests, tag, test
from redis_lab import Proxy, Server

OTPCTL, RECORD_MAKE = (os.path.abspath(path) for path in sys.argv[1:3])
FOLDER = tempfile.mkdtemp(prefix='otpctl-actions-')
RING = os.path.join(FOLDER, 'keyring')
server = None


def run(*words, given='', address=None, ring=RING, **more):
    process = subprocess.Popen([OTPCTL, '--redis', address or 'unix:' + server.path, '--keyring', ring, *words],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                               env=environment(**more))
    return Result(process, *process.communicate(given, timeout=30))


def expect(status, *words, **options):
    result = run(*words, **options)
    assert result.status == status, 'expected exit %d of %s: %r' % (status, ' '.join(words), result)
    return result


def done(*words, **options):
    return expect(0, *words, **options)


def refused(text, *words, **options):
    result = expect(1, *words, **options)
    assert text in result.err, 'no "%s" in: %r' % (text, result)
    assert result.out == ''
    return result


def redis(*words):
    return server.client(*words)


def make(*words, given=b''):
    return subprocess.run([RECORD_MAKE, RING, *map(str, words)], input=given, stdout=subprocess.PIPE, check=True).stdout


def key(serial):
    return done('key', 'show', serial, '--json').json


def user(uid):
    return done('user', 'show', uid, '--json').json


def events(*words):
    return [json.loads(line) for line in done('audit', '--json', *words).out.splitlines()]


def mails():
    """Kinds and members of all mails that are due."""
    found = []
    for digit in '0123456789abcdef':
        for entry in redis('XRANGE', 'otp:mail:{%s}' % digit, '-', '+') or []:
            found.append(json.loads(entry[1][1].split(b'.', 3)[3]))
    return found


def session(cookie, uid, level=2, method=1, proven=1, serial=''):
    now = int(time.time())
    digest = hashlib.sha256(cookie.encode()).hexdigest()
    name = 'otp:sess:{%s}' % digest
    redis('SET', name, make('session', name, uid, level, method, proven, serial, now - 60, now + 3600, 1800))
    redis('SET', 'otp:seen:{%s}' % digest, now, 'EX', 1800)
    redis('ZADD', name_of('user', uid), now + 3600, digest)
    return digest[:12]


def sessions():
    return {one['id']: one for one in done('session', 'list', '--json').json}


def generate(serial, *words):
    uri = done('key', 'generate', '--serial', serial, '--json', *words).json['uri']
    return base64.b32decode(re.search('secret=([A-Z2-7]+)', uri).group(1))


def code(seed, step):
    mac = hmac.new(seed, struct.pack('>Q', step), hashlib.sha1).digest()
    at = mac[19] & 15
    return '%06d' % ((struct.unpack('>I', mac[at:at + 4])[0] & 0x7fffffff) % 1000000)


def wants(serial, uid, at):
    """What a portal leaves when `uid` asks for the activation of a key."""
    redis('SET', name_of('acct', uid), make('asks', name_of('acct', uid), uid, serial, at))
    name = name_of('key', serial)
    redis('SET', name, make('wanted', name, uid, at, given=redis('GET', name)))
    redis('ZADD', 'otp:wait:' + tag(serial), at, serial)


# --- emergency password

@test
def emergency_password_alone_is_on_standard_output():
    generate('S1')
    done('key', 'assign', 'S1', 'alice')
    result = done('emergency', 'issue', ' Alice ', '--timezone', 'UTC', '--note', 'key at home')
    assert re.fullmatch(r'[A-HJKMNP-Z][A-HJKMNP-Z2-9]{9}\n', result.out), result
    assert 'alice' in result.err and result.out.strip() not in result.err
    assert result.out.strip() not in done('audit').out
    event = events()[-1]
    assert (event['event'], event['verdict'], event['user'], event['note']) == (
        'emergency', 'ok', 'alice', 'key at home')
    assert [one['kind'] for one in mails()] == ['key_operational', 'emergency_issued']
    assert result.out.strip().encode() not in b''.join(redis('GET', n) or b'' for n in redis('KEYS', 'otp:acct:*'))


@test
def emergency_password_lasts_until_the_end_of_the_sites_day():
    generate('S1')
    done('key', 'assign', 'S1', 'alice')
    for zone in ('Europe/Paris', 'America/Cayenne', 'Pacific/Noumea', 'Africa/Casablanca', 'America/St_Johns', 'UTC'):
        for words, more in ((['--timezone', zone], {}), ([], {'TZ': zone}), ([], {'TZ': ':' + zone})):
            before = datetime.datetime.now(zoneinfo.ZoneInfo(zone))
            made = done('emergency', 'issue', 'alice', '--json', *words, **more).json
            end = int(before.replace(hour=23, minute=59, second=59, microsecond=0, fold=1).timestamp())
            assert made['expires'] == end, (zone, made, end)
            assert made['user'] == 'alice' and len(made['password']) == 10
    assert mails()[-1]['until'] == made['expires']


@test
def zone_of_the_configuration_file_counts_and_an_option_goes_before_it():
    config = os.path.join(FOLDER, 'otpctl.conf')
    with open(config, 'w', encoding='utf-8') as file:
        file.write('timezone = Pacific/Noumea\n')
    for words, zone in (([], 'Pacific/Noumea'), (['--timezone', 'UTC'], 'UTC')):
        made = done('--config', config, 'emergency', 'issue', 'alice', '--json', *words).json
        local = datetime.datetime.fromtimestamp(made['expires'], zoneinfo.ZoneInfo(zone))
        assert (local.hour, local.minute, local.second) == (23, 59, 59)


@test
def zone_that_is_none_is_a_usage_error_and_nothing_is_issued():
    for zone, why in (('Europe/Atlantis', 'No such file'), ('../../etc/passwd', 'no name'), ('/etc/passwd', 'no name'),
                      ('Europe', 'Is a directory'), ('zone.tab', 'no name')):
        result = expect(2, 'emergency', 'issue', 'alice', '--timezone', zone)
        assert why in result.err and 'tzdata' in result.err and result.out == '', result
    assert redis('KEYS', 'otp:acct:*') == [] and events() == []


@test
def revoked_emergency_password_takes_its_sessions_along():
    generate('S1')
    done('key', 'assign', 'S1', 'alice')
    done('emergency', 'issue', 'alice')
    session('a', 'alice', method=2)
    kept = session('b', 'alice', serial='S1')
    assert done('emergency', 'revoke', 'alice', '--json').json == {'verdict': 'ok', 'changed': True, 'user': 'alice'}
    assert set(sessions()) == {kept}
    refused('no emergency password', 'emergency', 'revoke', 'alice')
    refused('no account', 'emergency', 'revoke', 'nobody')


@test
def another_emergency_password_ends_what_the_first_has_opened():
    done('emergency', 'issue', 'alice')
    session('a', 'alice', method=2)
    done('emergency', 'issue', 'alice')
    assert sessions() == {}


# --- requests

@test
def requests_are_listed_in_the_order_they_were_made():
    for serial in ('R1', 'R2', 'R3'):
        generate(serial)
    wants('R1', 'alice', 300)
    wants('R2', 'bob', 100)
    wants('R3', 'carol', 200)
    redis('ZADD', 'otp:wait:' + tag('GONE'), 1, 'GONE')
    listed = done('request', 'list', '--json').json
    assert [(one['serial'], one['user'], one['at']) for one in listed] == [
        ('R2', 'bob', 100), ('R3', 'carol', 200), ('R1', 'alice', 300)], listed
    assert listed[0]['name'] == 'A Person'
    out = done('request', 'list').out
    assert out.index('R2') < out.index('R3') < out.index('R1') and 'A Person' in out and 'GONE' not in out


@test
def approved_request_gives_the_key_and_leaves_the_list():
    generate('R1')
    wants('R1', 'alice', 100)
    refused('waits for the activation', 'key', 'assign', 'R1', 'bob')
    refused('waits for the activation', 'key', 'delete', 'R1')
    made = done('request', 'approve', 'R1', '--json', '--email', 'a@example.org', '--note', 'seen in person').json
    assert made == {'verdict': 'ok', 'changed': True, 'serial': 'R1', 'user': 'alice'}
    assert (key('R1')['user'], key('R1')['held'], key('R1')['wanted']) == ('alice', True, '')
    assert done('request', 'list', '--json').json == []
    assert [(one['kind'], one['email'], one['name']) for one in mails()] == [
        ('key_operational', 'a@example.org', 'A Person')]
    assert [e['verdict'] for e in events()][-4:] == ['part', 'part', 'ok', 'part'] or \
        sorted(e['verdict'] for e in events() if e['event'] == 'request_approve') == ['ok', 'part', 'part', 'part']
    refused('nobody waits', 'request', 'approve', 'R1')
    refused('not in the stock', 'request', 'approve', 'R9')


@test
def rejected_request_is_told_with_its_reason():
    generate('R1')
    wants('R1', 'alice', 100)
    for words in ([], ['--reason', 'x' * 161]):
        assert '--reason' in expect(2, 'request', 'reject', 'R1', *words).err
    done('request', 'reject', 'R1', '--reason', 'clé d’une collègue')
    assert done('request', 'list', '--json').json == []
    assert [(one['kind'], one['reason']) for one in mails()] == [('request_rejected', 'clé d’une collègue')]
    refused('nobody waits', 'request', 'reject', 'R1', '--reason', 'again')
    assert key('R1')['state'] == 'free'


def crash_and_repair(prepare, words, status=0):
    redis('FLUSHALL')
    prepare()
    done(*words)
    goal = key('R1')['user'], done('request', 'list', '--json').json, len(mails())
    for cut in range(1, 20):
        redis('FLUSHALL')
        prepare()
        with Proxy(server, cut_after=cut) as proxy:
            result = run(*words, address=proxy.address)
            was_cut = proxy.cut
        assert result.status == (3 if was_cut else 0), (cut, result)
        if was_cut:
            again = run(*words)
            assert again.status == 0 or 'nobody waits' in again.err, (cut, again)
        assert (key('R1')['user'], done('request', 'list', '--json').json, len(mails())) == goal, cut
        if not was_cut:
            return cut - 1
    raise AssertionError('it never ends')


@test
def approval_and_rejection_cut_off_anywhere_are_completed_by_doing_them_again():
    def prepare():
        generate('R1')
        wants('R1', 'alice', 100)
    assert crash_and_repair(prepare, ['request', 'approve', 'R1']) == 4
    assert crash_and_repair(prepare, ['request', 'reject', 'R1', '--reason', 'no']) == 2


# --- resynchronisation

@test
def two_codes_bring_a_key_into_step_again():
    seed = generate('S1')
    done('key', 'assign', 'S1', 'alice')
    step = int(time.time()) // 60 + 300
    for given in ('', code(seed, step), 'a b c'):
        assert 'two codes' in expect(2, 'key', 'resync', 'S1', given=given).err
    refused('not what the key shows', 'key', 'resync', 'S1', given='%s\n%s\n' % (code(seed, step), code(seed, step)))
    refused('not what the key shows', 'key', 'resync', 'S1', given='%s %s' % (code(seed, step), code(seed, step + 2)))
    made = done('key', 'resync', 'S1', '--json', given='%s\n%s\n' % (code(seed, step), code(seed, step + 1))).json
    assert made['changed'] and made['user'] == 'alice'
    assert key('S1')['step'] == step + 1 and key('S1')['drift'] in (300, 301, 302)
    refused('not what the key shows', 'key', 'resync', 'S1', given='%s %s' % (code(seed, step), code(seed, step + 1)))
    refused('not in the stock', 'key', 'resync', 'S9', given='123456 123457')


@test
def free_key_and_counting_key_are_brought_into_step_too():
    seed, counting = generate('S1'), generate('H1', '--type', 'hotp')
    step = int(time.time()) // 60 - 200
    done('key', 'resync', 'S1', given='%s %s' % (code(seed, step), code(seed, step + 1)))
    assert key('S1')['step'] == step + 1
    done('key', 'resync', 'H1', given='%s %s' % (code(counting, 500), code(counting, 501)))
    assert key('H1')['step'] == 502 and key('H1')['type'] == 'hotp'


# --- people, and what goes with every action

@test
def pin_of_somebody_without_a_key_is_not_cleared_and_it_says_so():
    generate('S1')
    done('key', 'assign', 'S1', 'alice')
    done('key', 'unassign', 'S1')
    refused('alice has no key', 'pin', 'clear', 'alice')
    refused('no account of nobody', 'pin', 'clear', 'nobody')


@test
def unlocking_ends_the_delay_after_bad_passwords_too():
    throttle = name_of('thru', hashlib.sha256(b'alice').hexdigest())
    redis('SET', throttle, 'whatever')
    assert done('user', 'unlock', 'alice', '--json').json['changed']
    assert redis('EXISTS', throttle) == 0
    assert [(e['event'], e['verdict'], e['user']) for e in events()] == [('user_unlock', 'ok', 'alice')]
    refused('no account of alice', 'user', 'unlock', 'alice')


@test
def contact_and_note_go_with_an_action():
    generate('S1')
    done('key', 'assign', 'S1', 'alice', '--name', 'Alice Née', '--email', 'a@example.org', '--language', 'en',
         '--note', 'new in town')
    assert {e['note'] for e in events() if e['event'] == 'key_assign'} == {'new in town'}
    done('pin', 'clear', 'alice')
    done('key', 'disable', 'S1', '--reason', 'lost')
    assert [(m['kind'], m['name'], m['email'], m['language']) for m in mails()] == [
        (kind, 'Alice Née', 'a@example.org', 'en') for kind in ('key_operational', 'key_disabled')]
    for option, value in (('--note', 'x' * 161), ('--email', 'x' * 129), ('--name', 'x' * 129), ('--language', 'x' * 9)):
        assert option in expect(2, 'key', 'enable', 'S1', option, value).err


@test
def contact_alone_is_kept_and_told():
    generate('S1')
    generate('S2')
    done('key', 'assign', 'S1', 'alice')
    count = len(mails())
    assert done('key', 'assign', 'S1', 'alice', '--email', 'a@example.org', '--json').json['changed']
    assert user('alice')['contact']['email'] == 'a@example.org' and len(mails()) == count
    assert [(e['event'], e['verdict'], e['user']) for e in events() if e['event'] == 'contact'] == [
        ('contact', 'ok', 'alice')]
    assert not done('key', 'assign', 'S1', 'alice', '--email', 'a@example.org', '--json').json['changed']
    result = done('key', 'disable', 'S2', '--reason', 'lost', '--email', 'b@example.org')
    assert 'nobody has key S2' in result.err, result
    assert 'nobody' not in done('key', 'enable', 'S1', '--name', 'Alice').err
    assert user('alice')['contact']['name'] == 'Alice'


@test
def history_of_a_person_tells_what_was_done():
    generate('S1')
    done('key', 'assign', 'S1', 'alice')
    done('key', 'disable', 'S1', '--reason', 'lost')
    told = [json.loads(entry[1][1]) for entry in redis('XRANGE', name_of('hist', 'alice'), '-', '+')]
    assert [(one['event'], one['verdict']) for one in told] == [('key_assign', 'ok'), ('key_disable', 'ok')]
    assert redis('TTL', name_of('hist', 'alice')) > 390 * 86400


@test
def batch_is_shown_and_chosen():
    file = os.path.join(FOLDER, 'keys.csv')
    with open(file, 'w', encoding='utf-8') as out:
        out.write('serial,secret_hex\nB1,%s\n' % ('ab' * 20))
    os.chmod(file, 0o600)
    done('key', 'import', file, '--batch', 'spring')
    generate('S1')
    assert [one['serial'] for one in done('key', 'list', '--batch', 'spring', '--json').json] == ['B1']
    assert [one['batch'] for one in done('key', 'list', '--json').json] == ['spring', '']


# --- small things

@test
def reader_that_goes_away_is_not_told_about_a_broken_pipe():
    for i in range(40):
        generate('S%04d' % i)
    command = '"%s" --redis unix:%s --keyring "%s" key list --json | head -c 1' % (OTPCTL, server.path, RING)
    for _ in range(5):
        result = subprocess.run(['bash', '-c', command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
        assert result.stderr == b'', result.stderr


@test
def copy_that_the_stock_does_not_know_of_is_taken_back_from_its_person():
    generate('S-1')
    free = redis('GET', name_of('key', 'S-1'))
    done('key', 'assign', 'S-1', 'alice')
    redis('SET', name_of('key', 'S-1'), free)
    refused('does not know of', 'key', 'assign', 'S-1', 'alice')
    assert 'already' in done('key', 'unassign', 'S-1').out
    assert len(user('alice')['keys']) == 1
    assert 'of alice' in done('key', 'unassign', 'S-1', 'alice').out
    assert user('alice')['keys'] == []
    assert 'already' in done('key', 'unassign', 'S-1', 'alice').out
    done('key', 'assign', 'S-1', 'alice')
    refused('bob', 'key', 'unassign', 'S-1', 'bob')


@test
def what_is_refused_is_told_to_the_audit():
    generate('S-1')
    done('key', 'assign', 'S-1', 'alice')
    refused('assigned to alice', 'key', 'assign', 'S-1', 'bob', '--note', 'by mistake')
    told = [one for one in events() if one['verdict'] == 'refused']
    assert [(one['event'], one['user'], one['serial'], one['reason'], one['note']) for one in told] \
        == [('key_assign', 'bob', 'S-1', 'held', 'by mistake')], told
    assert told[0]['actor'].startswith('otpctl')


@test
def key_ring_that_is_not_there_is_refused_with_the_remedy():
    refused('otpctl keyring init', 'key', 'list', ring='/nonexistent')


def main():
    global server
    server = Server()
    try:
        subprocess.run([OTPCTL, 'keyring', 'init', RING], stdout=subprocess.DEVNULL, check=True)
        return run_tests(sys.argv[3] if len(sys.argv) > 3 else '', lambda: redis('FLUSHALL'))
    finally:
        server.stop()
        shutil.rmtree(FOLDER)


if __name__ == '__main__':
    sys.exit(main())
