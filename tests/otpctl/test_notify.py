#!/usr/bin/env python3
"""otpctl notify, against a Redis and mail servers of its own.  TAP on standard output.

    test_notify.py OTPCTL MAIL_MAKE TEMPLATES ACL [WORD]     only the tests whose name holds WORD
"""
import base64
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import redis_lab
import smtp_lab
from otpctl_lab import environment, name_of, run_tests, tag, test

OTPCTL, MAIL_MAKE, TEMPLATES, ACL = (os.path.abspath(path) for path in sys.argv[1:5])
FOLDER = tempfile.mkdtemp(prefix='otpctl-notify-')
RING = os.path.join(FOLDER, 'keyring')
SEED = int(os.environ.get('OTPCTL_TEST_SEED', '20261122'))
TIME_MS = 1795374335000         # 2026-11-22 19:05:35 UTC
FROM = 'portail@example.org'
KINDS = ['request_received', 'request_rejected', 'key_operational', 'pin_cleared', 'pin_changed', 'key_disabled',
         'key_enabled', 'key_unassigned', 'emergency_issued', 'sign_in_blocked', 'code_without_pin', 'pin_without_code',
         'replay']
STARTED = []
server = None


def redis(*words):
    return server.client(*words)


def command(url, *words, ring=RING, address=None):
    return [OTPCTL, '--redis', address or 'unix:' + server.path, '--keyring', ring, 'notify', '--smtp', url,
            '--from', FROM, '--templates', TEMPLATES, *words]


def start(url, *words, **options):
    """A notify that goes on."""
    process = subprocess.Popen(command(url, *words, **options), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, env=environment())
    STARTED.append(process)
    return process


def stop(process, number=signal.SIGTERM):
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    return process.returncode, out.decode(), err.decode()


def once(url, *words, status=0, **options):
    process = start(url, '--once', *words, **options)
    out, err = process.communicate(timeout=60)
    assert process.returncode == status, 'expected exit %s, got %d: %s%s' % (
        status, process.returncode, out.decode(), err.decode())
    return err.decode() + out.decode()


def entries(*jobs, ring=RING):
    made = subprocess.run([MAIL_MAKE, ring], input=''.join(json.dumps(job) + '\n' for job in jobs).encode(),
                          stdout=subprocess.PIPE, check=True)
    return made.stdout.splitlines()


def job(kind='pin_changed', uid='marie.dupont', **more):
    made = {'kind': kind, 'uid': uid, 'stream': 'otp:mail:' + tag(uid), 'time': TIME_MS, 'name': 'Marie Dupont',
            'email': 'marie.dupont@example.org', 'language': 'fr', 'serial': '201500042', 'address': '192.0.2.7'}
    made.update(more)
    return made


def due(*jobs):
    """Puts entries into the outbox as a gateway would."""
    for one, entry in zip(jobs, entries(*jobs)):
        redis('XADD', one['stream'], '*', 'm', entry)


def many(count, **more):
    """Of as many people."""
    people = ['person.%d' % i for i in range(count)]
    due(*(job(uid=uid, email=uid + '@example.org', **more) for uid in people))
    return {uid + '@example.org' for uid in people}


def streams(kind='mail'):
    return ['otp:%s:{%x}' % (kind, i) for i in range(16)]


def left():
    """What is in the outbox, and what of it is in somebody's hands."""
    count, pending = 0, 0
    for name in streams():
        count += redis('XLEN', name)
        summary = redis('XPENDING', name, 'notify')
        pending += 0 if isinstance(summary, Exception) else summary[0]
    return count, pending


def failed():
    return [dict(zip(fields[::2], fields[1::2])) for name in streams('mailfail')
            for _, fields in redis('XRANGE', name, '-', '+')]


def events(event='mail'):
    found = []
    for name in streams('events'):
        found += [json.loads(fields[1]) for _, fields in redis('XRANGE', name, '-', '+')]
    return [one for one in found if one['event'] == event]


