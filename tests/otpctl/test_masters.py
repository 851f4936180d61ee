#!/usr/bin/env python3
"""otpctl where there are several servers: Cluster, Sentinel, replicas.  TAP on standard output.

    test_masters.py OTPCTL RECORD_MAKE [WORD]     only the tests whose name holds WORD
"""
import atexit
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

import smtp_lab
from masters_lab import Cluster, Cutter, FalseSeed, FalseSentinel, Node, Watched, free_port, wait_for
from otpctl_lab import Result, environment, name_of, run_tests, tag, test

OTPCTL, RECORD_MAKE = (os.path.abspath(path) for path in sys.argv[1:3])
FOLDER = tempfile.mkdtemp(prefix='otpctl-masters-')
RING = os.path.join(FOLDER, 'keyring')
TEMPLATES = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..', 'lua-free-conf', 'templates')
ACL = os.path.join(TEMPLATES, '..', 'redis', 'otp.acl')
LAB = {}


def cluster():
    if 'cluster' not in LAB:
        LAB['cluster'] = Cluster()
    return LAB['cluster']


def watched():
    if 'watched' not in LAB:
        LAB['watched'] = Watched()
    return LAB['watched']


def command(address, *words):
    return [OTPCTL, '--redis', address, '--keyring', RING, *words]


def start(address, *words, given=subprocess.DEVNULL):
    return subprocess.Popen(command(address, *words), stdin=given, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            text=True, env=environment())


def expect(status, address, *words, given=None):
    process = start(address, *words, given=subprocess.PIPE if given is not None else subprocess.DEVNULL)
    result = Result(process, *process.communicate(given, timeout=60))
    assert result.status == status, 'expected exit %d of %s: %r' % (status, ' '.join(words), result)
    return result


def on_cluster(*words, status=0, given=None, more=''):
    return expect(status, cluster().address + more, *words, given=given)


def on_master(*words, status=0, given=None, more=''):
    return expect(status, watched().address + more, *words, given=given)


def file_of_keys(count):
    path = os.path.join(FOLDER, 'keys-%d.csv' % count)
    with open(path, 'w', encoding='ascii') as file:
        file.write('serial,secret_hex\n' + ''.join('K%05d,%040x\n' % (i, i + 1) for i in range(count)))
    return path, ['K%05d' % i for i in range(count)]


def serials(run=on_cluster):
    return sorted(one['serial'] for one in run('key', 'list', '--json').json)


