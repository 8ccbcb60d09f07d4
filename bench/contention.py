"""What cached answers cost with two workers, and how late they are while a tunnel moves data at full speed."""
import contextlib
import multiprocessing
import os
import re
import socket
import subprocess

from common import ROOT, cpu_seconds, free_port, median, ratio, table

CHUNK = bytes(1 << 18)


def start_ccward(servers, upstream, workers, pin, tunnel_port=443):
    port, proxy = free_port(), free_port()
    name = f"contention-{port}"
    config = servers.folder / f"{name}.yaml"
    config.write_text(f"""dns: {{listen: ["127.0.0.1:{port}"], upstreams: ["127.0.0.1:{upstream}"], cache-size: 32MiB}}
state: {{directory: {name}}}
proxy: {{listen: ["127.0.0.1:{proxy}"], allow-destinations: ["127.0.0.0/8"], connect-ports: [{tunnel_port}]}}
blockpage: {{listen: [], tls-listen: []}}
console: {{listen: []}}
daemon: {{workers: {workers}}}
""")
    pid = servers.start([str(ROOT / "build/release/ccward"), "run", "-q", "-c", str(config)], port, pin=pin)
    return port, proxy, pid


def start_echoes(servers, count):
    port = free_port()
    return port, [servers.start([str(ROOT / "build/release/bench/bench_echo"), str(port)], 0, pin="0,1")
                  for _ in range(count)]


def dnsperf_run(dnsperf, port, queries, seconds, *more):
    return subprocess.run(["taskset", "-c", "1", dnsperf, "-s", "127.0.0.1", "-p", str(port), "-d", str(queries), "-c", "16",
                           "-T", "1", "-q", "200", "-l", str(seconds), *more], capture_output=True, text=True).stdout


def cost(dnsperf, port, pids, queries, seconds):
    before = sum(cpu_seconds(pid) for pid in pids)
    out = dnsperf_run(dnsperf, port, queries, seconds)
    used = sum(cpu_seconds(pid) for pid in pids) - before
    return used / int(re.search(r"Queries completed:\s+(\d+)", out).group(1)) * 1e6


def measure_workers(servers, dnsperf, upstream, queries, options):
    """Both processors for all, so that they differ in nothing but the number of workers. What the bare echo costs more
    with two is the machine's: the second shares its processor with the load."""
    peers = {}
    for workers in (1, 2):
        peers["bare echo", workers] = start_echoes(servers, workers)
        port, _, pid = start_ccward(servers, upstream, workers, "0,1")
        peers["ccward", workers] = port, [pid]
    costs = {peer: [] for peer in peers}
    for _ in range(options.rounds + 1):
        for peer, (port, pids) in peers.items():
            costs[peer].append(cost(dnsperf, port, pids, queries, options.seconds))
    medians = {peer: median(runs[1:]) for peer, runs in costs.items()}
    table("cached names, by the number of workers", ("server", "workers", "us CPU/query", "of one worker's"),
          [(name, str(workers), f"{value:.2f}", ratio(value, medians[name, 1]))
           for (name, workers), value in sorted(medians.items())])
    servers.end()


def latencies(dnsperf, port, queries, seconds, rate):
    """Milliseconds, sorted."""
    out = dnsperf_run(dnsperf, port, queries, seconds, "-Q", str(rate), "-v")
    return sorted(float(line.rsplit(" ", 1)[1]) * 1000 for line in out.splitlines() if line.startswith("> NOERROR"))


def stand_back():
    """Beside dnsperf, but behind it: what it measures must not be how long it waits for the ends of the tunnel."""
    os.sched_setaffinity(0, {1})
    os.nice(19)


def drain(listener, moved):
    stand_back()
    room = bytearray(len(CHUNK))
    while True:
        connection, _ = listener.accept()
        while n := connection.recv_into(room):
            moved.value += n


def pump(port, target):
    """To TARGET by the proxy at PORT, or straight to PORT."""
    stand_back()
    with socket.create_connection(("127.0.0.1", port)) as client:
        if target:
            client.sendall(f"CONNECT 127.0.0.1:{target} HTTP/1.1\r\nHost: 127.0.0.1:{target}\r\n\r\n".encode())
            if b" 200 " not in client.recv(4096):
                raise RuntimeError("the tunnel was refused")
        while True:
            client.sendall(CHUNK)


class Flow:
    """Bytes from a source to a sink, as fast as they go; `moved` counts them."""

    def __init__(self, listener, port, target):
        self.moved = multiprocessing.Value("Q", 0, lock=False)
        self.ends = [multiprocessing.Process(target=drain, args=(listener, self.moved), daemon=True),
                     multiprocessing.Process(target=pump, args=(port, target), daemon=True)]

    def __enter__(self):
        for process in self.ends:
            process.start()
        return self

    def __exit__(self, *_):
        for process in self.ends:
            process.terminate()
        for process in self.ends:
            process.join()


def measure_tunnel(servers, dnsperf, upstream, queries, options):
    """Rounds of one kind after the other. What the same flow costs that goes past ccward is told as well: the rest of the
    machine is no faster for being shared."""
    listener = socket.create_server(("127.0.0.1", 0))
    target = listener.getsockname()[1]
    port, proxy, pid = start_ccward(servers, upstream, 1, "0", target)
    out = dnsperf_run(dnsperf, port, queries, options.seconds)
    rate = int(float(re.search(r"Queries per second:\s+([\d.]+)", out).group(1)) / 2)
    flows = {"alone": None, "beside a tunnel": (proxy, target), "beside the same, not by ccward": (target, 0)}
    runs = {name: [] for name in flows}
    for _ in range(options.rounds):
        for name, way in flows.items():
            with Flow(listener, *way) if way else contextlib.nullcontext() as flow:
                used = cpu_seconds(pid)
                values = latencies(dnsperf, port, queries, options.seconds, rate)
                used = (cpu_seconds(pid) - used) / options.seconds
                moved = flow.moved.value / options.seconds / 1e6 if flow else 0
                runs[name].append((values[len(values) // 2], values[len(values) * 99 // 100], moved, used))
    listener.close()
    rows = []
    for name, values in runs.items():
        p50, p99, moved, used = (median(run[i] for run in values) for i in range(4))
        rows.append((name, f"{p50:.2f}", f"{p99:.2f}", ratio(p99, median(run[1] for run in runs["alone"])),
                     f"{moved:.0f}" if moved else "-", f"{used:.0%}"))
    table(f"latency of cached answers at {rate} queries/s, half of what one worker can",
          ("", "p50 ms", "p99 ms", "of that alone", "MB/s beside", "CPU of ccward"), rows)
    servers.end()
