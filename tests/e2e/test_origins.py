"""How the proxy reaches servers (several addresses, a parent proxy), and who may use it."""
import contextlib
import json
import select
import signal
import socket
import socketserver
import subprocess
import threading

import pytest

from harness import BINARY, free_port, wait_for

PAGE = "<!doctype html><title>page</title><p>a page</p>"
# "open sesame"
BCRYPT = "$2y$04$abcdefghijklmnopqrstuu/LVz6MZlItEy42I2juLihZ66HnQx/cy"
YESCRYPT = "$y$j75$k2XAnEHBqQ1Ct2aMXFKNa/$XHuqBDG.B1kMSA1CeriOCRR7sEFF6foXgi9Tw2jZJF/"


def curl(ccward, *arguments):
    return subprocess.run(["curl", "-s", "-S", "-m", "60", "-x", ccward.proxy, *arguments], capture_output=True,
                          text=True, timeout=90)


def status(ccward, *arguments):
    return curl(ccward, "-o", "/dev/null", "-w", "%{http_code}", *arguments).stdout


@contextlib.contextmanager
def blackhole(address, port):
    """Takes no connection: its queue is full."""
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(socket.socket())
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind((address, port))
        server.listen(0)
        for _ in range(8):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex((address, port))
        yield


def test_a_dead_first_address_does_not_hold_a_page_up(make_ccward, origin):
    ccward = make_ccward(hosts=[{"name": "two.example", "addresses": ["127.0.0.9", "127.0.0.1"]}],
                         proxy={"connect-timeout": "2m", "connect-ports": [origin.port]})
    with blackhole("127.0.0.9", origin.port):
        assert curl(ccward, origin.url("two.example", "/dir/page.html")).stdout == PAGE
        assert curl(ccward, "-p", origin.url("two.example", "/dir/page.html")).stdout == PAGE


class SocksServer(socketserver.ThreadingTCPServer):
    """A SOCKS5 proxy that notes where it was sent."""
    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, login=None, reply=0, port=0):
        super().__init__(("127.0.0.1", port), SocksHandler)
        self.login, self.reply, self.asked = login, reply, []

    def __enter__(self):
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()

    @property
    def url(self):
        return f"socks5://127.0.0.1:{self.server_address[1]}"


class SocksHandler(socketserver.BaseRequestHandler):
    def read(self, n):
        data = b""
        while len(data) < n:
            data += (chunk := self.request.recv(n - len(data)))
            if not chunk:
                raise EOFError
        return data

    def greet(self):
        methods = self.read(self.read(2)[1])
        wanted = 2 if self.server.login else 0
        self.request.sendall(bytes([5, wanted if wanted in methods else 255]))
        if wanted not in methods or not wanted:
            return wanted in methods
        user = self.read(self.read(2)[1])
        right = (user, self.read(self.read(1)[0])) == self.server.login
        self.request.sendall(bytes([1, 0 if right else 1]))
        return right

    def handle(self):
        with contextlib.suppress(EOFError, OSError):
            if not self.greet():
                return
            kind = self.read(4)[3]
            host = {1: lambda: socket.inet_ntoa(self.read(4)), 3: lambda: self.read(self.read(1)[0]).decode(),
                    4: lambda: socket.inet_ntop(socket.AF_INET6, self.read(16))}[kind]()
            port = int.from_bytes(self.read(2), "big")
            self.server.asked.append((host, port))
            self.request.sendall(bytes([5, self.server.reply, 0, 1, 0, 0, 0, 0, 0, 0]))
            if not self.server.reply:
                self.relay(host if kind == 1 else "127.0.0.1", port)

    def relay(self, host, port):
        with socket.create_connection((host, port)) as server:
            ends = {self.request: server, server: self.request}
            while True:
                for end in select.select(list(ends), [], [])[0]:
                    data = end.recv(65536)
                    if not data:
                        return
                    ends[end].sendall(data)


def test_a_socks_parent_is_sent_to_the_address_that_was_judged(make_ccward, origin, tmp_path):
    login = tmp_path / "login"
    login.write_text("me:open sesame\n")
    login.chmod(0o600)
    with SocksServer(login=(b"me", b"open sesame")) as parent:
        ccward = make_ccward(proxy={"parent": parent.url, "parent-login": f"file:{login}",
                                    "no-proxy": ["shared.example"], "connect-ports": [origin.port]})
        assert curl(ccward, origin.url("www.example", "/dir/page.html")).stdout == PAGE
        assert curl(ccward, "-p", origin.url("www.example", "/dir/page.html")).stdout == PAGE
        assert parent.asked == [("127.0.0.1", origin.port)] * 2
        assert status(ccward, origin.url("shared.example", "/dir/page.html")) == "200"
        assert status(ccward, "http://ca91-1.winshipway.com/") == "403"
        assert status(ccward, "http://169.254.169.254/") == "403"
        assert len(parent.asked) == 2


