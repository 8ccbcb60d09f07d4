"""What the machines in namespaces of their own have in common: an old resolver, ccward, and `ccward system-dns`. For
scripts whose first argument is a folder of the test's own."""
import json
import pathlib
import socket
import subprocess
import sys
import threading

import dns.flags
import dns.message
import dns.rrset

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from harness import BINARY  # noqa: E402

FOLDER = pathlib.Path(sys.argv[1])
BLOCKED, OLD_ANSWER = "ca91-1.winshipway.com", "192.0.2.9"


def run(*words, **more):
    return subprocess.run([str(word) for word in words], check=True, **more)


def serve_old_resolver(address):
    """Says OLD_ANSWER to everything, so that one can see that it was asked."""
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind((address, 53))

    def serve():
        while True:
            data, peer = server.recvfrom(4096)
            query = dns.message.from_wire(data)
            response = dns.message.make_response(query)
            response.flags |= dns.flags.RA
            if query.question[0].rdtype == 1:
                response.answer.append(dns.rrset.from_text(query.question[0].name, 60, "IN", "A", OLD_ANSWER))
            server.sendto(response.to_wire(), peer)

    threading.Thread(target=serve, daemon=True).start()


def configure_ccward(listen, upstream):
    (FOLDER / "ccward.yaml").write_text(f"""dns: {{listen: ["{listen}"], upstreams: ["{upstream}"]}}
proxy: {{listen: []}}
blockpage: {{listen: ["127.0.0.1:8080"], tls-listen: []}}
console: {{listen: []}}
state: {{directory: {FOLDER}/state}}
""")


def start_ccward():
    process = subprocess.Popen([BINARY, "run", "-c", str(FOLDER / "ccward.yaml")], stdout=subprocess.PIPE,
                               stderr=open(FOLDER / "ccward.log", "ab"))
    for line in process.stdout:
        if b"Ctrl-C" in line:
            return process
    raise RuntimeError((FOLDER / "ccward.log").read_text())


def system_dns(*arguments):
    result = subprocess.run([BINARY, "system-dns", *arguments, "-c", str(FOLDER / "ccward.yaml"), "--json"],
                            capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, (arguments, result.stdout, result.stderr)
    return json.loads(result.stdout) if result.stdout else None


def live_through_a_day(manager, expect):
    """Enabled, killed, back, disabled; EXPECT(name, address) waits until programs of this machine are told that."""
    expect(BLOCKED, OLD_ANSWER)
    daemon = start_ccward()
    assert system_dns("enable")["manager"] == manager
    expect(BLOCKED, "127.0.0.1")  # the block page
    expect("www.example.com", OLD_ANSWER)
    daemon.kill()
    daemon.wait()
    assert system_dns("release")["state"] == "released"  # as the unit does
    expect(BLOCKED, OLD_ANSWER)
    daemon = start_ccward()
    assert system_dns("resume")["state"] == "on"
    expect(BLOCKED, "127.0.0.1")
    assert system_dns("disable")["state"] == "off"
    expect(BLOCKED, OLD_ANSWER)
    daemon.terminate()
    assert daemon.wait() == 0
