"""Run by test_system_dns.py in namespaces of its own: a machine with systemd-resolved, an old resolver and ccward.

    unshare --mount --net python3 machine_with_resolved.py FOLDER SYSTEMD-RESOLVED
"""
import contextlib
import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import threading

import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.rrset

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from harness import BINARY, wait_for  # noqa: E402

FOLDER, RESOLVED = pathlib.Path(sys.argv[1]), sys.argv[2]
STUB, OLD, BLOCKED = "127.0.0.53", "127.0.0.9", "ca91-1.winshipway.com"


def mount_own_places():
    for folder in ("/run", "/etc/systemd", "/var/lib"):
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", folder], check=True)
    for folder in ("/run/systemd/resolve", "/run/dbus", "/etc/systemd/resolved.conf.d"):
        pathlib.Path(folder).mkdir(parents=True)
    users = FOLDER / "passwd"
    shutil.copy("/etc/passwd", users)
    if "systemd-resolve:" not in users.read_text():
        with users.open("a") as file:
            file.write("systemd-resolve:x:0:0::/:/bin/false\n")
    resolv_conf = FOLDER / "resolv.conf"
    resolv_conf.write_text(f"nameserver {STUB}\n")
    for path, place in ((users, "/etc/passwd"), (resolv_conf, "/etc/resolv.conf")):
        subprocess.run(["mount", "--bind", str(path), place], check=True)
    # DNSSEC would want to know more than the old resolver here says.
    pathlib.Path("/etc/systemd/resolved.conf").write_text(f"[Resolve]\nDNS={OLD}\nDNSSEC=no\nLLMNR=no\nCache=no\n")
    # It asks nobody as long as no link is up that has an address.
    for words in ("link set lo up", "link add there type veth peer name here", "link set there up", "link set here up",
                  "address add 198.51.100.2/24 dev here"):
        subprocess.run(["ip", *words.split()], check=True)


def make_systemctl():
    """Stands in for systemd: starts systemd-resolved anew."""
    path = FOLDER / "bin" / "systemctl"
    path.parent.mkdir()
    path.write_text(f"""#!/bin/sh
echo "$@" >> {FOLDER}/systemctl.log
if [ -f {FOLDER}/pid ]; then kill $(cat {FOLDER}/pid); while kill -0 $(cat {FOLDER}/pid) 2>/dev/null; do sleep 0.05; done; fi
{RESOLVED} > {FOLDER}/resolved.log 2>&1 < /dev/null &
echo $! > {FOLDER}/pid
""")
    path.chmod(0o755)
    os.environ["PATH"] = f"{path.parent}:{os.environ['PATH']}"
    return str(path)


def serve_old_resolver():
    """Says 192.0.2.9 to everything, so that one can see that it was asked."""
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind((OLD, 53))

    def serve():
        while True:
            data, peer = server.recvfrom(4096)
            query = dns.message.from_wire(data)
            response = dns.message.make_response(query)
            response.flags |= dns.flags.RA
            if query.question[0].rdtype == 1:
                response.answer.append(dns.rrset.from_text(query.question[0].name, 60, "IN", "A", "192.0.2.9"))
            server.sendto(response.to_wire(), peer)

    threading.Thread(target=serve, daemon=True).start()


def ask(name):
    """What a program of this machine gets: an address, or None when nobody answers."""
    with contextlib.suppress(Exception):
        response = dns.query.udp(dns.message.make_query(name, "A"), STUB, timeout=5)
        return response.answer[0][0].to_text() if response.answer else dns.rcode.to_text(response.rcode())


def expect(name, address):
    wait_for(lambda: ask(name) == address, 60, f"{address} for {name} (it is {ask(name)})")


def system_dns(*arguments):
    result = subprocess.run([BINARY, "system-dns", *arguments, "-c", str(FOLDER / "ccward.yaml"), "--json"],
                            capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, (arguments, result.stdout, result.stderr)
    return json.loads(result.stdout) if result.stdout else None


def start_ccward():
    process = subprocess.Popen([BINARY, "run", "-c", str(FOLDER / "ccward.yaml")], stdout=subprocess.PIPE,
                               stderr=open(FOLDER / "ccward.log", "ab"))
    for line in process.stdout:
        if b"Ctrl-C" in line:
            return process
    raise RuntimeError((FOLDER / "ccward.log").read_text())


def main():
    mount_own_places()
    systemctl = make_systemctl()
    serve_old_resolver()
    subprocess.run([systemctl, "start"], check=True)
    (FOLDER / "ccward.yaml").write_text(f"""dns: {{listen: ["127.0.0.1:5335"], upstreams: ["{OLD}"]}}
proxy: {{listen: []}}
blockpage: {{listen: ["127.0.0.1:8080"], tls-listen: []}}
console: {{listen: []}}
state: {{directory: {FOLDER}/state}}
""")
    expect(BLOCKED, "192.0.2.9")
    daemon = start_ccward()
    assert system_dns("enable")["manager"] == "systemd-resolved"
    expect(BLOCKED, "127.0.0.1")  # the block page
    expect("www.example.com", "192.0.2.9")
    daemon.kill()
    daemon.wait()
    assert system_dns("release")["state"] == "released"  # as the unit does
    expect(BLOCKED, "192.0.2.9")
    daemon = start_ccward()
    assert system_dns("resume")["state"] == "on"
    expect(BLOCKED, "127.0.0.1")
    assert system_dns("disable")["state"] == "off"
    expect(BLOCKED, "192.0.2.9")
    assert os.listdir("/etc/systemd/resolved.conf.d") == [] and os.listdir("/var/lib") == []
    daemon.terminate()
    assert daemon.wait() == 0
    log = (FOLDER / "systemctl.log").read_text().splitlines()
    assert log[1] == "--quiet reload-or-restart systemd-resolved.service" and len(log) == 5, log
    print("all as it should be")


try:
    main()
finally:
    with contextlib.suppress(OSError):
        os.kill(int((FOLDER / "pid").read_text()), 15)