def test_a_parent_that_gets_names_is_sent_to_names_that_nobody_here_knows(make_ccward, origin):
    with SocksServer() as parent:
        ccward = make_ccward(proxy={"parent": parent.url, "parent-gets": "name"})
        assert curl(ccward, origin.url("nothing.example", "/dir/page.html")).stdout == PAGE
        assert parent.asked == [("nothing.example", origin.port)]
        assert status(ccward, "http://ca91-1.winshipway.com/") == "403"


def test_what_fails_at_a_socks_parent_is_told(make_ccward, origin):
    with SocksServer(login=(b"me", b"x")) as parent:
        ccward = make_ccward(proxy={"parent": parent.url})
        reply = curl(ccward, "-i", origin.url("www.example")).stdout
        assert reply.startswith("HTTP/1.1 502 ") and "Proxy-Status: ccward; error=proxy_configuration_error" in reply
        assert "proxy.parent-login" in reply
    reply = curl(ccward, "-i", origin.url("www.example")).stdout
    assert reply.startswith("HTTP/1.1 502 ") and "error=destination_unavailable" in reply and "parent proxy" in reply


def users_file(folder, text):
    path = folder / "users"
    path.write_text(text)
    path.chmod(0o640)
    return path


def test_an_http_parent_may_be_another_ccward_with_users(make_ccward, origin, tmp_path):
    users = users_file(tmp_path, f"branch:{BCRYPT}\n")
    parent = make_ccward(proxy={"users": str(users), "connect-ports": [origin.port]})
    login = tmp_path / "login"
    login.write_text("branch:open sesame\n")
    login.chmod(0o600)
    ccward = make_ccward(proxy={"parent": parent.proxy, "parent-login": f"file:{login}",
                                "connect-ports": [origin.port]})
    reply = curl(ccward, origin.url("www.example", "/seen?x")).stdout
    assert "host=www.example" in reply and "via=1.1 ccward" in reply and "uri=/seen?x" in reply
    assert curl(ccward, "-p", origin.url("www.example", "/dir/page.html")).stdout == PAGE
    stranger = make_ccward(proxy={"parent": parent.proxy, "connect-ports": [origin.port]})
    for arguments in ((), ("-p",)):
        reply = curl(stranger, "-v", *arguments, origin.url("www.example"))
        assert "502 Bad Gateway" in reply.stderr and "error=proxy_configuration_error" in reply.stderr, reply


def test_a_parent_that_is_gone_shows_in_the_status_until_it_serves_again(make_ccward, origin):
    port = free_port()
    url = f"socks5://127.0.0.1:{port}"
    ccward = make_ccward(proxy={"parent": url, "connect-ports": [origin.port]})

    def problems():
        return json.loads(ccward.run("status", "--json", check=False).stdout)["problems"]

    assert problems() == []
    for _ in range(3):
        assert status(ccward, origin.url("www.example")) == "502"
    told = f"the parent proxy {url} cannot be reached"
    wait_for(problems, what="a problem")
    assert problems() == [{"kind": "parent", "name": None, "reason": told}] and ccward.errors.count(told) == 1
    with SocksServer(port=port):
        assert curl(ccward, "-p", origin.url("www.example", "/dir/page.html")).stdout == PAGE
    wait_for(lambda: not problems(), what="the end of it")
    assert ccward.errors.count(f"the parent proxy {url} does its work again") == 1


def test_a_login_file_that_others_can_read_is_refused_at_start(make_ccward, tmp_path):
    login = tmp_path / "login"
    login.write_text("me:open sesame\n")
    login.chmod(0o644)
    ccward = make_ccward(start=False, proxy={"parent": "http://192.0.2.1:3128", "parent-login": f"file:{login}"})
    result = ccward.run("check-config", check=False)
    assert result.returncode == 1 and f"{ccward.config_path}:2: proxy.parent-login: " in result.stderr and f"chmod 600 {login}" in result.stderr
    assert "sesame" not in result.stderr


def test_users_log_in_and_the_file_is_read_again_on_hangup(make_ccward, origin, tmp_path):
    users = users_file(tmp_path, f"alice:{BCRYPT}\n")
    ccward = make_ccward(proxy={"users": str(users), "connect-ports": [origin.port]})
    url = origin.url("www.example", "/dir/page.html")
    reply = curl(ccward, "-i", url).stdout
    assert reply.startswith("HTTP/1.1 407 ") and 'Proxy-Authenticate: Basic realm="ccward", charset="UTF-8"' in reply
    assert status(ccward, "--proxy-user", "alice:wrong", url) == "407"
    assert curl(ccward, "--proxy-user", "alice:open sesame", url).stdout == PAGE
    assert curl(ccward, "-p", "--proxy-user", "alice:open sesame", url).stdout == PAGE
    assert "proxy" not in "".join(origin.requests()).lower()

    users_file(tmp_path, f"bob:{YESCRYPT}\n")
    ccward.process.send_signal(signal.SIGHUP)
    wait_for(lambda: status(ccward, "--proxy-user", "bob:open sesame", url) == "200")
    assert status(ccward, "--proxy-user", "alice:open sesame", url) == "407"

    users_file(tmp_path, "bob:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=\n")
    ccward.process.send_signal(signal.SIGHUP)
    wait_for(lambda: "users:1: the password of 'bob' is kept as SHA-1" in ccward.errors)
    assert status(ccward, "--proxy-user", "bob:open sesame", url) == "200"
    assert f"! {ccward.config_path}:2: proxy.users: {users}:1: " in ccward.run("status", check=False).stdout