def session(cookie, uid):
    """As a portal writes it; returns the id."""
    now = int(time.time())
    digest = hashlib.sha256(cookie.encode()).hexdigest()
    name = 'otp:sess:{%s}' % digest
    words = [RECORD_MAKE, RING, 'session', name, uid, 1, 1, 1, '', now - 60, now + 3600, 1800]
    made = subprocess.run([str(w) for w in words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=True)
    cluster()('SET', name, made.stdout, 'EX', 3600)
    cluster()('SET', 'otp:seen:{%s}' % digest, now, 'EX', 1800)
    cluster()('ZADD', 'otp:user:%s:%s' % (tag(uid), uid), now + 3600, digest)
    return digest[:12]


def checks(result):
    return {one['name']: one for one in result.json['checks']}


# --- Cluster

@test
def every_kind_of_command_works_on_a_cluster():
    path, keys = file_of_keys(300)
    on_cluster('key', 'import', path)
    assert serials() == keys
    for node in cluster().nodes:
        assert node('DBSIZE') > 0, 'nothing is at ' + node.address
    for i in range(20):
        on_cluster('key', 'assign', keys[i], 'person.%d' % i)
    on_cluster('key', 'disable', keys[3], '--reason', 'lost')
    shown = on_cluster('key', 'show', keys[3], '--json').json
    assert (shown['state'], shown['reason'], shown['user']) == ('disabled', 'lost', 'person.3'), shown
    on_cluster('key', 'assign', keys[0], 'somebody.else', status=1)
    on_cluster('key', 'unassign', keys[4])
    on_cluster('pin', 'clear', 'person.5')
    on_cluster('user', 'unlock', 'person.5')
    assert 'person.7' in on_cluster('user', 'list').out
    assert len(on_cluster('emergency', 'issue', 'person.6').out.strip()) >= 8
    on_cluster('keyring', 'rewrap')
    on_cluster('key', 'drift')
    assert on_cluster('request', 'list', '--json').json == []
    kinds = [json.loads(line)['event'] for line in on_cluster('audit', '--json').out.splitlines()]
    assert kinds.count('key_import') == 300 and 'key_disable' in kinds and 'emergency' in kinds, set(kinds)


@test
def export_of_a_cluster_is_imported_into_a_cluster():
    path, keys = file_of_keys(100)
    on_cluster('key', 'import', path)
    for i in range(10):
        on_cluster('key', 'assign', keys[i], 'person.%d' % i)
    before = on_cluster('key', 'list', '--json').json
    copy = on_cluster('export').out
    cluster().flush()
    assert serials() == []
    on_cluster('import', given=copy)
    assert on_cluster('key', 'list', '--json').json == before


@test
def sessions_on_all_servers_are_listed_and_ended():
    ids = {session('cookie-%d' % i, 'person.%d' % (i % 4)): 'person.%d' % (i % 4) for i in range(40)}
    assert {one['id'] for one in on_cluster('session', 'list', '--json').json} == set(ids)
    one = next(iter(ids))
    on_cluster('session', 'revoke', one)
    left = {found['id'] for found in on_cluster('session', 'list', '--json').json}
    assert left == set(ids) - {one}
    on_cluster('session', 'revoke', '--user', 'person.2')
    assert {found['user'] for found in on_cluster('session', 'list', '--json').json} == {'person.0', 'person.1', 'person.3'}
    on_cluster('session', 'revoke', '--all')
    assert on_cluster('session', 'list', '--json').json == []


@test
def mail_of_every_stream_is_sent_from_a_cluster():
    people = ['person.%d' % i for i in range(24)]
    path, keys = file_of_keys(24)
    on_cluster('key', 'import', path)
    for key, uid in zip(keys, people):
        on_cluster('key', 'assign', key, uid, '--email', uid + '@example.org')
    with smtp_lab.Server() as smtp:
        on_cluster('notify', '--once', '--smtp', smtp.url, '--from', 'a@example.org', '--templates', TEMPLATES)
        assert sorted(mail.to[0] for mail in smtp.mails) == sorted(uid + '@example.org' for uid in people)
        on_cluster('notify', '--once', '--smtp', smtp.url, '--from', 'a@example.org', '--templates', TEMPLATES)
        assert len(smtp.mails) == len(people)
    on_cluster('notify', '--list')


@test
def following_shows_events_of_every_server():
    process = start(cluster().address, 'audit', '--follow')
    seen = []
    reader = threading.Thread(target=lambda: seen.extend(process.stdout), daemon=True)
    reader.start()
    time.sleep(0.5)
    for i in range(16):
        on_cluster('key', 'generate', '--serial', 'F%d' % i)
    wait_for(lambda: len(seen) >= 16, 20, 'that all events are shown')
    process.terminate()
    process.communicate(timeout=10)
    reader.join(5)
    assert {json.loads(line)['serial'] for line in seen} == {'F%d' % i for i in range(16)}


class Mover(threading.Thread):
    """Moves the slots of all tags to one server after the other."""

    def __init__(self, *nodes):
        super().__init__()
        self.nodes, self.error = nodes, None
        self.start()

    def run(self):
        try:
            for node in self.nodes:
                cluster().gather([cluster().slot(digit) for digit in '0123456789abcdef'], node)
        except Exception as error:      # told by the one who waits
            self.error = error

    def finish(self):
        self.join(60)
        assert not self.is_alive() and self.error is None, self.error


@test
def nothing_is_missed_while_slots_move():
    path, keys = file_of_keys(3000)
    nodes, lists = cluster().nodes, 0
    mover = Mover(nodes[2], nodes[0])
    importer = start(cluster().address, 'key', 'import', path)
    out, err = importer.communicate(timeout=60)
    mover.finish()
    assert importer.returncode == 0, out + err
    mover = Mover(nodes[1], nodes[2])
    while mover.is_alive():
        assert serials() == keys, 'a list misses keys'
        lists += 1
    mover.finish()
    assert lists and serials() == keys, lists
    mover = Mover(nodes[0])
    on_cluster('keyring', 'rewrap')
    copy = on_cluster('export').out
    mover.finish()
    assert copy.count('\n') == len(keys) + 2


@test
def half_a_slot_is_read_and_what_needs_both_halves_waits():
    slot = cluster().slot('{%s' % tag('A1')[1:])
    on_cluster('key', 'generate', '--serial', 'A1')
    on_cluster('key', 'generate', '--serial', 'A2')
    same = [uid for uid in ('person.%d' % i for i in range(400)) if tag(uid) == tag('A1')][:2]
    on_cluster('key', 'assign', 'A1', same[0])
    here, there = cluster().open(slot)
    try:
        # The record has gone, the stream of its events stays.
        assert here('MIGRATE', '127.0.0.1', there.port, name_of('key', 'A1'), 0, 5000) == b'OK'
        assert on_cluster('key', 'show', 'A1', '--json').json['user'] == same[0]
        assert on_cluster('user', 'show', same[0], '--json').json['user'] == same[0]
        assert serials() == ['A1', 'A2']
        # It comes together while the command waits.
        process = start(cluster().address, 'key', 'disable', 'A1', '--reason', 'lost')
        time.sleep(0.5)
        assert process.poll() is None, process.communicate()
        cluster().settle(slot, here, there)
        out, err = process.communicate(timeout=30)
        assert process.returncode == 0, out + err
    finally:
        cluster().settle(slot, here, there)
        cluster().agree()
    assert on_cluster('key', 'show', 'A1', '--json').json['state'] == 'disabled'


@test
def change_in_a_slot_that_stays_half_moved_is_not_made_and_said_so():
    on_cluster('key', 'generate', '--serial', 'A1')
    slot = cluster().slot('{%s' % tag('A1')[1:])
    here, there = cluster().open(slot)
    stream = 'otp:events:%s' % tag('A1')
    try:
        # The record stays, the stream of its events has gone.
        assert here('MIGRATE', '127.0.0.1', there.port, stream, 0, 5000) == b'OK'
        before = here('GET', name_of('key', 'A1'))
        result = on_cluster('key', 'disable', 'A1', '--reason', 'lost', status=3)
        assert 'on its way to another server' in result.err, result
        assert here('GET', name_of('key', 'A1')) == before
        moving = checks(on_cluster('doctor', '--json'))['cluster']
        assert moving['status'] == 'warning' and 'on their way' in moving['text'], moving
    finally:
        cluster().settle(slot, here, there)
        cluster().agree()
    on_cluster('key', 'disable', 'A1', '--reason', 'lost')


@test
def lost_server_of_a_cluster_is_told_and_nothing_is_listed_in_part():
    path, keys = file_of_keys(60)
    on_cluster('key', 'import', path)
    victim = cluster().nodes[2]
    victim.kill()
    try:
        result = on_cluster('key', 'list', status=3)
        assert victim.address in result.err or 'CLUSTERDOWN' in result.err, result
        found = on_cluster('doctor', '--json', status=1)
        assert checks(found)['cluster']['status'] == 'fault', found
    finally:
        victim.start()
        cluster().wait()
    assert serials() == keys


@test
def server_of_a_cluster_without_the_word_is_refused_and_the_word_without_a_cluster():
    node = cluster().nodes[1]
    result = expect(3, node.address, 'key', 'list')
    assert 'the word cluster' in result.err, result
    result = expect(3, watched().master().address + ' cluster', 'key', 'list')
    assert 'leave the word cluster out' in result.err, result


@test
def any_server_of_a_cluster_will_do_and_the_dead_are_passed_over():
    on_cluster('key', 'generate', '--serial', 'A1')
    address = '127.0.0.1:1 ' + cluster().nodes[2].address + ' cluster'
    assert [one['serial'] for one in expect(0, address, 'key', 'list', '--json').json] == ['A1']
    result = expect(3, '127.0.0.1:1 127.0.0.1:2 cluster', 'key', 'list')
    assert '127.0.0.1:1' in result.err and '127.0.0.1:2' in result.err, result


@test
def doctor_knows_every_server_of_a_cluster():
    cluster().nodes[1]('CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru')
    try:
        found = on_cluster('doctor', '--json', status=1)
    finally:
        cluster().nodes[1]('CONFIG', 'SET', 'maxmemory-policy', 'noeviction')
    assert checks(found)['eviction']['status'] == 'fault'
    assert cluster().nodes[1].address in checks(found)['eviction']['text'], found
    found = checks(on_cluster('doctor', '--json'))
    assert found['cluster']['text'] == 'state ok, 3 masters, all slots', found
    assert found['replicas']['status'] == 'warning' and found['min-replicas']['status'] == 'warning', found
    assert checks(on_cluster('doctor', '--json', more=' replicas=1', status=1))['replicas=']['status'] == 'fault'


@test
def rights_of_the_manual_are_enough_on_a_cluster():
    with open(ACL, encoding='utf-8') as file:
        rights = next(line.split()[4:] for line in file if line.startswith('user otpctl '))
    more = ['+cluster|slots', '+cluster|nodes', '+asking', '+cluster|info', '+wait']
    password = os.path.join(FOLDER, 'otpctl-password')
    with open(password, 'w', encoding='ascii') as file:
        file.write('secret\n')
    os.chmod(password, 0o600)
    for node in cluster().nodes:
        assert node('ACL', 'SETUSER', 'otpctl', 'reset', 'on', '>secret', *rights, *more) == b'OK'
    signed = ' user=otpctl password_file=' + password
    path, keys = file_of_keys(50)
    slot = cluster().slot('{0}')
    try:
        on_cluster('key', 'import', path, more=signed)
        here, there = cluster().open(slot)
        cluster().carry(slot, here, there, 1)
        assert len(on_cluster('key', 'list', '--json', more=signed).json) == len(keys)
        cluster().settle(slot, here, there)
        cluster().agree()
        result = on_cluster('key', 'disable', keys[0], '--reason', 'lost', status=3, more=signed + ' replicas=1 timeout=300ms')
        assert '0 replica(s) held it' in result.err, result
        assert checks(on_cluster('doctor', '--json', more=signed))['cluster']['status'] == 'ok'
    finally:
        for node in cluster().nodes:
            node('ACL', 'DELUSER', 'otpctl')


@test
def change_that_no_replica_holds_ends_with_3_on_a_cluster_too():
    result = on_cluster('key', 'generate', '--serial', 'A1', status=3, more=' replicas=1 timeout=300ms')
    assert 'UNREPLICATED' in result.err and '0 replica(s)' in result.err and result.out == '', result
    assert serials() == ['A1']
    path, keys = file_of_keys(40)
    result = on_cluster('key', 'import', path, status=3, more=' replicas=1 timeout=300ms')
    assert 'may be in the stock' in result.err, result


# --- Sentinel

@test
def master_is_found_by_sentinels_and_found_again_after_a_failover():
    on_master('key', 'generate', '--serial', 'A1')
    on_master('key', 'assign', 'A1', 'marie')
    watched().fail_over()
    on_master('key', 'disable', 'A1', '--reason', 'lost')
    assert on_master('key', 'show', 'A1', '--json').json['state'] == 'disabled'
    assert watched().master()('EXISTS', name_of('key', 'A1')) == 1


@test
def dead_sentinels_are_passed_over_and_an_unknown_name_is_told():
    address = '127.0.0.1:1 ' + watched().address
    expect(0, address, 'key', 'list')
    result = expect(3, watched().sentinels[0].address + ' sentinel=other', 'key', 'list')
    assert 'knows no master called other' in result.err, result


@test
def sentinel_that_names_a_replica_is_not_believed():
    replica = next(node for node in watched().nodes if node is not watched().master())
    with FalseSentinel(replica.port) as false:
        result = expect(3, false.address + ' sentinel=main', 'key', 'list')
        assert 'it is a replica' in result.err, result
        expect(0, false.address + ' ' + watched().address, 'key', 'generate', '--serial', 'A1')
        assert false.asked >= 2
        found = checks(expect(1, false.address + ' ' + watched().address, 'doctor', '--json'))
        assert found['sentinel']['status'] == 'fault' and 'do not agree' in found['sentinel']['text'], found
    assert watched().master()('EXISTS', name_of('key', 'A1')) == 1


@test
def notify_goes_on_with_the_next_master():
    with smtp_lab.Server() as smtp:
        process = start(watched().address, 'notify', '--smtp', smtp.url, '--from', 'a@example.org', '--templates', TEMPLATES)
        on_master('key', 'generate', '--serial', 'A1')
        on_master('key', 'assign', 'A1', 'marie', '--email', 'marie@example.org')
        wait_for(lambda: len(smtp.mails) == 1, what='the first mail')
        watched().fail_over()
        on_master('key', 'disable', 'A1', '--reason', 'lost')
        wait_for(lambda: len(smtp.mails) == 2, what='the mail after the failover')
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=30)
        assert process.returncode == 0, out + err


