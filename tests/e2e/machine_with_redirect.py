"""Run by test_transparent.py in namespaces of its own: a machine whose firewall has the rules of packaging/, with a
client behind it (interface lan0) and a server before it (wan0).

    unshare --mount --net python3 machine_with_redirect.py FOLDER
"""
import contextlib
import http.server
import json
import os
import pathlib
import shutil
import socket
import socketserver
import ssl
import subprocess
import sys
import threading

import dns.flags
import dns.message
import dns.rcode
import dns.rrset

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from harness import BINARY, ROOT, Authority, wait_for  # noqa: E402

FOLDER = pathlib.Path(sys.argv[1])
HOME = pathlib.Path("/mnt/ccward")  # where ccward's user may be
CCWARD_UID, OTHER_UID = 4711, 4712
RULES = ROOT / "packaging/ccward-transparent.nft"
UPSTREAM, BLOCKED = "127.0.0.9", "ca91-1.winshipway.com"
SERVER, SERVER6, ELSEWHERE = "203.0.113.80", "2001:db8:113::80", "203.0.113.81"
NAMES = {"www.example.": (SERVER, SERVER6), "elsewhere.example.": (ELSEWHERE, "2001:db8:113::81")}


def run(*words, **more):
    return subprocess.run([str(word) for word in words], check=True, **more)


class Neighbour:
    """Another machine: a network namespace that a process keeps."""

    def __init__(self):
        self.process = subprocess.Popen(["unshare", "--net", "sleep", "1000"])
        own = os.stat("/proc/self/ns/net").st_ino
        wait_for(lambda: os.stat(f"/proc/{self.process.pid}/ns/net").st_ino != own)

    @property
    def enter(self):
        return ["nsenter", f"--net=/proc/{self.process.pid}/ns/net"]

    def cable(self, here, addresses, gateways):
        """Its only interface, whose other end is HERE."""
        run("ip", "link", "add", "name", here, "type", "veth", "peer", "name", "eth0", "netns", self.process.pid)
        run("ip", "link", "set", here, "up")
        for words in ("link set lo up", "link set eth0 up"):
            run(*self.enter, "ip", *words.split())
        for address, gateway in zip(addresses, gateways):
            bits = 64 if ":" in address else 24
            run("ip", "address", "add", f"{gateway}/{bits}", "dev", here, "nodad" if ":" in address else "noprefixroute")
            run(*self.enter, "ip", "address", "add", f"{address}/{bits}", "dev", "eth0",
                *(["nodad"] if ":" in address else []))
            if ":" not in address:
                run("ip", "route", "add", f"{gateway.rpartition('.')[0]}.0/24", "dev", here)
            run(*self.enter, "ip", "-6" if ":" in address else "-4", "route", "add", "default", "via", gateway)


