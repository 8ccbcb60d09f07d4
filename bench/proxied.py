"""What the proxy costs besides small GETs on kept-alive connections: new connections, latency, block pages over HTTPS,
and DNS answers beside a proxy that is busy."""
import re
import socket
import ssl
import subprocess
import time

from common import cpu_seconds, median, ratio, table

MINTED = 200  # pages of each kind
PACED = 1000  # requests a second


def measure_new_connections(peers, load, options):
    """LOAD is bench/http's; PEERS have scripts that ask for the connection to be closed."""
    results = {name: [] for name in peers}
    for _ in range(options.rounds):
        for name, (port, pid, script) in peers.items():
            results[name].append(load(port, pid, script))
    floor = median(run[0] for run in results["nginx"])
    table("small GET, a new connection each time, one worker each", ("server", "us CPU/request", "of nginx", "requests/s"),
          [(name, f"{median(run[0] for run in runs):.1f}", ratio(median(run[0] for run in runs), floor),
            f"{median(run[1] for run in runs):.0f}") for name, runs in results.items()])


def paced(port, request, seconds):
    """Microseconds from each of PACED requests a second, on one connection, to the last byte of its response; sorted."""
    took = []
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        due = time.perf_counter()
        for _ in range(PACED * seconds):
            due += 1 / PACED
            if (left := due - time.perf_counter()) > 0:
                time.sleep(left)
            began = time.perf_counter()
            connection.sendall(request)
            response = b""
            while b"\r\n\r\n" not in response:
                response += connection.recv(65536)
            head, _, body = response.partition(b"\r\n\r\n")
            length = int(re.search(rb"(?i)content-length: (\d+)", head).group(1))
            while len(body) < length:
                body += connection.recv(65536)
            took.append((time.perf_counter() - began) * 1e6)
    return sorted(took)


def measure_latency(ways, seconds):
    """WAYS: name to (port, request); "direct" is what the others add to."""
    rounds = {name: [paced(port, request, seconds) for _ in range(3)] for name, (port, request) in ways.items()}

    def at(name, share):
        return median(run[int(len(run) * share)] for run in rounds[name])

    table(f"latency at {PACED} requests/s, and what it adds to that of the origin",
          ("way", "p50 us", "p99 us", "p50 added", "p99 added"),
          [(name, f"{at(name, .5):.0f}", f"{at(name, .99):.0f}", f"{at(name, .5) - at('direct', .5):.0f}",
            f"{at(name, .99) - at('direct', .99):.0f}") for name in ways])


def fetch_page(port, host, context):
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(f"CONNECT {host}:443 HTTP/1.1\r\nHost: {host}:443\r\n\r\n".encode())
        if b" 200 " not in connection.recv(4096):
            return False
        with context.wrap_socket(connection, server_hostname=host) as tls:
            tls.sendall(f"GET / HTTP/1.1\r\nHost: {host}\r\nAccept: text/html\r\nConnection: close\r\n\r\n".encode())
            page = b""
            while part := tls.recv(65536):
                page += part
    return b"<html" in page


def measure_pages(authority, port, pid):
    """The ccward that is measured has the AUTHORITY, and blocks what is below minted.example."""
    context = ssl.create_default_context(cafile=str(authority))
    deadline = time.monotonic() + 20
    while not fetch_page(port, "first.minted.example", context):
        if time.monotonic() > deadline:
            raise RuntimeError("no page over HTTPS")
        time.sleep(0.2)
    rows = []
    for kind in ("first time", "cached"):
        before = cpu_seconds(pid)
        for i in range(MINTED):
            fetch_page(port, f"h{i}.minted.example", context)
        rows.append((kind, f"{(cpu_seconds(pid) - before) / MINTED * 1e3:.2f}"))
    table(f"a block page over HTTPS in a CONNECT, {MINTED} names, signer included", ("certificate", "ms CPU/page"), rows)


def measure_dns_beside(dnsperf, queries, port, loads, options):
    """LOADS: what to call each and what starts it, for longer than a round. It stands behind dnsperf on their processor
    (nice): what is measured must not be how long dnsperf waits for it."""
    def latencies():
        out = subprocess.run(["taskset", "-c", "1", dnsperf, "-s", "127.0.0.1", "-p", str(port), "-d", str(queries), "-c",
                              "4", "-T", "1", "-l", str(options.seconds), "-Q", "1000", "-v"], capture_output=True,
                             text=True).stdout
        return sorted(float(line.rsplit(" ", 1)[1]) * 1000 for line in out.splitlines() if line.startswith("> NOERROR"))

    latencies()
    rounds = {name: [] for name in ("idle", *loads)}
    for _ in range(options.rounds):
        rounds["idle"].append(latencies())
        for name, start in loads.items():
            load = start()
            rounds[name].append(latencies())
            load.terminate()
            load.wait()

    def at(name, share):
        return median(run[int(len(run) * share)] for run in rounds[name])

    table("latency of cached DNS answers at 1000 queries/s while 64 clients load the proxy", ("", "p50 ms", "p99 ms",
                                                                                             "of idle"),
          [(name, f"{at(name, .5):.2f}", f"{at(name, .99):.2f}", ratio(at(name, .99), at("idle", .99)))
           for name in rounds])
