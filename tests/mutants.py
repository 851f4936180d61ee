#!/usr/bin/env python3
"""make mutants: does every function of core/ have a test that fails when its rule is removed?

Each function's body is replaced, one at a time, by a return of nothing (zero, NULL, false, OTP_OK), and
for a bool or a status by its contrary too.  The unit tests that reach the function are run against it; a mutant
that none of them notices is a rule nobody tests.  Slow (tens of minutes): not part of `make test`.

    tests/mutants.py [core/FILE.c …]
"""
import concurrent.futures
import glob
import gzip
import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
WORK = TOP / "build" / "mutants"
FLAGS = ["-std=c11", "-D_GNU_SOURCE", "-O1", "-w", "-I.", "-fsanitize=address"]
LIBS = ["-fsanitize=address", "-lcmocka", "-lhiredis", "-ljansson", "-lstoken", "-lssl", "-lcrypto", "-lcrypt", "-lpthread"]
ENVIRONMENT = dict(os.environ)
TEST_SECONDS = 120


def run(command, **options):
    return subprocess.run(list(map(str, command)), cwd=TOP, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                          env=options.pop("env", ENVIRONMENT), **options)


def functions(path):
    """(name, return type, line of the opening brace, line of the closing one) of each function in a file."""
    lines = (TOP / path).read_text().split("\n")
    found = []
    for start, line in enumerate(lines):
        if line != "{":
            continue
        head = start
        while head > 0 and lines[head - 1] and not lines[head - 1].endswith(("*/", "}", ";")) \
                and not lines[head - 1].startswith("#"):
            head -= 1
        signature = " ".join(part.strip() for part in lines[head:start])
        match = re.match(r"(?:OTP_MUST_USE |static |inline )*(.*?[ *])(\w+)\(", signature)
        if match:
            found.append((match[2], match[1].strip(), start, lines.index("}", start)))
    return found


def bodies(kind):
    """What replaces a body of that return type."""
    if kind == "void":
        return ["return;"]
    nothing = f"static __typeof__({kind}) otp_mutant; return otp_mutant;"
    if kind == "bool":
        return [nothing, "return true;"]
    if kind == "otp_status_t":
        return [nothing, "return OTP_INVALID;"]
    return [nothing]


def compile_object(source, target, extra=()):
    target.parent.mkdir(parents=True, exist_ok=True)
    return run(["cc", *FLAGS, *extra, "-c", source, "-o", target]).returncode == 0


def prepare():
    """Objects with coverage, and which test reaches which function, quickest first."""
    shutil.rmtree(WORK, ignore_errors=True)
    sources = sorted(glob.glob("core/*/*.c", root_dir=TOP) + glob.glob("tests/unit/*.c", root_dir=TOP))
    sources = [s for s in sources if not s.startswith("tests/unit/test_otpctl")]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for source, ok in zip(sources, pool.map(lambda s: compile_object(
                s, WORK / "obj" / (s + ".o"), ["--coverage"] if s.startswith("core/") else []), sources)):
            if not ok:
                sys.exit(f"mutants: {source} does not compile")
    core = [WORK / "obj" / (s + ".o") for s in sources if s.startswith("core/")]
    support = [WORK / "obj" / (s + ".o") for s in sources if "/otp_fake" in s]
    reach, seconds = {}, {}
    for test in (s for s in sources if "/test_" in s):
        program = WORK / "base" / Path(test).stem
        program.parent.mkdir(exist_ok=True)
        run(["cc", "--coverage", "-o", program, WORK / "obj" / (test + ".o"), *support, *core, *LIBS], check=True)
        data = WORK / "gcda" / program.name
        begin = time.monotonic()
        if run([program], env={**ENVIRONMENT, "GCOV_PREFIX": str(data)}).returncode != 0:
            sys.exit(f"mutants: {test} fails without any mutant")
        seconds[test] = time.monotonic() - begin
        for counted in data.rglob("*.gcda"):
            shutil.copy(str(counted).replace(str(data), "").replace(".gcda", ".gcno"), counted.parent)
            subprocess.run(["gcov", "--json-format", counted.name], cwd=counted.parent, capture_output=True, check=True)
        for report in data.rglob("*.gcov.json.gz"):
            for file in json.loads(gzip.open(report).read())["files"]:
                for function in file["functions"]:
                    if function["execution_count"]:
                        reach.setdefault((file["file"], function["name"]), []).append(test)
    for tests in reach.values():
        tests.sort(key=seconds.get)
    return core, support, reach


def survives(number, path, start, end, body, tests, core, support):
    """Whether no test notices."""
    place = WORK / "mutant" / str(number)
    place.mkdir(parents=True)
    lines = (TOP / path).read_text().split("\n")
    mutant = place / "mutant.c"
    mutant.write_text("\n".join(lines[:start + 1] + [body] + lines[end:]))
    try:
        if not compile_object(mutant, place / "mutant.o"):
            return None
        replaced = [place / "mutant.o" if str(o).endswith("/" + path + ".o") else o for o in core]
        for test in tests:
            run(["cc", "--coverage", "-o", place / "test", WORK / "obj" / (test + ".o"), *support, *replaced, *LIBS],
                check=True)
            try:
                if run([place / "test"], timeout=TEST_SECONDS,
                       env={**ENVIRONMENT, "GCOV_PREFIX": str(place)}).returncode != 0:
                    return False
            except subprocess.TimeoutExpired:
                return False
        return True
    finally:
        shutil.rmtree(place)


def main():
    core, support, reach = prepare()
    chosen = sys.argv[1:] or sorted(glob.glob("core/*/*.c", root_dir=TOP))
    work = []
    for path in chosen:
        for name, kind, start, end in functions(path):
            for body in bodies(kind):
                work.append((len(work), path, name, start, end, body, reach.get((path, name), [])))
    left = broken = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        results = pool.map(lambda w: survives(w[0], w[1], w[3], w[4], w[5], w[6], core, support), work)
        for (_, path, name, start, _, body, tests), result in zip(work, results):
            if result is None:
                broken += 1
                print(f"{path}:{start}: {name}: mutant does not compile: {body}", flush=True)
            elif result:
                left += 1
                print(f"{path}:{start}: {name}: nobody notices «{body}» ({len(tests)} tests reach it)", flush=True)
    print(f"{len(work) - left - broken} mutants noticed, {left} not, {broken} without a mutant")
    sys.exit(1 if left else 0)


main()
