"""What the tests of otpctl share: their list, run as TAP; what came of a command; names in Redis."""
import json
import os
import traceback

TESTS = []


def test(function):
    TESTS.append(function)
    return function


def run_tests(word, before, after=lambda: None):
    """Those whose name holds the word, each between the two calls.  Returns the exit status."""
    chosen = [one for one in TESTS if word in one.__name__]
    failed = 0
    print('1..%d' % len(chosen), flush=True)
    for number, one in enumerate(chosen, 1):
        try:
            before()
            one()
            verdict = 'ok'
        except Exception:       # whatever it is, the others are run
            failed += 1
            verdict = 'not ok'
            print('# ' + traceback.format_exc().rstrip().replace('\n', '\n# '))
        finally:
            after()
        print('%s %d - %s' % (verdict, number, one.__name__.replace('_', ' ')), flush=True)
    return 1 if failed else 0


class Result:
    """What a command left."""

    def __init__(self, process, out, err):
        self.status, self.out, self.err = process.returncode, out, err

    @property
    def json(self):
        return json.loads(self.out)

    def __repr__(self):
        return 'exit %d\n%s%s' % (self.status, self.out, self.err)


def environment(**more):
    """Ours, without any setting of otpctl."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith('OTP_')}
    return dict(clean, **{'LC_ALL': 'C.UTF-8', 'TZ': 'UTC', **more})


def tag(ident):
    """The hash tag of what belongs to a person or a key, as "{a}"."""
    value = 2166136261
    for byte in ident.encode():
        value = (value ^ byte) * 16777619 % 2 ** 32
    return '{%x}' % ((value ^ value >> 16) % 16)


def name_of(kind, ident):
    return 'otp:%s:%s:%s' % (kind, tag(ident), ident)