def test_a_file_of_weak_passwords_does_not_start(make_ccward, tmp_path):
    users = users_file(tmp_path, f"alice:{BCRYPT}\nbob:$apr1$abcdefgh$LXDYDdJBWFeEBGPmNGOgw1\n")
    ccward = make_ccward(start=False, proxy={"users": str(users)})
    result = subprocess.run([BINARY, "run", "-c", str(ccward.config_path)], capture_output=True, text=True, timeout=30)
    place = f"{ccward.config_path}:2: proxy.users: "
    assert result.returncode == 78 and f"{place}{users}:2: " in result.stderr and "htpasswd -B" in result.stderr
    assert "apr1$" not in result.stderr
    users.unlink()
    assert f"{place}{users}: No such file" in ccward.run("check-config", check=False).stderr


@pytest.mark.parametrize("address", ["0.0.0.0", "[::]", "192.0.2.77"])
def test_a_proxy_for_other_machines_names_its_clients_or_does_not_start(make_ccward, address):
    port = free_port()
    ccward = make_ccward(start=False, proxy={"listen": [f"{address}:{port}"]})
    result = subprocess.run([BINARY, "run", "-c", str(ccward.config_path)], capture_output=True, text=True, timeout=30)
    assert result.returncode == 78
    assert f"{ccward.config_path}:2: proxy.listen[0]: {address}:{port} can be reached" in result.stderr
    assert "proxy.allow-clients" in result.stderr


def test_socks_clients_log_in_as_well(make_ccward, origin, tmp_path):
    users, port = users_file(tmp_path, f"alice:{BCRYPT}\n"), free_port()
    make_ccward(proxy={"users": str(users), "socks-listen": [f"127.0.0.1:{port}"], "socks-ports": [origin.port]})

    def ask(*arguments):
        return subprocess.run(["curl", "-s", "-m", "60", "--socks5-hostname", f"127.0.0.1:{port}", *arguments,
                               origin.url("www.example", "/dir/page.html")], capture_output=True, text=True, timeout=90)

    assert ask("--proxy-user", "alice:open sesame").stdout == PAGE
    assert ask().returncode == 97 and ask("--proxy-user", "alice:wrong").returncode == 97


def test_who_has_logged_in_stands_in_both_logs_and_no_password_does(make_ccward, origin, tmp_path):
    users, log, port = users_file(tmp_path, f"alice:{BCRYPT}\n"), tmp_path / "access.log", free_port()
    ccward = make_ccward(proxy={"users": str(users), "access-log": str(log), "access-log-privacy": "full",
                                "connect-ports": [origin.port], "socks-ports": [origin.port],
                                "socks-listen": [f"127.0.0.1:{port}"]})
    url, login = origin.url("www.example", "/dir/page.html"), ["--proxy-user", "alice:open sesame"]
    assert status(ccward, *login, url) == "200" and status(ccward, "-p", *login, url) == "200"
    assert status(ccward, *login, "http://ca91-1.winshipway.com/") == "403"
    subprocess.run(["curl", "-s", "-m", "60", "--socks5-hostname", f"127.0.0.1:{port}", *login, url], timeout=90)
    assert status(ccward, "--proxy-user", "open sesame:alice", url) == "407" and status(ccward, url) == "407"

    def lines():
        return [json.loads(line) for line in log.read_text().splitlines()]

    wait_for(lambda: len(lines()) == 6, what="a line of each request")
    told = sorted((line["method"], line["status"], line["user"]) for line in lines() if line["user"])
    assert told == [("CONNECT", 0, "alice"), ("CONNECT", 200, "alice"), ("GET", 200, "alice"), ("GET", 403, "alice")]
    assert [line["user"] for line in lines() if line["status"] == 407] == [None, None]
    callback = ccward.wait_for_callback(channel="http", subject="http://ca91-1.winshipway.com/")
    assert callback["client"]["login"] == "alice"
    logs = log.read_text() + json.dumps(ccward.log_lines()) + ccward.errors
    assert "sesame" not in logs and "YWxpY2U6b3BlbiBzZXNhbWU" not in logs