@test
def following_goes_on_with_the_next_master():
    process = start(watched().address, 'audit', '--follow')
    seen = []
    reader = threading.Thread(target=lambda: seen.extend(process.stdout), daemon=True)
    reader.start()
    on_master('key', 'generate', '--serial', 'F1')
    wait_for(lambda: len(seen) == 1, what='the first event')
    watched().fail_over()
    on_master('key', 'generate', '--serial', 'F2')
    wait_for(lambda: len(seen) == 2 or process.poll() is not None, what='the event after the failover')
    process.terminate()
    _, err = process.communicate(timeout=10)
    reader.join(5)
    assert [json.loads(line)['serial'] for line in seen] == ['F1', 'F2'], err


@test
def change_whose_reply_was_lost_is_not_made_twice():
    on_master('key', 'generate', '--serial', 'A1')
    master = watched().master()
    with Cutter(master.port) as cutter, FalseSentinel(cutter.port) as false:
        result = expect(3, false.address + ' sentinel=main timeout=3s', 'key', 'generate', '--serial', 'A2')
        assert 'whether the change was made is unknown' in result.err, result
        assert cutter.writes == 1
        # Nobody was asked for another master: the command is not repeated.
        assert false.asked == 1, false.asked
    generated = [json.loads(line) for line in on_master('audit', '--json').out.splitlines()]
    assert [one['serial'] for one in generated] == ['A1', 'A2'], generated


