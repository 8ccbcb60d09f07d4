"""Run by test_system_dns.py in namespaces of its own: a machine with systemd-resolved, an old resolver and ccward.

    unshare --mount --net python3 machine_with_resolved.py FOLDER SYSTEMD-RESOLVED
"""
import contextlib
import os
import pathlib
import shutil
import socket
import sys

import dns.message
import dns.rcode

from machine import FOLDER, configure_ccward, live_through_a_day, run, serve_old_resolver
from harness import wait_for

RESOLVED = sys.argv[2]
STUB, OLD = "127.0.0.53", "127.0.0.9"


def mount_own_places():
    for folder in ("/run", "/etc/systemd", "/var/lib"):
        run("mount", "-t", "tmpfs", "tmpfs", folder)
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
        run("mount", "--bind", path, place)
    # DNSSEC would want to know more than the old resolver here says.
    pathlib.Path("/etc/systemd/resolved.conf").write_text(f"[Resolve]\nDNS={OLD}\nDNSSEC=no\nLLMNR=no\nCache=no\n")
    # It asks nobody as long as no link is up that has an address.
    for words in ("link set lo up", "link add there type veth peer name here", "link set there up", "link set here up",
                  "address add 198.51.100.2/24 dev here"):
        run("ip", *words.split())


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


def ask(name):
    """What a program of this machine gets: an address, or None when nobody answers."""
    with contextlib.suppress(Exception), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(5)
        client.connect((STUB, 53))  # so that one is told at once that it has not started yet
        client.send(dns.message.make_query(name, "A").to_wire())
        response = dns.message.from_wire(client.recv(4096))
        return response.answer[0][0].to_text() if response.answer else dns.rcode.to_text(response.rcode())


def expect(name, address):
    wait_for(lambda: ask(name) == address, 60, f"{address} for {name} (it is {ask(name)})")


def main():
    mount_own_places()
    systemctl = make_systemctl()
    serve_old_resolver(OLD)
    run(systemctl, "start")
    configure_ccward("127.0.0.1:5335", OLD)
    live_through_a_day("systemd-resolved", expect)
    assert os.listdir("/etc/systemd/resolved.conf.d") == [] and os.listdir("/var/lib") == []
    log = (FOLDER / "systemctl.log").read_text().splitlines()
    assert log[1] == "--quiet reload-or-restart systemd-resolved.service" and len(log) == 5, log
    print("all as it should be")


try:
    main()
finally:
    with contextlib.suppress(OSError):
        os.kill(int((FOLDER / "pid").read_text()), 15)
