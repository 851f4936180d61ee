"""Passcodes: people who sign in with identifier, PIN and code, each once, on one worker."""
import chart
import lab as the_lab
import load

TITLE, ROUNDS, SECONDS = "Passcode decisions", 5, 3
MEMORY, DIRECTORY = "Redis in memory", "the same, a password file of 20,000"
DISK = "Redis writes each to disk (appendfsync always)"
DIRECTORY_PEOPLE = 20000
FORMS_S = 15000         # people for each second of load: more than can be decided
AGAIN = 200             # of those accepted are presented once more


def accepted(lab, port):
    """How many passcodes the gateway says it has accepted."""
    text = the_lab.Client(port).get("/metrics")[1].decode()
    return sum(float(line.split()[1]) for line in text.splitlines()
               if line.startswith("otp_portal_requests_total") and 'verdict="ok"' in line)


def round_of(lab, port, seconds, count):
    browser = the_lab.Client(port)
    forms = the_lab.WORK / "forms"
    lab.records("accounts", 0, count, browser.token(), forms)
    lines = forms.read_text().splitlines()

    before = accepted(lab, port)
    watched = {"gateway": lab.workers("gateway"), "redis": [lab.pid("redis")]}
    cookie = f"Cookie: otp-form={browser.cookies['otp-form']}"
    found = load.measure(f"http://127.0.0.1:{port}/otp/login", seconds, watched, lines=forms, width=len(lines[0]) + 1,
                         what="form", headers=("Accept: application/json", cookie))
    after = accepted(lab, port)
    if not 0 <= after - before - found["requests"] <= 64 or found["requests"] >= count:
        raise RuntimeError(f"{found['requests']} passcodes were answered, {after - before} accepted")

    # Presented once more in forms of their own, every code must be refused.  (wrk makes its first request to look at.)
    for line in lines[1:AGAIN + 1]:
        status, said = browser.request("POST", "/otp/login", line.rpartition("&csrf=")[0] + f"&csrf={browser.token()}")
        if status != 401:
            raise RuntimeError(f"a spent code was answered {status} {said}")
    return found


def run(lab, options):
    the_lab.write_people(DIRECTORY_PEOPLE)
    result = {}
    for name, redis, people in ((MEMORY, (), False), (DIRECTORY, (), True),
                                (DISK, ("--appendonly", "yes", "--appendfsync", "always"), False)):
        lab.redis(*redis)
        count = DIRECTORY_PEOPLE if people else FORMS_S * options.seconds
        rounds = []
        for _ in range(options.rounds):
            lab.redis_cli("flushall")
            port = lab.gateway("gateway", 4, people=people)
            rounds.append(round_of(lab, port, options.seconds, count))
            lab.stop("gateway")
        lab.stop()
        options.say(name)
        result[name] = {key: chart.spread(r[key] for r in rounds) for key in rounds[0]}
    return result


def show(result):
    rows = [(name, chart.cell(row["requests_s"], ",.0f"), f"{row['p50_ms']['median']:.1f}",
             f"{row['p99_ms']['median']:.1f}", f"{row['gateway_us']['median']:.0f} + {row['redis_us']['median']:.0f}")
            for name, row in result.items()]
    return (chart.table(["", "decisions/s", "p50, ms", "p99, ms", "CPU, µs a decision, gateway + Redis"], rows)
            + chart.bars("decisions/s on one worker", [(name, row["requests_s"]["median"])
                                                      for name, row in result.items()], ",.0f"))


def targets(result):
    return [chart.target("passcode decisions/s, one worker, replay-safe", 5000, result[MEMORY]["requests_s"]["median"],
                         ",.0f", at_least=True)]
