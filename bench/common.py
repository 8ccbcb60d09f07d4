"""What the benchmarks share: programs that are started, measured by their own CPU time, and ended."""
import gzip
import os
import pathlib
import random
import shutil
import socket
import statistics
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared/data"
TICKS = os.sysconf("SC_CLK_TCK")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def cpu_seconds(pid):
    """User and system time of a process and the children it has not yet collected (its own workers, if it forks)."""
    total = 0.0
    pids = [pid] + [int(p) for p in subprocess.run(["pgrep", "-P", str(pid)], capture_output=True,
                                                   text=True).stdout.split()]
    for each in pids:
        try:
            fields = pathlib.Path(f"/proc/{each}/stat").read_text().rsplit(")", 1)[1].split()
            total += (int(fields[11]) + int(fields[12])) / TICKS
        except FileNotFoundError:
            pass
    return total


def memory_kib(pid, field="RssAnon"):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1])
    return 0


def wait_port(port, seconds=120):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise TimeoutError(f"nothing listens at port {port}")


def need(*programs):
    """Paths of programs; says what to install for those that are missing."""
    found = []
    for program, package in programs:
        path = shutil.which(program) or shutil.which(program, path="/usr/sbin:/sbin")
        if not path:
            print(f"{program} is missing: apt-get install {package}; left out")
        found.append(path)
    return found


def build(*targets):
    subprocess.run(["cmake", "--preset", "release", "-DCCWARD_TESTS=ON"], cwd=ROOT, check=True,
                   stdout=subprocess.DEVNULL)
    subprocess.run(["cmake", "--build", "build/release", "--target", *targets, "--", "--quiet"], cwd=ROOT, check=True)


def names(count):
    """COUNT distinct names: real ones where the samples are there, else made up from a fixed seed."""
    path = SHARED / "big/domains_1m.txt.gz"
    if path.exists() and count <= 1_000_000:
        with gzip.open(path, "rt") as lines:
            return [line.strip() for _, line in zip(range(count), lines)]
    seed = random.Random(7)
    letters = "abcdefghijklmnopqrstuvwxyz0123456789"
    return [f"{''.join(seed.choices(letters, k=seed.randint(6, 18)))}{i:x}.{seed.choice(('com', 'net', 'ru', 'info'))}"
            for i in range(count)]


def table(title, head, rows):
    print(f"\n{title}")
    widths = [max(len(str(row[i])) for row in [head, *rows]) for i in range(len(head))]
    for row in [head, *rows]:
        print("  " + "  ".join(str(cell).ljust(width) if i == 0 else str(cell).rjust(width)
                               for i, (cell, width) in enumerate(zip(row, widths))))


class Servers:
    """Starts servers pinned to processor 0 and ends all of them."""

    def __init__(self):
        self.processes = []
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="ccward-bench-"))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()
        shutil.rmtree(self.folder, ignore_errors=True)

    def end(self):
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
        self.processes.clear()

    def start(self, command, port, pin="0", seconds=120):
        process = subprocess.Popen(["taskset", "-c", pin, *command], stdout=subprocess.DEVNULL,
                                   stderr=open(self.folder / f"{port}.err", "w"), cwd=self.folder)
        self.processes.append(process)
        if port:
            wait_port(port, seconds)
        return process.pid


def median(values):
    return statistics.median(values)


def ratio(value, floor):
    return f"{value / floor:.2f}x" if floor else "-"