@test
def change_whose_reply_was_lost_in_a_cluster_is_not_made_twice():
    with Cutter(watched().master().port) as cutter, FalseSeed(cutter.port) as seed:
        result = expect(3, seed.address + ' cluster timeout=3s', 'key', 'generate', '--serial', 'A1')
        assert 'whether the change was made is unknown' in result.err, result
        assert cutter.writes == 1 and seed.asked == 1, (cutter.writes, seed.asked)
    generated = [json.loads(line) for line in on_master('audit', '--json').out.splitlines()]
    assert [one['serial'] for one in generated] == ['A1'], generated


def connections(node):
    """How many it has had, with the one for this question."""
    return int(node('INFO', 'stats').split(b'total_connections_received:')[1].split()[0])


@test
def tls_holds_for_sentinels_and_the_master():
    folder = tempfile.mkdtemp(dir=FOLDER)
    key, certificate = smtp_lab.certificate(folder)
    tls = ['--tls-cert-file', certificate, '--tls-key-file', key, '--tls-ca-cert-file', certificate, '--tls-auth-clients',
           'no', '--tls-replication', 'yes']
    master_port, sentinel_port = free_port(), free_port()
    nodes = [Node(folder, '--tls-port', str(master_port), '--save', '', *tls)]
    try:
        nodes.append(Node(folder, '--tls-port', str(sentinel_port), *tls, sentinel=True,
                          config='sentinel monitor main 127.0.0.1 %d 1\n' % master_port))
        address = '127.0.0.1:%d sentinel=main' % sentinel_port
        expect(3, address, 'key', 'list')
        address += ' tls tls_ca=' + certificate
        for serial in ('A1', 'A2'):
            expect(0, address, 'key', 'generate', '--serial', serial)
        expect(0, address, 'key', 'assign', 'A1', 'marie')
        assert len(expect(0, address, 'key', 'list', '--json').json) == 2
        # One conversation for the whole command: nothing is wrong with one that says nothing for a while.
        before = connections(nodes[1])
        expect(0, address, 'key', 'disable', 'A1', '--reason', 'lost')
        assert connections(nodes[1]) - before == 2, 'the Sentinel was asked again'
    finally:
        for node in nodes:
            node.kill()