def wait_for(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, 'it did not happen in %d s' % seconds
        time.sleep(0.02)


def assert_quiet(sent):
    """Everything went as it should: that many were sent and nothing is left anywhere."""
    assert left() == (0, 0), left()
    assert failed() == [], failed()
    assert [one['verdict'] for one in events()] == ['sent'] * sent, events()


# --- what mails say

WORDS = {
    'request_received': ("demande d'activation", 'request to activate'),
    'request_rejected': ('numéro illisible <b>', 'numéro illisible <b>'),
    'key_operational': ('uniquement les 6 chiffres', 'only the 6 digits'),
    'pin_cleared': ("a été annulé par l'assistance le 22/11/2026 à 19:05", 'cancelled the PIN'),
    'pin_changed': ("a été changé le 22/11/2026 à 19:05, depuis l'adresse 192.0.2.7", 'changed on 2026-11-22 19:05'),
    'key_disabled': ("parce qu'elle est déclarée volée", 'because it is reported stolen'),
    'key_enabled': ('a été réactivée', 'again'),
    'key_unassigned': ("n'est plus liée à votre identifiant", 'no longer tied to your identifier'),
    'emergency_issued': ("valable jusqu'au 22/11/2026 à 23:59", 'works until 2026-11-22 23:59'),
    'sign_in_blocked': ("suspendue jusqu'au 22/11/2026 à 23:59", 'suspended until 2026-11-22 23:59'),
    'code_without_pin': ('avec un code PIN faux', 'with a wrong PIN'),
    'pin_without_code': ("que la clé n'affichait pas", 'that the key did not show'),
    'replay': ("un code ne sert qu'une fois", 'a code works once only'),
}


@test
def a_blocked_emergency_password_is_not_told_as_blocked_passcodes():
    with smtp_lab.Server() as smtp:
        due(*[job('sign_in_blocked', uid='p.%s' % language, language=language, reason='emergency') for language in ('fr', 'en')])
        once(smtp.url)
    texts = sorted(mail.text for mail in smtp.mails)
    assert len(texts) == 2, texts
    for mail in smtp.mails:
        french = 'p.fr' in mail.text
        for text in (mail.text, ' '.join(mail.part('html').split())):
            assert ('mots de passe de dépannage faux' if french else 'wrong emergency passwords') in text, text
            assert ('la saisie du passcode est suspendue' if french else 'entering the passcode is') not in text, text


@test
def every_kind_arrives_in_both_languages_and_says_what_it_should():
    reasons = {'request_rejected': 'numéro illisible <b>', 'key_disabled': 'stolen'}
    jobs = [job(kind, uid='p.%s.%s' % (kind, language), language=language, name='Zoé <Ça & là>', until=1795391999,
                reason=reasons.get(kind, '')) for kind in KINDS for language in ('fr', 'en')]
    with smtp_lab.Server() as smtp:
        due(*jobs)
        once(smtp.url, '--portal', 'https://portail.example.org/otp/', '--support-email', 'aide@example.org',
             '--support-phone', '01 23 45 67 89', '--support-hours', '8 h – 18 h', '--reply-to', 'Aide <aide@example.org>')
    by_uid = {re.search(r'(?:concerne l.identifiant|about the identifier) (\S+)', mail.text).group(1): mail for mail in smtp.mails}
    assert set(by_uid) == {one['uid'] for one in jobs}, by_uid.keys()
    for one in jobs:
        mail, french = by_uid[one['uid']], one['language'] == 'fr'
        words = WORDS[one['kind']][0 if french else 1]
        html = mail.part('html')
        for text in (mail.text, html):
            assert '{{' not in text and 'Marie' not in text, text
            assert '01 23 45 67 89' in text and 'aide@example.org' in text and '8 h – 18 h' in text, text
            assert 'https://portail.example.org/otp/' in text, text
        assert words in mail.text, (words, mail.text)
        assert ('Bonjour Zoé <Ça & là>,' if french else 'Hello Zoé <Ça & là>,') in mail.text, mail.text
        assert 'Zoé &lt;Ça &amp; là&gt;' in html and '<Ça' not in html and '<b>' not in html, html
        assert '<html lang="%s">' % one['language'] in html
        assert mail['Content-Language'] == one['language'] and mail['Auto-Submitted'] == 'auto-generated'
        assert mail['Reply-To'] == 'Aide <aide@example.org>' and mail.sender == FROM, mail['Reply-To']
        assert mail.message['To'].addresses[0].display_name == 'Zoé <Ça & là>', mail['To']
        assert mail.message['Date'].datetime is not None and mail['MIME-Version'] == '1.0'
        assert re.fullmatch(r'<\d+-\d+\.[0-9a-f]{16}@example\.org>', mail.id), mail.id
        assert all(len(line) <= 78 for line in mail.raw.split(b'\r\n')), mail.raw
        assert mail.raw.isascii() and b'\n\n\n' not in mail.part('plain').encode()
    assert len({mail.id for mail in smtp.mails}) == len(jobs)
    assert_quiet(len(jobs))
    assert sorted(one['reason'] for one in events()) == sorted(2 * KINDS)


@test
def subjects_are_right_in_both_languages():
    with smtp_lab.Server() as smtp:
        due(job('key_operational'), job('key_operational', language='en'), job('key_disabled', serial=''))
        once(smtp.url)
    assert sorted(mail['Subject'].replace('\u00a0', ' ') for mail in smtp.mails) == [
        'Votre clé OTP 201500042 est opérationnelle : créez votre code PIN', 'Votre clé OTP a été désactivée',
        'Your OTP key 201500042 is operational: create your PIN'], [mail['Subject'] for mail in smtp.mails]


@test
def language_nobody_knows_is_the_default_one():
    with smtp_lab.Server() as smtp:
        due(job(language=''), job(language='../../etc'), job(language='de'))
        once(smtp.url, '--language', 'en')
    assert [mail['Content-Language'] for mail in smtp.mails] == ['en'] * 3


@test
def times_are_those_of_the_zone():
    with smtp_lab.Server() as smtp:
        due(job())
        once(smtp.url, '--timezone', 'Europe/Paris')
    assert '22/11/2026 à 20:05' in smtp.mails[0].text, smtp.mails[0].text


@test
def helpdesk_that_is_not_configured_is_named_in_words():
    with smtp_lab.Server() as smtp:
        due(job())
        once(smtp.url)
    assert "l'assistance informatique de votre établissement" in smtp.mails[0].text


# --- who

@test
def address_comes_from_the_file_of_people_where_the_entry_has_none():
    people = os.path.join(FOLDER, 'people')
    with open(people, 'w', encoding='utf-8') as file:
        file.write('jean:*:Jean Müller:jean@example.org:staff\nnobody:*:No Body::staff\n')
    with smtp_lab.Server() as smtp:
        due(job(uid='jean', name='', email=''))
        once(smtp.url, '--people', people)
        with open(people, 'w', encoding='utf-8') as file:
            file.write('jean:*:Jean Müller:new@example.org:staff\nnobody:*:No Body::staff\n')
        due(job(uid='jean', name='', email=''), job(uid='jean', email='own@example.org'))
        once(smtp.url, '--people', people)
        assert sorted(mail.to[0] for mail in smtp.mails) == ['jean@example.org', 'new@example.org', 'own@example.org']
        assert smtp.mails[0]['To'] == 'Jean Müller <jean@example.org>', smtp.mails[0]['To']
        assert_quiet(3)
        for uid in ('nobody', 'stranger'):
            due(job(uid=uid, email=''))
            assert 'no e-mail address is known' in once(smtp.url, '--people', people, status=1)
    given_up = [one for one in events() if one['verdict'] == 'given_up']
    assert {one['user'] for one in given_up} == {'nobody', 'stranger'} and len(failed()) == 2
    assert given_up[0]['reason'] == 'pin_changed: no e-mail address is known', given_up


@test
def name_that_is_not_utf8_is_left_out_and_the_mail_goes_out():
    people = os.path.join(FOLDER, 'people')
    with open(people, 'w', encoding='latin-1') as file:
        file.write('jose:*:José Latin-1:jose@example.org:staff\n')
    with smtp_lab.Server() as smtp:
        due(job(uid='jose', name='', email=''))
        once(smtp.url, '--people', people)
        assert smtp.mails[0]['To'] == 'jose@example.org', smtp.mails[0]['To']
    assert_quiet(1)


@test
def file_of_people_is_read_anew_while_notify_runs():
    people = os.path.join(FOLDER, 'people')
    with open(people, 'w', encoding='utf-8') as file:
        file.write('jean:*:Jean:jean@example.org\n')
    with smtp_lab.Server() as smtp:
        process = start(smtp.url, '--people', people)
        due(job(uid='jean', email=''))
        wait_for(lambda: len(smtp.mails) == 1)
        os.rename(people, people + '.old')
        due(job(uid='jean', email=''))
        wait_for(lambda: left() == (1, 1))
        with open(people, 'w', encoding='utf-8') as file:
            file.write('jean:*:Jean:other@example.org\n')
        due(job(uid='jean', email=''))
        wait_for(lambda: len(smtp.mails) == 2)
        assert stop(process)[0] == 0
        assert smtp.mails[1].to == ['other@example.org']
        once(smtp.url, '--people', people)
    assert_quiet(3)


@test
def addresses_with_odd_characters_are_given_up():
    odd = ['a b@example.org', 'a@example.org\r\nRCPT TO:<b@example.org>', 'a@b@example.org', '<a@example.org>',
           'a,b@example.org', '"a"@example.org', 'a@example..org', '.a@example.org', 'a.@example.org', 'a@-example.org',
           'é@example.org', 'a@exämple.org', '@example.org', 'a@', 'a', 'a@[127.0.0.1]', 'a@example.org>',
           'x' * 65 + '@example.org', 'a(b)@example.org', 'a\0@example.org'[:1] + '\t@example.org']
    with smtp_lab.Server() as smtp:
        due(*(job(uid='odd.%d' % i, email=text) for i, text in enumerate(odd)))
        once(smtp.url, status=1)
        assert smtp.mails == [] and left() == (0, 0) and len(failed()) == len(odd), (len(failed()), len(odd))
        due(job(email="x.y+z!#$%&'*-/=?^_`{|}~@sub-1.example.org"), job(email='root@localhost'))
        once(smtp.url)
        assert [mail.to[0] for mail in smtp.mails] != []


@test
def no_value_makes_another_header_or_another_line():
    evil = 'x\r\nBcc: evil@example.org\r\n\r\nbody\n.\r\nMAIL FROM:<a@b>'
    with smtp_lab.Server() as smtp:
        due(job('request_rejected', name=evil[:100], reason=evil, address=evil, serial=evil),
            job('request_rejected', uid='p2', name='"\\\r\n <evil@example.org>', reason=evil))
        once(smtp.url)
    for mail in smtp.mails:
        assert mail.to == ['marie.dupont@example.org'] and 'Bcc' not in mail.message
        assert sorted(set(mail.message.keys())) == sorted([
            'Date', 'From', 'To', 'Subject', 'Message-ID', 'Auto-Submitted', 'X-Auto-Response-Suppress', 'Content-Language',
            'MIME-Version', 'Content-Type']), mail.message.keys()
        assert not re.search(r'^(Bcc|MAIL FROM)', mail.part('plain'), re.M), mail.part('plain')
        assert len(mail.message['To'].addresses) == 1, mail['To']
    assert len(smtp.mails) == 2
    assert_quiet(2)


# --- what cannot be read

@test
def forged_and_foreign_entries_are_moved_aside_and_never_sent():
    ring = os.path.join(FOLDER, 'other-ring')
    if not os.path.exists(ring):
        subprocess.run([OTPCTL, 'keyring', 'init', ring], check=True, stdout=subprocess.DEVNULL)
    one = job()
    entry, foreign = entries(one)[0], entries(one, ring=ring)[0]
    other = 'otp:mail:{%x}' % ((int(tag(one['uid'])[1], 16) + 1) % 16)
    forged = entry.replace(b'marie.dupont@example.org', b'evil@example.org')
    assert forged != entry
    for stream, value in [(one['stream'], forged), (other, entry), (one['stream'], foreign), (one['stream'], b''),
                          (one['stream'], b'garbage'), (one['stream'], b'1.' * 4000)]:
        redis('XADD', stream, '*', 'm', value)
    redis('XADD', one['stream'], '*', 'x', entry)
    with smtp_lab.Server() as smtp:
        due(one)
        told = once(smtp.url, status=1)
    assert len(smtp.mails) == 1 and left() == (0, 0), left()
    assert told.count('it cannot be read') == 7 and '1 sent, 0 failed, 7 given up' in told, told
    assert len(failed()) == 7 and {one[b'm'] for one in failed()} >= {forged, foreign, entry}
    given_up = [one for one in events() if one['verdict'] == 'given_up']
    assert len(given_up) == 7 and all(one['reason'].startswith('unreadable: ') for one in given_up), given_up
    assert all('user' not in one for one in given_up), given_up


@test
def key_that_was_added_to_the_ring_meanwhile_is_learnt():
    ring = os.path.join(FOLDER, 'rotated-ring')
    shutil.copy(RING, ring)
    with smtp_lab.Server() as smtp:
        process = start(smtp.url, ring=ring)
        due(job())
        wait_for(lambda: len(smtp.mails) == 1)
        subprocess.run([OTPCTL, 'keyring', 'rotate', ring], check=True, stdout=subprocess.DEVNULL)
        one = job(uid='later')
        redis('XADD', one['stream'], '*', 'm', entries(one, ring=ring)[0])
        due(job(uid='old.key'))
        wait_for(lambda: len(smtp.mails) == 3)
        status, _, err = stop(process)
    assert status == 0 and err == '', err
    assert_quiet(3)


# --- the mail server

@test
def starttls_and_authentication_are_used_and_the_certificate_is_verified():
    pair = smtp_lab.certificate(FOLDER)
    secret = os.path.join(FOLDER, 'smtp-password')
    with open(secret, 'w', encoding='utf-8') as file:
        file.write('pass word é\nsecond line\n')
    os.chmod(secret, 0o600)
    words = ['--smtp-tls', 'required', '--smtp-user', 'portail', '--smtp-password-file', secret]
    with smtp_lab.Server(starttls=pair, login=('portail', 'pass word é')) as smtp:
        due(job())
        told = once(smtp.url, *words, status=1)
        assert 'certificate' in told.lower() and smtp.mails == [] and smtp.logins == [], told
        once(smtp.url.replace('127.0.0.1', 'localhost'), *words, '--smtp-ca', pair[1])
        assert len(smtp.mails) == 1 and smtp.logins[-1][1:] == ('portail', 'pass word é'), smtp.logins
        with open(secret, 'w', encoding='utf-8') as file:
            file.write('wrong\n')
        due(job())
        told = once(smtp.url, *words, '--smtp-ca', pair[1], status=1)
        assert '535' in told and left() == (1, 1) and failed() == [], told
        assert 'wrong' not in told
    with smtp_lab.Server(login=('portail', 'pass word é')) as smtp:
        told = once(smtp.url, *words, '--smtp-ca', pair[1], status=1)
        assert smtp.logins == [] and smtp.mails == [] and left() == (1, 1), told
        os.chmod(secret, 0o644)
        assert 'chmod' in once(smtp.url, *words, status=1)


@test
def smtps_is_spoken():
    pair = smtp_lab.certificate(FOLDER)
    with smtp_lab.Server(tls=pair) as smtp:
        due(job())
        once(smtp.url, status=1)
        assert smtp.mails == []
        once(smtp.url, '--smtp-ca', pair[1])
        assert len(smtp.mails) == 1
    assert_quiet(1)


@test
def opportunistic_tls_goes_without_where_there_is_none():
    pair = smtp_lab.certificate(FOLDER)
    with smtp_lab.Server() as smtp:
        due(job())
        once(smtp.url, '--smtp-tls', 'opportunistic')
        assert len(smtp.mails) == 1
    with smtp_lab.Server(starttls=pair) as smtp:
        due(job())
        once(smtp.url, '--smtp-tls', 'opportunistic', '--smtp-ca', pair[1])
        assert len(smtp.mails) == 1
    assert_quiet(2)


@test
def server_that_is_down_costs_nothing():
    port = smtp_lab.free_port()
    addresses = many(20)
    told = once('smtp://127.0.0.1:%d' % port, status=1)
    assert 'the mail server failed 3 times: the rest was left' in told and left() == (20, 3), (told, left())
    with smtp_lab.Server(port=port) as smtp:
        once(smtp.url)
        assert {mail.to[0] for mail in smtp.mails} == addresses and len(smtp.mails) == 20
    assert_quiet(20)


@test
def mail_that_is_put_off_is_tried_again_with_the_same_id():
    with smtp_lab.Server() as smtp:
        smtp.rcpt, smtp.data = ['450 4.2.1 greylisted'], ['451 4.3.0 later']
        due(job())
        assert 'greylisted' in once(smtp.url, status=1) and left() == (1, 1)
        assert '451 4.3.0 later' in once(smtp.url, status=1) and left() == (1, 1)
        row = redis('XPENDING', job()['stream'], 'notify', '-', '+', '10')[0]
        assert row[1] == b'waiting' and row[3] == 2, row
        once(smtp.url)
    assert len(smtp.mails) == 1
    assert_quiet(1)


@test
def mail_that_is_refused_for_good_is_given_up_loudly_and_the_others_go_on():
    for at in ('rcpt', 'data'):
        redis('FLUSHALL')
        with smtp_lab.Server() as smtp:
            setattr(smtp, at, ['550 5.1.1 no such person'])
            due(job(), job(email='second@example.org'))
            told = once(smtp.url, status=1)
        assert '550 5.1.1 no such person' in told and '1 sent, 0 failed, 1 given up' in told, told
        assert len(smtp.mails) == 1 and left() == (0, 0)
        kept = failed()
        assert len(kept) == 1 and b'550 5.1.1' in kept[0][b'why'], kept
        given_up = [one for one in events() if one['verdict'] == 'given_up']
        assert len(given_up) == 1 and given_up[0]['user'] == 'marie.dupont', given_up
        assert given_up[0]['reason'].startswith('pin_changed: the mail server refuses it: 550 5.1.1'), given_up


@test
def what_was_given_up_can_be_put_back():
    with smtp_lab.Server() as smtp:
        smtp.rcpt = ['554 5.7.1 relay access denied'] * 150
        addresses = many(150)
        once(smtp.url, status=1)
        assert len(failed()) == 150 and smtp.mails == []
        assert '150 put back' in once(smtp.url, '--again')
        assert {mail.to[0] for mail in smtp.mails} == addresses and len(smtp.mails) == 150
        assert failed() == [] and left() == (0, 0)


def notify(status, *words):
    process = subprocess.run([OTPCTL, '--redis', 'unix:' + server.path, '--keyring', RING, 'notify', *words],
                             stdin=subprocess.DEVNULL, capture_output=True, text=True, env=environment(), check=False)
    assert process.returncode == status, (words, process)
    return process


@test
def what_was_given_up_is_listed_and_can_be_discarded():
    with smtp_lab.Server() as smtp:
        smtp.rcpt = ['550 5.1.1 no such person'] * 150
        many(149)
        due(job(kind='key_disabled'))
        told = once(smtp.url, status=1)
    rows = json.loads(notify(0, '--list', '--json').stdout)
    assert len(rows) == len({row['id'] for row in rows}) == 150, rows
    mine = next(row for row in rows if row['user'] == 'marie.dupont')
    assert mine['kind'] == 'key_disabled' and '550 5.1.1' in mine['why'] and mine['at'] > 1700000000, mine
    assert mine['id'].startswith(tag('marie.dupont')[1] + ':') and mine['id'][2:] in told, (mine, told)
    lines = notify(0, '--list').stdout
    assert lines.count('\n') == 151 and mine['id'] in lines and '550 5.1.1' in lines, lines
    assert json.loads(notify(0, '--discard', mine['id'], '--json').stdout) == {'discarded': 1}
    assert [row for row in json.loads(notify(0, '--list', '--json').stdout) if row['user'] == 'marie.dupont'] == []
    dropped = [one for one in events() if one['verdict'] == 'discarded']
    assert [(one['user'], one['reason']) for one in dropped] == [('marie.dupont', 'key_disabled')], dropped
    assert 'no mail' in notify(1, '--discard', mine['id']).stderr
    # As standard error has named it, without its stream.
    assert int(notify(0, '--discard', rows[0]['id'][2:]).stdout.split()[0]) >= 1
    assert notify(0, '--discard', 'all').stdout.endswith(' discarded\n') and failed() == []
    assert notify(0, '--discard', 'all').stdout == '0 discarded\n' and left() == (0, 0)
    assert len([one for one in events() if one['verdict'] == 'discarded']) == 150


@test
def what_cannot_be_read_is_discarded_too():
    redis('XADD', 'otp:mailfail:{3}', '*', 'm', 'nonsense', 'id', '12-0', 'why', 'it cannot be read\x1b[2J')
    redis('XADD', 'otp:mailfail:{3}', '*', 'x', 'y')
    shown = notify(0, '--list').stdout
    assert '3:12-0' in shown and shown.count('unreadable') == 2 and '\x1b' not in shown, shown
    assert notify(0, '--discard', '3:12-0').stdout == '1 discarded\n' and len(failed()) == 1
    assert notify(0, '--discard', 'all').stdout == '1 discarded\n' and failed() == []


@test
def listing_and_discarding_take_nothing_that_is_for_sending():
    for words in (['--list', '--once'], ['--discard', 'all', '--again'], ['--list', '--discard', 'all'],
                  ['--discard', ''], ['--discard', '*'], ['--discard', '12'], ['--discard', 'g:12-0'],
                  ['--discard', '12-0-1'], ['--discard', 'everything']):
        assert notify(2, *words).stderr, words


@test
def refusal_of_our_sender_is_no_refusal_of_the_mail():
    with smtp_lab.Server() as smtp:
        smtp.mail = ['550 5.7.1 sender not allowed'] * 3
        due(job())
        assert 'sender not allowed' in once(smtp.url, status=1)
        assert left() == (1, 1) and failed() == []
        smtp.mail = []
        once(smtp.url)
    assert_quiet(1)


@test
def slow_server_is_waited_for_and_one_that_hangs_is_not():
    with smtp_lab.Server(delay=1.5) as smtp:
        due(job())
        once(smtp.url, '--smtp-timeout', '50s')
        assert len(smtp.mails) == 1
    for script in (['220 hi', '250 hello', '<hang>'], ['220 hi', '250 hello', '250 ok', '250 ok', '354 go', '<hang>'],
                   ['<hang>']):
        with smtp_lab.Scripted(script) as smtp:
            due(job())
            told = once(smtp.url, '--smtp-timeout', '1s', status=1)     # it would hang for good
            assert left()[0] == 1, told
        with smtp_lab.Server() as smtp:
            once(smtp.url)
    assert_quiet(4)


@test
def connection_that_ends_in_the_middle_loses_nothing():
    begin = ['220 hi', '250 hello']
    for script in (['<close>'], begin + ['<close>'], begin + ['250 ok', '<close>'], begin + ['250 ok', '250 ok', '<close>'],
                   begin + ['250 ok', '250 ok', '354 go', '<close in data>'],
                   begin + ['250 ok', '250 ok', '354 go', '<close>'], ['554 no mail here'], ['421 busy'],
                   begin + ['421 busy'], begin + ['250 ok', '421 busy']):
        redis('FLUSHALL')
        with smtp_lab.Scripted(script) as smtp:
            due(job())
            told = once(smtp.url, '--smtp-timeout', '50s', status=1)
        assert left() == (1, 1) and failed() == [], (script, told, failed())
        with smtp_lab.Server() as smtp:
            once(smtp.url)
        assert len(smtp.mails) == 1, script
        assert_quiet(1)


@test
def run_of_mails_goes_over_one_connection():
    many(40)
    with smtp_lab.Server() as smtp:
        once(smtp.url)
    assert len(smtp.mails) == 40 and smtp.connections == 1, smtp.connections
    assert_quiet(40)


@test
def server_that_ends_the_connection_between_mails_is_called_again():
    many(10)
    with smtp_lab.Server() as smtp:
        smtp.per_connection = 3
        once(smtp.url)
    assert len(smtp.mails) == 10 and smtp.connections == 4, smtp.connections
    assert_quiet(10)


@test
def mail_that_fails_for_too_long_is_given_up():
    entry, stream = entries(job())[0], job()['stream']
    redis('XADD', stream, '1000-1', 'm', entry)
    with smtp_lab.Server() as smtp:
        once(smtp.url)      # old, but never tried
        assert len(smtp.mails) == 1
        assert_quiet(1)
    redis('XADD', stream, '%d-1' % (time.time() * 1000 - 7200000), 'm', entry)
    url = 'smtp://127.0.0.1:%d' % smtp_lab.free_port()
    once(url, status=1)
    assert left() == (1, 1) and failed() == []
    told = once(url, '--give-up', '1h', status=1)
    assert 'was given up' in told and left() == (0, 0) and len(failed()) == 1, told


# --- processes

@test
def several_at_once_send_each_mail_once():
    addresses = many(200)
    with smtp_lab.Server(delay=0.002) as smtp:
        processes = [start(smtp.url) for _ in range(4)]
        wait_for(lambda: left() == (0, 0))
        for process in processes:
            assert stop(process)[0] == 0
    assert sorted(mail.to[0] for mail in smtp.mails) == sorted(addresses)
    assert_quiet(200)


@test
def one_that_ends_leaves_no_name_behind():
    with smtp_lab.Server() as smtp:
        due(job())
        once(smtp.url)
        process = start(smtp.url)
        due(job())
        wait_for(lambda: left() == (0, 0) and len(smtp.mails) == 2)
        stop(process)
        killed = start(smtp.url)
        due(job())
        wait_for(lambda: left() == (0, 0) and len(smtp.mails) == 3)
        assert redis('XINFO', 'CONSUMERS', job()['stream'], 'notify') != []
        killed.kill()
        killed.communicate()
        once(smtp.url)
    for name in streams():
        assert redis('XINFO', 'CONSUMERS', name, 'notify') == [], redis('XINFO', 'CONSUMERS', name, 'notify')


@test
def stop_waits_for_the_mail_under_way():
    with smtp_lab.Server() as smtp:
        smtp.go_on.clear()
        due(job(), job(uid='p2'))
        process = start(smtp.url)
        wait_for(smtp.under_way.is_set)
        process.send_signal(signal.SIGTERM)
        smtp.go_on.set()
        status, out, err = stop(process)
        assert (status, err) == (0, '') and len(smtp.mails) == 1, (status, err, len(smtp.mails))
        assert left() == (1, 0), left()
        once(smtp.url)
    assert_quiet(2)


@test
def entry_in_the_hands_of_another_that_lives_is_left_alone():
    due(job())
    stream = job()['stream']
    redis('XGROUP', 'CREATE', stream, 'notify', '0')
    redis('XREADGROUP', 'GROUP', 'notify', 'some-other-machine', 'STREAMS', stream, '>')
    with smtp_lab.Server() as smtp:
        once(smtp.url)
        assert smtp.mails == [] and left() == (1, 1)
        # Until it has had it for longer than an attempt can take.
        redis('XCLAIM', stream, 'notify', 'some-other-machine', '0', redis('XRANGE', stream, '-', '+')[0][0], 'IDLE', '16500')
        once(smtp.url, '--smtp-timeout', '1s')
        assert len(smtp.mails) == 1
    assert_quiet(1)


@test
def nothing_is_lost_when_notify_is_killed_at_any_moment():
    chance = random.Random(SEED)
    addresses = many(500)
    with smtp_lab.Server(delay=0.012) as smtp:
        for _ in range(50):
            process = start(smtp.url, '--smtp-timeout', '50s')
            time.sleep(chance.uniform(0.01, 0.3))
            process.kill()
            process.communicate()
        done_before = len(smtp.mails)
        once(smtp.url, '--smtp-timeout', '50s')
    assert {mail.to[0] for mail in smtp.mails} == addresses, len(smtp.mails)
    ids = {}
    for mail in smtp.mails:
        ids.setdefault(mail.to[0], set()).add(mail.id)
    assert all(len(one) == 1 for one in ids.values()), 'a second copy has another Message-ID'
    assert left() == (0, 0) and failed() == [], (left(), failed())
    assert 0 < done_before and len(smtp.mails) <= 550, (done_before, len(smtp.mails))
    print('# %d mails before the last run, %d second copies' % (done_before, len(smtp.mails) - 500))


@test
def nothing_is_lost_when_the_mail_server_is_killed():
    chance = random.Random(SEED)
    addresses = many(200)
    smtp = smtp_lab.Process(os.path.join(FOLDER, 'spool'))
    process = start(smtp.url, '--smtp-timeout', '50s')
    try:
        for _ in range(5):
            wait_for(lambda: smtp.mails or True)
            time.sleep(chance.uniform(0.05, 0.4))
            smtp.kill()
            time.sleep(chance.uniform(0, 0.3))
            smtp.start()
        wait_for(lambda: sum(redis('XLEN', name) for name in streams()) <= 5)
    finally:
        status, _, err = stop(process)
    once(smtp.url, '--smtp-timeout', '50s')
    smtp.kill()
    assert status == 0 and 'mail waits' in err and 'works again' in err, err
    assert {str(mail.message['To'].addresses[0].addr_spec) for mail in smtp.mails} == addresses
    assert left() == (0, 0) and failed() == []
    assert len(smtp.mails) <= 210, len(smtp.mails)


@test
def nothing_is_lost_when_redis_is_killed():
    chance = random.Random(SEED)
    addresses = many(200)
    with smtp_lab.Server(delay=0.005) as smtp:
        process = start(smtp.url, '--smtp-timeout', '50s')
        wait_for(lambda: smtp.mails)
        for _ in range(3):
            time.sleep(chance.uniform(0, 0.3))
            server.crash()
            time.sleep(chance.uniform(0, 0.3))
            server.restart()
        wait_for(lambda: left() == (0, 0) or process.poll() is not None)
        status, _, err = stop(process)
    assert status == 0 and 'connected again' in err, (status, err)
    assert {mail.to[0] for mail in smtp.mails} == addresses and failed() == []
    assert len(smtp.mails) <= 203, len(smtp.mails)


@test
def mail_that_was_sent_while_redis_went_away_is_not_sent_again():
    with smtp_lab.Server() as smtp:
        smtp.go_on.clear()
        due(job())
        process = start(smtp.url)
        wait_for(smtp.under_way.is_set)
        server.crash()
        smtp.go_on.set()
        wait_for(lambda: len(smtp.mails) == 1)
        time.sleep(0.5)
        server.restart()
        wait_for(lambda: left() == (0, 0))
        assert stop(process)[0] == 0
        once(smtp.url)
        assert len(smtp.mails) == 1
    assert_quiet(1)


@test
def redis_that_is_away_is_told_by_3():
    once('smtp://127.0.0.1:1', status=3, address='unix:%s/nowhere' % FOLDER)


@test
def rights_of_the_shipped_user_are_enough():
    with open(ACL, encoding='utf-8') as file:
        line = next(one for one in file if one.startswith('user otpctl '))
    words = [word for word in line.split()[2:] if not word.startswith('#')]
    assert redis('ACL', 'SETUSER', 'otpctl', *words, '>secret') == b'OK'
    secret = os.path.join(FOLDER, 'redis-password')
    with open(secret, 'w', encoding='utf-8') as file:
        file.write('secret\n')
    os.chmod(secret, 0o600)
    address = 'unix:%s user=otpctl password_file=%s' % (server.path, secret)
    with smtp_lab.Server() as smtp:
        smtp.rcpt = ['450 later', '550 never']
        due(job(), job(uid='p2'), job(uid='p3'))
        told = once(smtp.url, address=address, status=1)
        assert 'NOPERM' not in told, told
        once(smtp.url, address=address)
        assert len(smtp.mails) == 2 and len(failed()) == 1


# --- a code of somebody else's key

def totp(secret, time_s):
    import hashlib
    import hmac
    digest = hmac.new(secret, int(time_s // 60).to_bytes(8, 'big'), hashlib.sha1).digest()
    at = digest[-1] & 15
    return '%06d' % ((int.from_bytes(digest[at:at + 4], 'big') & 0x7fffffff) % 1000000)


def key(serial):
    made = subprocess.run([OTPCTL, '--redis', 'unix:' + server.path, '--keyring', RING, '--json', 'key', 'generate',
                           '--serial', serial], stdout=subprocess.PIPE, check=True, env=environment())
    secret = re.search(r'secret=([A-Z2-7]+)', json.loads(made.stdout)['uri']).group(1)
    return base64.b32decode(secret + '=' * (-len(secret) % 8))


def assign(serial, uid):
    """Without the mail that tells of it."""
    subprocess.run([OTPCTL, '--redis', 'unix:' + server.path, '--keyring', RING, 'key', 'assign', serial, uid], check=True,
                   stdout=subprocess.DEVNULL, env=environment())
    redis('DEL', *streams())


def mixup(code, serial='', **more):
    return job('key_mixup', code=code, time=int(time.time() * 1000) - 600000, serial=serial, **more)


@test
def key_that_was_mixed_up_is_found_and_the_helpdesk_told():
    secrets = {serial: key(serial) for serial in ('1000', '1001', '1002', '1003')}
    assign('1000', 'marie.dupont')
    assign('1001', 'jean')
    then = int(time.time()) - 600
    with smtp_lab.Server() as smtp:
        due(mixup(totp(secrets['1001'], then)), mixup(totp(secrets['1002'], then), language='en', name='', serial='1003'))
        once(smtp.url, '--support-email', 'Aide <aide@example.org>')
    assert [mail.to for mail in smtp.mails] == [['aide@example.org']] * 2
    assert 'Marie Dupont (marie.dupont)' in smtp.mails[0].text and 'attribuée à jean' in smtp.mails[0].text
    assert 'n° 1001' in smtp.mails[0].text and 'ses clés : 1000' in smtp.mails[0].text, smtp.mails[0].text
    assert 'n° 1002' in smtp.mails[1].text and 'attribuée à personne' in smtp.mails[1].text, smtp.mails[1].text
    assert "l'activation" not in smtp.mails[0].text and "l'activation de la clé n° 1003" in smtp.mails[1].text
    assert smtp.mails[0]['To'] == 'Aide <aide@example.org>', smtp.mails[0]['To']
    assert 'mot de passe ni votre code PIN' not in smtp.mails[0].text
    found = events('key_mixup')
    assert [(one['verdict'], one['user'], one['serial']) for one in found] == [
        ('found', 'marie.dupont', '1001'), ('found', 'marie.dupont', '1002')], found
    history = redis('XRANGE', name_of('hist', 'marie.dupont'), '-', '+')
    seen = [json.loads(fields[1]) for _, fields in history]
    assert [one['serial'] for one in seen if one['event'] == 'key_mixup'] == ['1001', '1002'], seen
    assert redis('TTL', name_of('hist', 'marie.dupont')) > 0
    assert left() == (0, 0) and failed() == []
    for code in (totp(secrets['1001'], then), totp(secrets['1002'], then)):
        assert not any(code.encode() in mail.raw for mail in smtp.mails)
        assert code not in json.dumps(events()) + json.dumps(found)


@test
def key_whose_clock_has_drifted_is_found_within_ten_steps():
    secret = key('1001')
    with smtp_lab.Server() as smtp:
        due(mixup(totp(secret, time.time() - 600 + 5 * 60)), mixup(totp(secret, time.time() - 600 - 12 * 60)))
        once(smtp.url, '--support-email', 'aide@example.org')
    assert len(smtp.mails) == 1 and sorted(one['verdict'] for one in events('key_mixup')) == ['found', 'none']


@test
def code_of_nobody_or_of_the_own_key_is_dropped_in_silence():
    secrets = {serial: key(serial) for serial in ('1000', '1001')}
    assign('1000', 'marie.dupont')
    then = int(time.time()) - 600
    near = {totp(secret, then + 60 * i) for secret in secrets.values() for i in range(-60, 61)}
    nobody = next('%06d' % i for i in range(1000) if '%06d' % i not in near)
    with smtp_lab.Server() as smtp:
        due(mixup(totp(secrets['1000'], then)), mixup(nobody))
        assert '0 sent' in once(smtp.url, '--support-email', 'aide@example.org')
    assert smtp.mails == [] and left() == (0, 0) and failed() == [] and events() == []
    assert [one['verdict'] for one in events('key_mixup')] == ['none', 'none']


@test
def mix_up_that_nobody_can_be_told_of_is_given_up():
    secret = key('1001')
    with smtp_lab.Server() as smtp:
        due(mixup(totp(secret, time.time() - 600)))
        assert 'there is no --support-email to tell' in once(smtp.url, status=1)
        due(job('key_mixup', reason='not sealed'))
        assert 'cannot be opened' in once(smtp.url, '--support-email', 'aide@example.org', status=1)
    assert smtp.mails == [] and len(failed()) == 2


# --- usage

@test
def wrong_usage_leaves_with_2_and_says_why():
    for words, why in [
            (['--smtp', 'http://x'], 'smtp://'), (['--smtp', 'smtp://u:p@x'], '--smtp-password-file'),
            (['--smtp', 'smtp://'], 'smtp://'), (['--smtp', 'smtp://x/y'], 'smtp://'), (['--from', 'x'], 'no address'),
            (['--from', 'a@b\r\nBcc: c@d'], 'no address'), (['--reply-to', 'x y'], 'no address'),
            (['--smtp-tls', 'maybe'], 'required'), (['--give-up', '3x'], '12h'), (['--give-up', '0d'], '12h'),
            (['--smtp-timeout', '2h'], 'at most an hour'), (['--smtp-user', 'u'], 'go together'),
            (['--smtp', 'smtp://x', '--smtp-tls', 'off', '--smtp-user', 'u', '--smtp-password-file', RING], 'in clear'),
            (['--timezone', '../etc'], 'no zone'), (['--support-email', 'x'], 'no address')]:
        base = [] if '--smtp' in words else ['--smtp', 'smtp://127.0.0.1:1']
        base += [] if '--from' in words else ['--from', FROM]
        result = subprocess.run([OTPCTL, '--redis', 'unix:' + server.path, '--keyring', RING, 'notify', '--once', *base, *words],
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(), timeout=20)
        assert result.returncode == 2 and why in result.stderr.decode(), (words, result)
    for words, why in [([], 'no mail server'), (['--smtp', 'smtp://x'], 'no sender')]:
        result = subprocess.run([OTPCTL, '--redis', 'unix:' + server.path, '--keyring', RING, 'notify', *words],
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(), timeout=20)
        assert result.returncode == 2 and why in result.stderr.decode(), (words, result)


@test
def texts_that_are_wrong_are_refused_with_their_name():
    for change, why in [
            (lambda folder: os.unlink(folder + '/fr/mail/replay.txt'), 'fr/mail/replay.txt is missing'),
            (lambda folder: open(folder + '/en/mail/replay.html', 'a').write('{{#x}}'), 'en/mail/replay.html: line'),
            (lambda folder: open(folder + '/en/mail/foot.txt', 'a').write('{{password}}'), 'not given "password"'),
            (lambda folder: open(folder + '/fr/mail/replay.txt', 'a').write('{{>nothing}}'), 'no part "nothing"'),
            (lambda folder: os.chmod(folder + '/fr/mail/replay.txt', 0o666), 'chmod o-w'),
            (lambda folder: shutil.rmtree(folder + '/fr/mail'), 'none in the language fr')]:
        folder = os.path.join(FOLDER, 'texts')
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(TEMPLATES, folder)
        change(folder)
        due(job())
        words = command('smtp://127.0.0.1:1', '--once')
        words[words.index('--templates') + 1] = folder
        result = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(), timeout=20)
        assert result.returncode == 1 and why in result.stderr.decode(), (why, result)
        assert left()[1] == 0


@test
def settings_may_stand_in_the_configuration_file():
    path = os.path.join(FOLDER, 'otpctl.conf')
    with smtp_lab.Server() as smtp:
        with open(path, 'w', encoding='utf-8') as file:
            file.write('redis = unix:%s\nkeyring = %s\nsmtp = %s\nfrom = Portail académique <%s>\ntemplates = %s\n'
                       'support-phone = 0123\nlanguage = en\n' % (server.path, RING, smtp.url, FROM, TEMPLATES))
        due(job(language=''))
        result = subprocess.run([OTPCTL, '--config', path, 'notify', '--once', '--json', '--support-phone', '4567'],
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(), timeout=20)
    assert result.returncode == 0 and json.loads(result.stdout) == {'sent': 1, 'failed': 0, 'given_up': 0}, result
    assert smtp.mails[0]['From'] == 'Portail académique <%s>' % FROM and '4567' in smtp.mails[0].text
    assert smtp.mails[0]['Content-Language'] == 'en'


class Server(redis_lab.Server):
    """One that can be killed and started again with what its append-only file has."""

    def crash(self):
        self.process.kill()
        self.process.wait()

    def restart(self):
        self.process = subprocess.Popen(self.process.args, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)
        end = time.monotonic() + 10
        while time.monotonic() < end:
            try:
                self.client = redis_lab.Client(self.path)
                if self.client('PING') == b'PONG':
                    return
            except OSError:
                pass
            time.sleep(0.02)
        raise RuntimeError('redis-server did not come back')


def end():
    while STARTED:
        process = STARTED.pop()
        if process.poll() is None:
            process.kill()
            process.communicate()


def main():
    global server
    subprocess.run([OTPCTL, 'keyring', 'init', RING], check=True, stdout=subprocess.DEVNULL)
    server = Server('--appendfsync', 'always')
    try:
        return run_tests(sys.argv[5] if len(sys.argv) > 5 else '', lambda: redis('FLUSHALL'), end)
    finally:
        server.stop()
        shutil.rmtree(FOLDER)


if __name__ == '__main__':
    sys.exit(main())
