"""Runs the tests of this folder; what could not be tried is named; the last line is `N passed, N failed`."""
import os
import sys
import unittest

here = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [here, os.path.join(os.path.dirname(here), "gateways")]
loader = unittest.TestLoader()
suite = loader.loadTestsFromNames(sys.argv[1:]) if sys.argv[1:] else loader.discover(here, "test_*.py")
result = unittest.TextTestRunner(stream=sys.stdout, verbosity=2).run(suite)
failed = len(result.failures) + len(result.errors) + len(result.unexpectedSuccesses)
for test, reason in result.skipped:
    print(f"skipped: {test.id()}: {reason}")
if result.skipped:
    print(f"{len(result.skipped)} skipped")
print(f"{max(result.testsRun - failed - len(result.skipped), 0)} passed, {failed} failed")
sys.exit(failed > 0)
