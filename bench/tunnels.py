"""What a tunnel costs: CPU for each GB beside a bare relay, private memory while nothing goes through it."""
import multiprocessing
import os
import resource
import socket
import time

from common import ROOT, cpu_seconds, free_port, median, memory_kib, ratio, table

CHUNK = bytes(1 << 18)
DESCRIPTORS_BESIDE = 300  # of ccward and of the bench itself, besides those of tunnels


def open_tunnel(port, target):
    """By the proxy at PORT to TARGET; straight to PORT where there is none."""
    client = socket.create_connection(("127.0.0.1", port))
    if target:
        client.sendall(f"CONNECT 127.0.0.1:{target} HTTP/1.1\r\nHost: 127.0.0.1:{target}\r\n\r\n".encode())
        if b" 200 " not in client.recv(4096):
            raise RuntimeError("the tunnel was refused")
    return client


def drain(listener, counts):
    os.sched_setaffinity(0, {1})
    room = bytearray(1 << 20)
    while True:
        connection, _ = listener.accept()
        with connection:
            counts.put(sum(iter(lambda: connection.recv_into(room), 0)))


def move(listener_counts, port, target, pid, gigabytes):
    """Seconds of CPU of PID for each GB, MB/s."""
    used, began = cpu_seconds(pid), time.monotonic()
    total = 0
    with open_tunnel(port, target) as client:
        while total < gigabytes * 1e9:
            client.sendall(CHUNK)
            total += len(CHUNK)
        client.shutdown(socket.SHUT_WR)
        if listener_counts.get(timeout=300) != total:
            raise RuntimeError("not everything arrived")
    return (cpu_seconds(pid) - used) / (total / 1e9), total / 1e6 / (time.monotonic() - began)


def start_ccward(servers, target, clients):
    port, dns = free_port(), free_port()
    config = servers.folder / f"tunnels-{port}.yaml"
    config.write_text(f"""dns: {{listen: ["127.0.0.1:{dns}"], upstreams: ["127.0.0.1:1"]}}
state: {{directory: tunnels-{port}}}
proxy:
  {{listen: ["127.0.0.1:{port}"], allow-destinations: ["127.0.0.0/8"], connect-ports: [{target}],
   max-clients: {clients}, max-clients-per-address: {clients}}}
blockpage: {{listen: [], tls-listen: []}}
console: {{listen: []}}
daemon: {{workers: 1}}
""")
    return port, servers.start([str(ROOT / "build/release/ccward"), "run", "-q", "-c", str(config)], port)


def measure_bulk(servers, options):
    listener, counts = socket.create_server(("127.0.0.1", 0)), multiprocessing.Queue()
    target = listener.getsockname()[1]
    sink = multiprocessing.Process(target=drain, args=(listener, counts), daemon=True)
    sink.start()
    before = os.sched_getaffinity(0)
    relay = free_port()
    relay_pid = servers.start([str(ROOT / "build/release/bench/bench_relay"), str(relay), str(target)], 0)
    port, pid = start_ccward(servers, target, 100)
    time.sleep(0.3)
    peers = {"bare relay": (relay, 0, relay_pid), "ccward": (port, target, pid)}
    os.sched_setaffinity(0, {1})
    runs = {name: [] for name in peers}
    for _ in range(options.rounds + 1):  # the first warms up
        for name, peer in peers.items():
            runs[name].append(move(counts, *peer, options.gigabytes))
    os.sched_setaffinity(0, before)
    sink.terminate()
    listener.close()
    costs = {name: median(run[0] for run in values[1:]) for name, values in runs.items()}
    table(f"tunnel, bulk: {options.gigabytes} GB in one direction", ("", "s CPU/GB", "of the relay", "MB/s"),
          [(name, f"{cost:.3f}", ratio(cost, costs["bare relay"]), f"{median(run[1] for run in runs[name][1:]):.0f}")
           for name, cost in costs.items()])


def allow_descriptors(wanted):
    """How many a process started from here may have."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    for limit in (max(hard, wanted), hard):
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
            return limit
        except (ValueError, PermissionError):
            continue
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def measure_idle(servers, count):
    # 100 more come first; and ccward keeps some descriptors free of clients.
    count = min(count, (allow_descriptors(2 * count + DESCRIPTORS_BESIDE) - DESCRIPTORS_BESIDE) // 2 - 200)
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    target = listener.getsockname()[1]
    port, pid = start_ccward(servers, target, 2 * count)
    held = []
    for _ in range(100):  # what the first ones need that the others need not
        held += [open_tunnel(port, target), listener.accept()[0]]
    before = memory_kib(pid)
    for _ in range(count):
        held += [open_tunnel(port, target), listener.accept()[0]]
    grown = memory_kib(pid) - before
    for end in held:
        end.close()
    listener.close()
    print(f"\n{count} idle tunnels: {grown / count:.2f} KiB private memory (growth of RssAnon) each")