def be_server(folder):
    """What runs on the server's machine: it says who asked and how, on ports 80 and 443, and echoes datagrams."""
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            body = json.dumps({"peer": self.client_address[0], "host": self.headers["Host"], "path": self.path,
                               "via": self.headers["Via"]}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
        address_family, daemon_threads = socket.AF_INET6, True

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(f"{folder}/www.example.pem", f"{folder}/www.example.key")
    servers = [Server(("::", 80), Handler), Server(("::", 443), Handler)]
    servers[1].socket = context.wrap_socket(servers[1].socket, server_side=True)
    for server in servers:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    echo = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    echo.bind(("::", 443))
    print("ready", flush=True)
    while True:
        data, peer = echo.recvfrom(2048)
        echo.sendto(data, peer)


def serve_names():
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind((UPSTREAM, 53))

    def serve():
        while True:
            data, peer = server.recvfrom(4096)
            query = dns.message.from_wire(data)
            response = dns.message.make_response(query)
            response.flags |= dns.flags.RA
            question = query.question[0]
            v4, v6 = NAMES.get(question.name.to_text().lower(), (None, None))
            if not v4:
                response.set_rcode(dns.rcode.NXDOMAIN)
            elif question.rdtype in (1, 28):
                response.answer.append(dns.rrset.from_text(question.name, 60, "IN", question.rdtype,
                                                           v4 if question.rdtype == 1 else v6))
            server.sendto(response.to_wire(), peer)

    threading.Thread(target=serve, daemon=True).start()


def make_user():
    users = FOLDER / "passwd"
    lines = [line for line in pathlib.Path("/etc/passwd").read_text().splitlines() if not line.startswith("ccward:")]
    users.write_text("\n".join([*lines, f"ccward:x:{CCWARD_UID}:{CCWARD_UID}::/:/bin/false\n"]))
    users.chmod(0o644)
    run("mount", "--bind", users, "/etc/passwd")
    run("mount", "-t", "tmpfs", "tmpfs", "/mnt")


@contextlib.contextmanager
def ccward_of(uid):
    """A ccward that user UID runs."""
    home = HOME / str(uid)
    home.mkdir(parents=True)
    shutil.copy(BINARY, home / "ccward")
    (home / "ccward.yaml").write_text(f"""dns: {{listen: ["127.0.0.1:5335"], upstreams: ["{UPSTREAM}"]}}
proxy: {{listen: [], transparent-listen: ["0.0.0.0:3129", "[::]:3129"], allow-clients: ["192.168.77.0/24", "fd00:77::/64"]}}
blockpage: {{listen: [], tls-listen: []}}
console: {{listen: []}}
names: {{hosts-file: ""}}
state: {{directory: {home}/state}}
""")
    run("chown", "-R", f"{uid}:{uid}", home)
    with open(home / "log", "ab") as log:
        process = subprocess.Popen(["setpriv", "--reuid", str(uid), "--regid", str(uid), "--clear-groups",
                                    home / "ccward", "run", "-c", home / "ccward.yaml"], stdout=subprocess.PIPE,
                                   stderr=log, cwd=home)
    try:
        for line in process.stdout:
            if b"Ctrl-C" in line:
                break
        else:
            raise RuntimeError((home / "log").read_text())
        yield home
    finally:
        process.terminate()
        assert process.wait(60) == 0, (home / "log").read_text()


def curl(url, *arguments, address=SERVER, at=None):
    """What a program on this machine, or AT another, gets that takes ADDRESS for the host's."""
    host, port = url.split("/")[2], 443 if url.startswith("https") else 80
    bracketed = f"[{address}]" if ":" in address else address
    return subprocess.run([*(at.enter if at else []), "curl", "-sS", "-m", "30", "--cacert", str(FOLDER / "ca.pem"),
                           "--resolve", f"{host}:{port}:{bracketed}", *arguments, url],
                          capture_output=True, text=True, timeout=60)


def answer(*arguments, **more):
    result = curl(*arguments, **more)
    assert result.returncode == 0, (arguments, more, result)
    return json.loads(result.stdout)


def callback(home, **fields):
    def find():
        path = home / "state/callbacks.jsonl"
        lines = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
        return next((line for line in lines if all(line.get(key) == value for key, value in fields.items())), None)

    return wait_for(find, 30, f"a callback with {fields}")


def echoes(at=None):
    """Whether a datagram to port 443, as of HTTP/3, comes back."""
    program = (f"import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(20);"
               f"s.connect(('{SERVER}', 443)); s.send(b'x'); print(s.recv(9))")
    result = subprocess.run([*(at.enter if at else []), sys.executable, "-c", program], capture_output=True, text=True)
    assert result.returncode == 0 or "PermissionError" in result.stderr or "ConnectionRefused" in result.stderr, result
    return result.returncode == 0


def check_allowed(client):
    for at in (None, client):
        for address, peer in ((SERVER, "203.0.113.1"), (SERVER6, "2001:db8:113::1")):
            told = answer("http://www.example/a?b", at=at, address=address)
            assert told["host"] == "www.example" and told["path"] == "/a?b" and "ccward" in told["via"], told
            assert told["peer"].removeprefix("::ffff:") == peer, told
            # With the server's own certificate, and from this machine: a client that is only routed has its own address.
            told = answer("https://www.example/", at=at, address=address)
            assert told["via"] is None and told["peer"].removeprefix("::ffff:") == peer, told


def check_blocked(home, client):
    for at in (None, client):
        result = curl(f"http://{BLOCKED}/x?y", "-i", at=at)
        assert result.stdout.startswith("HTTP/1.1 403 ") and BLOCKED.replace(".", "[.]") in result.stdout, result
        line = callback(home, channel="http", subject=f"http://{BLOCKED}/x?y")
        assert line["action"] == "block" and line["match"] == "host" and line["status"] == 403
        result = curl(f"https://{BLOCKED}/", "-k", at=at)
        assert result.returncode in (35, 56) and not result.stdout, result
        line = callback(home, channel="tls", subject=f"{BLOCKED}:443", match="sni")
        assert line["action"] == "block"
    wait_for(lambda: {"203.0.113.1", "192.168.77.2"} <= clients(home), 30, "callbacks of both machines")


def clients(home):
    return {json.loads(line)["client"]["ip"] for line in (home / "state/callbacks.jsonl").read_text().splitlines()}


def main():
    make_user()
    Authority(FOLDER).issue("www.example", "DNS:www.example")
    run("ip", "link", "set", "lo", "up")
    server, client = Neighbour(), Neighbour()
    try:
        server.cable("wan0", (SERVER, SERVER6), ("203.0.113.1", "2001:db8:113::1"))
        client.cable("lan0", ("192.168.77.2", "fd00:77::2"), ("192.168.77.1", "fd00:77::1"))
        for name in ("ipv4/ip_forward", "ipv6/conf/all/forwarding"):
            pathlib.Path("/proc/sys/net", name).write_text("1")
        with subprocess.Popen([*server.enter, sys.executable, __file__, str(FOLDER), "server"],
                              stdout=subprocess.PIPE) as process:
            assert process.stdout.readline() == b"ready\n"
            try:
                check(client)
            finally:
                process.kill()
    finally:
        for neighbour in (server, client):
            neighbour.process.kill()
            neighbour.process.wait()


def check(client):
    serve_names()
    assert answer("http://www.example/", at=client)["peer"] == "::ffff:192.168.77.2"  # routed alone
    assert echoes() and echoes(client)
    run("nft", "-f", RULES)
    with ccward_of(CCWARD_UID) as home:
        check_allowed(client)
        check_blocked(home, client)
        assert not echoes() and not echoes(client)
        # A name that has other addresses: it goes where the client was going, and no answer is no reason to fail.
        assert answer("http://elsewhere.example/")["host"] == "elsewhere.example"
        assert answer("http://nowhere.example/")["host"] == "nowhere.example"
        # Without a redirection it is nobody's proxy.
        for place in ("127.0.0.1", "[::1]", "192.168.77.1"):
            result = subprocess.run(["curl", "-sS", "-m", "30", f"http://{place}:3129/"], capture_output=True, text=True)
            assert "400 Bad Request" in result.stdout and "firewall" in result.stdout, result
    assert curl("http://www.example/").returncode == 7  # nobody is there, and nothing goes past
    with ccward_of(OTHER_UID) as home:
        # Whom the rules do not leave out: its own connection comes back to it, once.
        result = curl("http://www.example/", "-i")
        assert result.stdout.startswith("HTTP/1.1 508 "), result
        result = curl("http://www.example/", "-i", address=SERVER6)
        assert result.stdout.startswith("HTTP/1.1 508 "), result
        assert curl("https://www.example/").returncode in (35, 56)
        log = (home / "log").read_text()
        assert f"user {OTHER_UID}" in log and "the firewall redirects ccward's own connections" in log, log
    run("nft", "-f", RULES)  # again, over itself
    run("nft", "delete", "table", "inet", "ccward")
    assert answer("http://www.example/")["via"] is None and echoes()
    print("all as it should be")


if len(sys.argv) > 2:
    be_server(sys.argv[1])
else:
    main()