@test
def killed_master_is_replaced_and_an_import_meanwhile_is_whole_or_told():
    path, keys = file_of_keys(3000)
    victim = watched().master()
    process = start(watched().address, 'key', 'import', path)
    wait_for(lambda: victim('DBSIZE') > 500 or process.poll() is not None, what='half an import')
    victim.kill()
    try:
        out, err = process.communicate(timeout=60)
        watched().wait_for_another(victim)
        wait_for(watched().master, what='a master')
        if process.returncode == 0:
            assert serials(on_master) == keys
        else:
            assert process.returncode == 3, (process.returncode, out, err)
            assert 'with --skip-existing' in err or 'nothing was imported' in err, err
            on_master('key', 'import', path, '--skip-existing')
            assert serials(on_master) == keys
    finally:
        victim.start()
    wait_for(lambda: victim('ROLE')[0] == b'slave', what='that the old master follows')
    watched().wait_for_replicas(2)


@test
def change_is_held_by_replicas_or_ends_with_3():
    on_master('key', 'generate', '--serial', 'A1', more=' replicas=2')
    for node in watched().nodes:
        assert node('EXISTS', name_of('key', 'A1')) == 1, node.address
    master = watched().master()
    replicas = [node for node in watched().nodes if node is not master]
    for node in replicas:
        node.freeze()
    try:
        began = time.monotonic()
        result = on_master('key', 'disable', 'A1', '--reason', 'lost', status=3, more=' replicas=1 timeout=400ms')
        assert time.monotonic() - began < 5
        assert 'the change was made there' in result.err and 'otpctl doctor' in result.err, result
        on_master('key', 'generate', '--serial', 'A2')
    finally:
        for node in replicas:
            node.thaw()
    watched().wait_for_replicas(2)
    on_master('key', 'disable', 'A1', '--reason', 'lost', more=' replicas=2')
    on_master('session', 'revoke', '--all', more=' replicas=2')
    found = checks(on_master('doctor', '--json', more=' replicas=2'))
    assert found['replicas=']['status'] == 'warning', found
    assert checks(on_master('doctor', '--json', more=' replicas=1'))['replicas=']['status'] == 'ok'


