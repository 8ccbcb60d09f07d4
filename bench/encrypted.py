"""CPU per query of cached answers over TLS and HTTPS by connections that are kept, beside unbound and dnsdist."""
import re
import subprocess

from common import ROOT, cpu_seconds, free_port, median, need, ratio, table


def make_certificate(servers):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
                    "key.pem", "-out", "cert.pem", "-days", "2", "-subj", "/CN=bench.test"], cwd=servers.folder, check=True,
                   capture_output=True)
    (servers.folder / "key.pem").chmod(0o600)


def start_ccward(servers, upstream, tls, https):
    config = servers.folder / "encrypted.yaml"
    config.write_text(f"""dns: {{listen: [], upstreams: ["127.0.0.1:{upstream}"], cache-size: 32MiB,
  tls-listen: ["127.0.0.1:{tls}"], https-listen: ["127.0.0.1:{https}"],
  tls-certificate: {servers.folder}/cert.pem, tls-key: {servers.folder}/key.pem}}
state: {{directory: encrypted}}
proxy: {{listen: []}}
blockpage: {{listen: [], tls-listen: []}}
console: {{listen: []}}
daemon: {{workers: 1}}
""")
    return servers.start([str(ROOT / "build/release/ccward"), "run", "-q", "-c", str(config)], tls)


def start_unbound(servers, unbound, upstream, tls, https):
    config = servers.folder / "encrypted-unbound.conf"
    config.write_text(f"""server:
  username: ""
  chroot: ""
  pidfile: ""
  use-syslog: no
  verbosity: 0
  num-threads: 1
  interface: 127.0.0.1@{tls}
  interface: 127.0.0.1@{https}
  tls-port: {tls}
  https-port: {https}
  tls-service-pem: "{servers.folder}/cert.pem"
  tls-service-key: "{servers.folder}/key.pem"
  incoming-num-tcp: 100
  do-not-query-localhost: no
  module-config: "iterator"
  msg-cache-size: 32m
  rrset-cache-size: 32m
forward-zone:
  name: "."
  forward-addr: 127.0.0.1@{upstream}
remote-control:
  control-enable: no
""")
    return servers.start([unbound, "-d", "-c", str(config)], tls)


def start_dnsdist(servers, dnsdist, upstream, tls, https):
    config = servers.folder / "dnsdist.conf"
    files = f'"{servers.folder}/cert.pem", "{servers.folder}/key.pem"'
    config.write_text(f"""setSecurityPollSuffix("")
setLocal("127.0.0.1:{free_port()}")
addTLSLocal("127.0.0.1:{tls}", {files})
addDOHLocal("127.0.0.1:{https}", {files}, "/dns-query")
newServer({{address="127.0.0.1:{upstream}"}}):setUp()
getPool(""):setCache(newPacketCache(100000))
""")
    return servers.start([dnsdist, "--supervised", "--disable-syslog", "-C", str(config)], tls)


def cost(pid, command, completed_at, lost_at, seconds):
    """Microseconds of CPU per query, queries per second, lost."""
    before = cpu_seconds(pid)
    out = subprocess.run(["taskset", "-c", "1", *command], capture_output=True, text=True).stdout
    used = cpu_seconds(pid) - before
    completed, lost = (int(re.search(pattern, out).group(1)) for pattern in (completed_at, lost_at))
    return used / max(completed, 1) * 1e6, completed / seconds, lost


def load_tls(dnsperf, port, pid, queries, seconds):
    command = [dnsperf, "-s", "127.0.0.1", "-p", str(port), "-d", str(queries), "-c", "8", "-T", "1", "-q", "200", "-l",
               str(seconds), "-m", "dot"]
    return cost(pid, command, r"Queries completed:\s+(\d+)", r"Queries lost:\s+(\d+)", seconds)


def load_https(h2load, port, pid, query, seconds):
    """dnsperf has HTTPS too, but loses answers that come together in one record of TLS."""
    command = [h2load, "-c", "8", "-m", "25", "-t", "1", "-D", str(seconds), "-d", str(query), "-H",
               "content-type: application/dns-message", f"https://127.0.0.1:{port}/dns-query"]
    return cost(pid, command, r"status codes: (\d+) 2xx", r"(\d+) failed", seconds)


def measure_encrypted(servers, dnsperf, unbound, upstream, cached_file, options):
    """Handshakes are a part of it: eight a run, where each run has hundred thousands of queries."""
    make_certificate(servers)
    dnsdist, h2load = need(("dnsdist", "dnsdist"), ("h2load", "nghttp2-client"))
    query = servers.folder / "query"
    query.write_bytes(b"\0\0\1\0\0\1\0\0\0\0\0\0\2h1\5bench\7example\0\0\1\0\1")
    ports = {name: (free_port(), free_port()) for name in ("ccward", "unbound", "dnsdist")}
    peers = {"ccward": start_ccward(servers, upstream, *ports["ccward"]),
             "unbound": start_unbound(servers, unbound, upstream, *ports["unbound"])}
    if dnsdist:
        peers["dnsdist"] = start_dnsdist(servers, dnsdist, upstream, *ports["dnsdist"])
    loads = [("TLS", lambda name, pid, seconds: load_tls(dnsperf, ports[name][0], pid, cached_file, seconds))]
    if h2load:
        loads.append(("HTTPS", lambda name, pid, seconds: load_https(h2load, ports[name][1], pid, query, seconds)))
    for what, run in loads:
        results = {name: [] for name in peers}
        for round_number in range(options.rounds + 1):  # the first warms up
            for name, pid in peers.items():
                results[name].append(run(name, pid, options.seconds))
        own = median(r[0] for r in results["ccward"][1:])
        table(f"cached names over {what}, eight connections that are kept, one worker each",
              ("server", "us CPU/query", "of ccward", "queries/s", "lost"),
              [(name, f"{median(r[0] for r in runs[1:]):.2f}", ratio(median(r[0] for r in runs[1:]), own),
                f"{median(r[1] for r in runs[1:]):.0f}", sum(r[2] for r in runs[1:])) for name, runs in results.items()])
