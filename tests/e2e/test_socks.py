"""SOCKS with curl and raw sockets, against nginx."""
import socket
import subprocess

import pytest

from harness import free_port, wait_for

TEST_HOST = "ca91-1.winshipway.com"
NOT_ALLOWED, UNREACHABLE, REFUSED = 2, 4, 5
LOGIN_METHOD = 2


@pytest.fixture
def socks(make_ccward, origin):
    """A ccward whose SOCKS proxy lets nginx' port be asked for; `port` is where it listens."""
    port = free_port()
    ccward = make_ccward(proxy={"socks-listen": [f"127.0.0.1:{port}"], "socks-ports": [80, 443, origin.port],
                                "allow-destinations": ["127.0.0.0/8", "::1"]})
    ccward.socks_port = port
    return ccward


def curl(ccward, *arguments, kind="--socks5-hostname", login=""):
    return subprocess.run(["curl", "-sS", "-m", "20", kind, f"{login}127.0.0.1:{ccward.socks_port}", *arguments],
                          capture_output=True, text=True, timeout=30)


def connect(ccward):
    client = socket.create_connection(("127.0.0.1", ccward.socks_port), timeout=20)
    client.sendall(b"\5\1\0")
    assert client.recv(2) == b"\5\0"
    return client


def to_name(name, port):
    return b"\5\1\0\3" + bytes([len(name)]) + name.encode() + port.to_bytes(2, "big")


@pytest.mark.parametrize("kind", ["--socks5-hostname", "--socks5", "--socks4a", "--socks4"])
def test_what_is_not_blocked_passes_in_each_version(socks, origin, kind):
    resolved = ["--resolve", f"www.example:{origin.port}:127.0.0.1"] if kind in ("--socks5", "--socks4") else []
    result = curl(socks, *resolved, origin.url("www.example", "/dir/page.html"), kind=kind)
    assert result.stdout == "<!doctype html><title>page</title><p>a page</p>", result
    assert "via= " in curl(socks, *resolved, origin.url("www.example", "/seen"), kind=kind).stdout  # nothing is added


@pytest.mark.parametrize("kind", ["--socks5-hostname", "--socks4a"])
def test_a_blocked_name_is_refused_and_recorded(socks, kind):
    result = curl(socks, f"http://{TEST_HOST}/", kind=kind)
    assert result.returncode == 97 and not result.stdout, result
    if kind == "--socks5-hostname":
        assert "(2)" in result.stderr, result
    line = socks.wait_for_callback(channel="socks", subject=f"{TEST_HOST}:80")
    assert line["action"] == "block" and line["category"] == "c2" and line["match"] == "host"
    assert line.get("method") is None and line.get("status") is None
    assert line["client"]["ip"] == "127.0.0.1" and line["incident"].startswith("CC-")


def test_a_listed_name_is_blocked_with_all_below_it_before_the_server_is_asked(socks, origin):
    socks.import_feed("names", "evil-below.example\n")
    url = origin.url("a.evil-below.example")
    wait_for(lambda: curl(socks, url).returncode == 97, 5, "the block")
    before = len(origin.requests())
    assert curl(socks, "-d", "stolen", origin.url("evil-below.example")).returncode == 97
    assert len(origin.requests()) == before


def test_an_alias_of_a_listed_name_is_blocked(socks, origin):
    socks.import_feed("names", "tracker.cloak.example\n")
    wait_for(lambda: curl(socks, origin.url("www.cloak.example")).returncode == 97, 5, "the block")
    assert socks.wait_for_callback(channel="socks", match="cname")["subject"] == f"www.cloak.example:{origin.port}"


def test_an_ipv6_target_is_reached_by_its_address(make_ccward):
    port = free_port()
    with socket.socket(socket.AF_INET6) as server:
        try:
            server.bind(("::1", 0))
        except OSError:
            pytest.skip("there is no IPv6 on this machine")
        server.listen(1)
        target = server.getsockname()[1]
        ccward = make_ccward(proxy={"socks-listen": [f"127.0.0.1:{port}"], "socks-ports": [target],
                                    "allow-destinations": ["::1"]})
        ccward.socks_port = port
        with connect(ccward) as client:
            client.sendall(b"\5\1\0\4" + socket.inet_pton(socket.AF_INET6, "::1") + target.to_bytes(2, "big") + b"hello")
            server.settimeout(20)
            with server.accept()[0] as accepted:
                accepted.settimeout(20)
                assert accepted.recv(100) == b"hello"
                accepted.sendall(b"world")
                assert client.recv(10) == b"\5\0\0\1" + bytes(6)
                assert client.recv(100) == b"world"


def test_failures_and_refusals_are_told_by_their_codes(socks, origin):
    cases = [(to_name("www.example", 25), NOT_ALLOWED),
             (to_name("linklocal.example", 80), NOT_ALLOWED),
             (to_name("127.0.0.1", socks.console_port), NOT_ALLOWED),
             (to_name("nowhere.example", 80), UNREACHABLE),
             (to_name("private.example", origin.port), REFUSED),
             (to_name("127.1", 80), 1),
             (b"\5\2\0\1\0\0\0\0\0\0", 7),
             (b"\5\3\0\1\0\0\0\0\0\0", 7),
             (b"\5\1\0\5", 8)]
    for request, code in cases:
        with connect(socks) as client:
            client.sendall(request)
            assert client.recv(100) == bytes([5, code, 0, 1]) + bytes(6), (request, code)
            assert client.recv(100) == b""


def test_a_client_with_a_password_is_let_in(socks, origin):
    assert "site" in curl(socks, origin.url("www.example"), login="someone:secret@").stdout
    with socket.create_connection(("127.0.0.1", socks.socks_port), timeout=20) as client:
        client.sendall(bytes([5, 1, LOGIN_METHOD]) + b"\1\4user\4pass" + to_name("www.example", origin.port))
        received = b""
        while len(received) < 14 and (more := client.recv(100)):
            received += more
        assert received == b"\5\2\1\0\5\0\0\1" + bytes(6)


def test_it_listens_only_where_it_is_told_to(ccward, make_ccward):
    assert "SOCKS" not in ccward.banner
    port = free_port()
    other = make_ccward(proxy={"listen": [], "socks-listen": [f"127.0.0.1:{port}"]})
    assert f"127.0.0.1:{port}" in other.banner and "HTTP proxy  off" in other.banner, other.banner
    with socket.create_connection(("127.0.0.1", port), timeout=20) as client:
        client.sendall(b"GET http://www.example/ HTTP/1.1\r\n\r\n")
        assert client.recv(100) == b""