@test
def doctor_knows_sentinels_their_quorum_and_the_replicas():
    found = checks(on_master('doctor', '--json'))
    assert found['sentinel']['status'] == 'ok' and 'quorum 2' in found['sentinel']['text'], found
    assert found['min-replicas']['status'] == 'warning' and 'min-replicas-to-write' in found['min-replicas']['remedy'], found
    assert found['replicas']['text'] == '2 connected', found
    watched().master()('CONFIG', 'SET', 'min-replicas-to-write', '1')
    try:
        assert checks(on_master('doctor', '--json'))['min-replicas']['status'] == 'ok'
    finally:
        watched().master()('CONFIG', 'SET', 'min-replicas-to-write', '0')
    victim = watched().sentinels[2]
    victim.freeze()
    try:
        found = checks(on_master('doctor', '--json', more=' timeout=300ms'))
        assert found['sentinel']['status'] == 'warning' and victim.address in found['sentinel']['text'], found
    finally:
        victim.thaw()
    found = checks(expect(3, '127.0.0.1:1 sentinel=main', 'doctor', '--json'))
    assert found['sentinel']['status'] == 'fault' and found['redis']['status'] == 'fault', found


@test
def sentinel_that_wants_a_password_gets_its_own():
    folder = tempfile.mkdtemp(dir=FOLDER)
    password = os.path.join(folder, 'password')
    with open(password, 'w', encoding='ascii') as file:
        file.write('watcher\n')
    os.chmod(password, 0o600)
    guarded = Node(folder, sentinel=True, config='sentinel monitor alone 127.0.0.1 %d 1\nrequirepass watcher\n'
                   % watched().master().port)
    try:
        result = expect(3, guarded.address + ' sentinel=alone', 'key', 'list')
        assert 'sentinel_password_file' in result.err, result
        expect(0, guarded.address + ' sentinel=alone sentinel_password_file=' + password, 'key', 'list')
        result = expect(1, guarded.address + ' sentinel=alone sentinel_password_file=/absent', 'key', 'list')
        assert '/absent' in result.err, result
    finally:
        guarded.kill()


def before():
    if 'cluster' in LAB:
        LAB['cluster'].flush()
    if 'watched' in LAB:
        wait_for(lambda: LAB['watched'].master(), what='a master')('FLUSHALL')


def end():
    for lab in LAB.values():
        lab.stop()
    shutil.rmtree(FOLDER)


if __name__ == '__main__':
    atexit.register(end)
    subprocess.run([OTPCTL, 'keyring', 'init', RING], check=True, stdout=subprocess.DEVNULL, env=environment())
    sys.exit(run_tests(sys.argv[3] if len(sys.argv) > 3 else '', before))
