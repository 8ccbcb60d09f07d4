"""CONNECT tunnels over real sockets: what is said first in them, much at a time, ends of all kinds."""
import contextlib
import hashlib
import os
import pathlib
import resource
import socket
import ssl
import struct
import threading
import time

import pytest

from harness import wait_for

TEST_HOST = "ca91-1.winshipway.com"
MUCH = 48 << 20


@pytest.fixture
def server():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(20)
        yield listener


@pytest.fixture
def proxy(make_ccward, server):
    return make_ccward(proxy={"connect-ports": [443, server.getsockname()[1]]}, daemon={"workers": 1})


def tunnel(ccward, server, host="www.example"):
    """Both ends of a tunnel to HOST."""
    target = f"{host}:{server.getsockname()[1]}"
    client = socket.create_connection(("127.0.0.1", ccward.proxy_port), timeout=20)
    client.sendall(f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n".encode())
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += client.recv(1)
    assert head.startswith(b"HTTP/1.1 200 "), head
    origin, _ = server.accept()
    origin.settimeout(20)
    return client, origin


def hello(name):
    """The ClientHello of a real client."""
    context, out = ssl.create_default_context(), ssl.MemoryBIO()
    session = context.wrap_bio(ssl.MemoryBIO(), out, server_hostname=name)
    with contextlib.suppress(ssl.SSLWantReadError):
        session.do_handshake()
    return out.read()


def read_all(connection):
    received = b""
    with contextlib.suppress(ConnectionResetError):
        while chunk := connection.recv(1 << 16):
            received += chunk
    return received


def read_exactly(connection, count):
    received = b""
    while len(received) < count:
        chunk = connection.recv(count - len(received))
        assert chunk, received
        received += chunk
    return received


def reset(connection):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def memory_kib(ccward):
    text = pathlib.Path(f"/proc/{ccward.process.pid}/status").read_text()
    return int(next(line for line in text.splitlines() if line.startswith("RssAnon:")).split()[1])


def descriptors(ccward):
    return len(os.listdir(f"/proc/{ccward.process.pid}/fd"))


def pieces_of(data, size):
    return [data[i:i + size] for i in range(0, len(data), size)]


@pytest.mark.parametrize("size", [100000, 7])
def test_h22_a_blocked_name_inside_an_allowed_hosts_tunnel_does_not_get_out(proxy, server, size):
    client, origin = tunnel(proxy, server)
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        for piece in pieces_of(hello(TEST_HOST), size):
            client.sendall(piece)
    assert read_all(client) == b"" and read_all(origin) == b""
    line = proxy.wait_for_callback(match="sni")
    assert line["channel"] == "connect" and line["action"] == "block" and line["subject"] == TEST_HOST
    assert line["category"] == "c2"


def test_h22_much_that_came_before_on_the_connection_opens_no_way_past(proxy, server, origin):
    """A large upload and a long head are what a splice begins after."""
    target = f"www.example:{server.getsockname()[1]}"
    with socket.create_connection(("127.0.0.1", proxy.proxy_port), timeout=20) as client:
        client.sendall(f"POST {origin.url('www.example', '/post')} HTTP/1.1\r\nHost: x\r\n"
                       "Content-Length: 200000\r\n\r\n".encode() + bytes(200000) +
                       f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\nX-Long: {'x' * 6000}\r\n\r\n".encode())
        heads = b""
        while heads.count(b"HTTP/1.1 200 ") < 2 or not heads.endswith(b"\r\n\r\n"):
            heads += client.recv(1)
        end, _ = server.accept()
        end.settimeout(20)
        client.sendall(hello(TEST_HOST))
        assert read_all(end) == b""
    assert proxy.wait_for_callback(match="sni")["subject"] == TEST_HOST


def test_h22_a_name_that_is_not_the_hosts_is_recorded_and_its_bytes_pass_untouched(proxy, server):
    client, origin = tunnel(proxy, server)
    first = hello("innocent.example")
    for piece in pieces_of(first, len(first) // 3):
        client.sendall(piece)
        time.sleep(0.02)  # so that they are segments of their own
    assert read_exactly(origin, len(first)) == first
    line = proxy.wait_for_callback(match="mismatch")
    assert line["action"] == "log" and line["subject"] == "innocent.example" and line["indicator"] == "www.example"
    assert line["category"] == "suspicious" and line["sources"] == []
    assert "innocent.example" in proxy.run("hits").stdout
    client, origin = tunnel(proxy, server)
    first = hello("www.example")
    client.sendall(first)
    assert read_exactly(origin, len(first)) == first
    client, origin = tunnel(proxy, server, "127.0.0.1")
    first = hello("innocent.example")
    client.sendall(first)
    assert read_exactly(origin, len(first)) == first
    assert len({line["id"] for line in proxy.log_lines()}) == 1


@pytest.mark.parametrize("first", [b"SSH-2.0-x\r\n", b"\x16\x03\x01\x00\x04\x02\x00\x00\x00", os.urandom(5000), b"\x00"])
def test_what_is_no_hello_passes_at_once(proxy, server, first):
    client, origin = tunnel(proxy, server)
    client.sendall(first)
    assert read_exactly(origin, len(first)) == first
    origin.sendall(b"answer")
    assert read_exactly(client, 6) == b"answer"


def test_silence_holds_nobody_back_and_half_a_hello_goes_on_after_a_while(proxy, server):
    client, origin = tunnel(proxy, server)
    origin.sendall(b"220 ready\r\n")  # the client is silent until it is spoken to
    assert read_exactly(client, 11) == b"220 ready\r\n"
    client.sendall(b"EHLO x\r\n")
    assert read_exactly(origin, 8) == b"EHLO x\r\n"
    client, origin = tunnel(proxy, server)
    half = hello("innocent.example")[:100]
    client.sendall(half)
    assert read_exactly(origin, 100) == half  # within the 20 s of the socket
    assert proxy.log_lines() == []


def test_h22_with_an_authority_the_page_stands_in_the_tunnel_of_the_allowed_host(make_ccward, server):
    ccward = make_ccward(start=False, proxy={"connect-ports": [443, server.getsockname()[1]]}, daemon={"workers": 1})
    ccward.run("ca", "init")
    ccward.start()
    context = ssl.create_default_context(cafile=ccward.state / "ca.pem")

    def page():
        client, origin = tunnel(ccward, server)
        with client, contextlib.suppress(ssl.SSLError, ConnectionResetError, BrokenPipeError):
            with context.wrap_socket(client, server_hostname=TEST_HOST) as secure:
                secure.sendall(f"GET / HTTP/1.1\r\nHost: {TEST_HOST}\r\nAccept: text/html\r\nConnection: close\r\n\r\n".encode())
                received = read_all(secure)
            assert read_all(origin) == b""
            return received
        return b""

    received = wait_for(page, 30, "the page")  # the signer needs a moment
    assert received.startswith(b"HTTP/1.1 403 ") and b"<html" in received
    ccward.wait_for_callback(match="sni", action="block")
    ccward.wait_for_callback(channel="page")


def test_h25_each_direction_ends_after_everything(proxy, server):
    client, origin = tunnel(proxy, server)
    sent = os.urandom(1 << 20) * (MUCH >> 20)

    def give():
        client.sendall(sent)
        client.shutdown(socket.SHUT_WR)

    giver = threading.Thread(target=give)
    giver.start()
    time.sleep(0.2)  # what is on its way fills up
    received = hashlib.sha256()
    while chunk := origin.recv(1 << 20):
        received.update(chunk)
    assert received.digest() == hashlib.sha256(sent).digest()
    giver.join()
    back = threading.Thread(target=lambda: (origin.sendall(sent), origin.close()))
    back.start()
    received = hashlib.sha256()
    while chunk := client.recv(1 << 20):
        received.update(chunk)
    back.join()
    assert received.digest() == hashlib.sha256(sent).digest()


def send_until_it_stalls(connection, most=1 << 30):
    """As much as the other side and all between take without being read."""
    connection.setblocking(False)
    sent, stalled = 0, 0
    while stalled < 40 and sent < most:
        try:
            sent += connection.send(bytes(1 << 18))
            stalled = 0
        except BlockingIOError:
            stalled += 1
            time.sleep(0.01)
    connection.setblocking(True)
    return sent


def download(ccward, server):
    """Both ends of a response that is under way."""
    target = f"www.example:{server.getsockname()[1]}"
    client = socket.create_connection(("127.0.0.1", ccward.proxy_port), timeout=20)
    client.sendall(f"GET http://{target}/ HTTP/1.1\r\nHost: {target}\r\n\r\n".encode())
    origin, _ = server.accept()
    origin.settimeout(20)
    origin.recv(65536)
    origin.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 10000000000\r\n\r\n")
    read_exactly(client, 12)
    return client, origin


@pytest.mark.parametrize("kind", [tunnel, download])
def test_h29_a_fast_server_and_a_client_of_a_mib_a_second_take_little_memory(proxy, server, kind):
    kind(proxy, server)[0].close()
    before = memory_kib(proxy)
    client, origin = kind(proxy, server)
    first = send_until_it_stalls(origin)
    assert 1 << 18 < first < 200 << 20  # the sockets' buffers
    assert memory_kib(proxy) - before < 8192
    origin.setblocking(False)
    read = 0
    for _ in range(30):
        read += len(client.recv(1 << 16))
        time.sleep(0.03)
        with contextlib.suppress(BlockingIOError):
            origin.send(bytes(1 << 18))
    assert read > 1 << 20
    assert memory_kib(proxy) - before < 8192


@pytest.mark.parametrize("kind", [tunnel, download])
@pytest.mark.parametrize("way", [reset, socket.socket.close])
def test_h26_when_the_client_is_gone_so_is_the_servers_connection(proxy, server, kind, way):
    kind(proxy, server)[0].close()
    before = descriptors(proxy)
    client, origin = kind(proxy, server)
    send_until_it_stalls(origin)
    way(client)
    with pytest.raises((ConnectionResetError, BrokenPipeError)):
        while True:
            origin.sendall(bytes(1 << 16))
    origin.close()
    # Pipes and idle connections of the pool may stay: a few, whatever happened.
    wait_for(lambda: descriptors(proxy) <= before + 4, 30, "the end of the descriptors")


def test_h32_idle_tunnels_are_closed_and_hold_little(make_ccward, server, monkeypatch):
    # A sanitizer keeps frames and memory for a while after their end; that is not held by tunnels.
    options = ["detect_stack_use_after_return=0", "quarantine_size_mb=0", "thread_local_quarantine_size_kb=0"]
    monkeypatch.setenv("ASAN_OPTIONS", ":".join([os.environ.get("ASAN_OPTIONS", ""), *options]))
    port = server.getsockname()[1]
    ccward = make_ccward(proxy={"connect-ports": [443, port], "tunnel-idle": "4s", "max-clients-per-address": 1000},
                         daemon={"workers": 1})
    tunnel(ccward, server)[0].close()
    before, opened = memory_kib(ccward), descriptors(ccward)
    ends = [tunnel(ccward, server, "127.0.0.1") for _ in range(400)]
    assert (memory_kib(ccward) - before) / len(ends) < 8
    assert descriptors(ccward) - opened <= 2 * len(ends) + 4  # no pipes
    for client, origin in ends:
        assert read_all(client) == b"" and read_all(origin) == b""
    wait_for(lambda: descriptors(ccward) <= opened + 4, 30, "the end of the tunnels")


def test_without_descriptors_much_goes_on_through_an_open_tunnel(proxy, server):
    client, origin = tunnel(proxy, server)
    pid = proxy.process.pid
    before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (descriptors(proxy), before[1]))
    sent = os.urandom(1 << 20) * (MUCH >> 20)
    giver = threading.Thread(target=lambda: (client.sendall(sent), client.shutdown(socket.SHUT_WR)))
    giver.start()
    received = hashlib.sha256()
    while chunk := origin.recv(1 << 20):
        received.update(chunk)
    giver.join()
    resource.prlimit(pid, resource.RLIMIT_NOFILE, before)
    assert received.digest() == hashlib.sha256(sent).digest()
