"""Load by wrk, and what it costs: processor time of the processes that serve it."""
import json
import subprocess
from pathlib import Path

SCRIPT = Path(__file__).resolve().parent / "load.lua"


def cpu_s(pids):
    """Seconds that all threads of these processes have run, to the nanosecond."""
    total = 0
    for pid in pids:
        for thread in Path(f"/proc/{pid}/task").iterdir():
            total += int((thread / "schedstat").read_text().split()[0])
    return total / 1e9


def start(url, seconds, connections=64, headers=(), processors="1", **options):
    """wrk, running; options are those of load.lua."""
    command = ["taskset", "-c", processors, "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s", str(SCRIPT)]
    for header in headers:
        command += ["-H", header]
    command += [url, "--", *(f"{name}={value}" for name, value in options.items())]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def figures(process, refused=False):
    """What a started wrk found.  `refused`: answers other than 2xx and 3xx are no error of the run."""
    output = process.communicate()[0]
    if process.returncode != 0:
        raise RuntimeError(f"wrk failed: {output}")
    found = json.loads(output.strip().splitlines()[-1])
    if found["broken"] or found["refused"] and not refused:
        raise RuntimeError(f"{' '.join(process.args)}: not every request was answered: {found}")
    found["requests_s"] = found["requests"] / found["seconds"]
    return found


def measure(url, seconds, watched, **options):
    """Load, and the microseconds a request of each group of processes of `watched` (name: ids)."""
    before = {name: cpu_s(pids) for name, pids in watched.items()}
    found = figures(start(url, seconds, **options))
    for name, pids in watched.items():
        found[f"{name}_us"] = 1e6 * (cpu_s(pids) - before[name]) / found["requests"]
    found["cpu_us"] = sum(found[f"{name}_us"] for name in watched)
    return found
