"""The block page over HTTPS, with curl and openssl as clients that trust the authority; and that nothing else is touched."""
import concurrent.futures
import os
import pathlib
import signal
import socket
import ssl
import subprocess
import threading

import pytest

from harness import Authority, free_port, wait_for

HOST = "ca91-1.winshipway.com"


def signers(ccward):
    children = pathlib.Path(f"/proc/{ccward.process.pid}/task/{ccward.process.pid}/children").read_text().split()
    return [int(pid) for pid in children if pathlib.Path(f"/proc/{pid}/comm").read_text() == "ccward-signer\n"]


@pytest.fixture
def make_trusted(make_ccward):
    def make(**sections):
        ccward = make_ccward(start=False, **sections)
        ccward.run("ca", "init", "--exclude", "bank.example")
        ccward.start()
        wait_for(lambda: signers(ccward), 30, "a signer")
        wait_for(lambda: curl(ccward, f"https://{HOST}/").returncode == 0, 30, "the first page")
        return ccward
    return make


@pytest.fixture
def trusted(make_trusted):
    return make_trusted()


def curl(ccward, url, *more, by="proxy"):
    way = {"proxy": ["-x", ccward.proxy],
           "dns": ["--connect-to", f"::127.0.0.1:{ccward.tls_port}"]}[by]
    return subprocess.run(["curl", "-sS", "--max-time", "30", "--cacert", str(ccward.state / "ca.pem"), *way, *more, url],
                          capture_output=True, text=True)


def test_curl_gets_the_page_through_the_proxy_with_a_valid_certificate(trusted):
    result = curl(trusted, f"https://{HOST}/path?secret=1", "-i")
    assert result.returncode == 0, result.stderr
    established, head, body = result.stdout.split("\n\n", 2)
    assert established.startswith("HTTP/1.1 200")
    assert head.startswith("HTTP/1.1 403") and "no-store" in head and "Alt-Svc: clear" in head
    assert "Strict-Transport-Security" not in head and "Set-Cookie" not in head
    assert "hxxps://ca91-1[.]winshipway[.]com/path" in body and "secret" not in body
    trusted.wait_for_callback(channel="connect", action="block")
    trusted.wait_for_callback(channel="page", action="block", subject=f"https://{HOST}/path?secret=1")


def test_curl_gets_the_page_at_the_page_server_with_a_valid_certificate(trusted):
    result = curl(trusted, f"https://{HOST}/", "-i", by="dns")
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("HTTP/1.1 403") and "<html" in result.stdout
    trusted.wait_for_callback(channel="tls", action="block")


def test_each_asker_gets_what_fits(trusted):
    for header, start in (("Sec-Fetch-Dest: image", ""), ("Accept: application/json", "{")):
        result = curl(trusted, f"https://{HOST}/", "-H", header, "-w", "%{http_code}")
        assert result.stdout.startswith(start) and result.stdout.endswith("403")
    assert curl(trusted, f"https://{HOST}/", "-I").stdout.count("HTTP/1.1 403") == 1
    posted = curl(trusted, f"https://{HOST}/gate.php", "-d", "x" * 100000, "-w", "%{http_code}")
    assert posted.returncode == 0 and posted.stdout.endswith("403")


def leaf_of(ccward, name, by="proxy"):
    way = {"proxy": ["-connect", f"{name}:443", "-proxy", f"127.0.0.1:{ccward.proxy_port}"],
           "dns": ["-connect", f"127.0.0.1:{ccward.tls_port}"]}[by]
    return subprocess.run(["openssl", "s_client", *way, "-servername", name, "-verify_hostname", name, "-verify_return_error",
                           "-x509_strict", "-purpose", "sslserver", "-CAfile", str(ccward.state / "ca.pem"), "-showcerts"],
                          input="", capture_output=True, text=True, timeout=30)


@pytest.mark.parametrize("by", ["proxy", "dns"])
def test_openssl_verifies_the_leaf_strictly(trusted, by):
    result = leaf_of(trusted, f"www.{HOST}", by)
    assert "Verify return code: 0 (ok)" in result.stdout, result.stdout + result.stderr
    text = subprocess.run(["openssl", "x509", "-noout", "-text"], input=result.stdout, capture_output=True, text=True,
                          check=True).stdout
    assert text.count("DNS:") == 1 and f"DNS:www.{HOST}\n" in text
    assert "CA:FALSE" in text and "prime256v1" in text


def test_without_an_authority_all_is_as_before(make_ccward):
    ccward = make_ccward()
    result = subprocess.run(["curl", "-sS", "-k", "-x", ccward.proxy, f"https://{HOST}/"], capture_output=True, text=True)
    assert result.returncode == 56 and "403" in result.stderr
    context = ssl.create_default_context()
    with socket.create_connection(("127.0.0.1", ccward.tls_port)) as plain, pytest.raises(ssl.SSLError) as error:
        context.wrap_socket(plain, server_hostname=HOST)
    assert "access denied" in str(error.value).lower()


def test_who_does_not_trust_the_authority_sees_that_and_no_page(trusted):
    result = subprocess.run(["curl", "-sS", "-x", trusted.proxy, f"https://{HOST}/"], capture_output=True, text=True)
    assert result.returncode == 60 and result.stdout == ""


def test_h34_addresses_and_excluded_names_are_refused_plainly(trusted):
    trusted.run("deny", "bank.example", "192.0.2.77")
    for host in "bank.example", "www.bank.example", "192.0.2.77":
        def refused(host=host):
            result = curl(trusted, f"https://{host}/")
            return result.returncode == 56 and "403" in result.stderr
        wait_for(refused, what=f"the refusal of {host}")


def test_a_name_has_a_page_while_it_is_denied(trusted):
    trusted.run("deny", "new.test")
    wait_for(lambda: "<html" in curl(trusted, "https://new.test/").stdout, what="the page")
    trusted.run("lists", "remove", "new.test")
    wait_for(lambda: "<html" not in curl(trusted, "https://new.test/").stdout, what="the end of the page")


def test_a_killed_signer_costs_the_page_and_nothing_else(make_trusted, origin):
    trusted = make_trusted(daemon={"workers": 1})  # each has a cache of its own
    pid = signers(trusted)[0]
    os.kill(pid, signal.SIGSTOP)  # it hangs
    hanging = curl(trusted, f"https://hangs.{HOST}/")
    assert hanging.returncode == 56 and "403" in hanging.stderr
    assert "<html" in curl(trusted, f"https://{HOST}/").stdout  # this one is cached
    os.kill(pid, signal.SIGKILL)
    result = subprocess.run(["curl", "-sS", "-x", trusted.proxy, origin.url("www.example")], capture_output=True, text=True)
    assert "a small site" in result.stdout
    wait_for(lambda: "<html" in curl(trusted, f"https://again.{HOST}/").stdout, 30, "a new signer's page")


def test_h34_hostile_clients_end_and_leave_no_trace(trusted):
    def connect():
        plain = socket.create_connection(("127.0.0.1", trusted.proxy_port), timeout=20)
        plain.sendall(f"CONNECT {HOST}:443 HTTP/1.1\r\nHost: {HOST}:443\r\n\r\n".encode())
        return plain

    with connect() as plain:
        assert plain.recv(100).startswith(b"HTTP/1.1 200")
        plain.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")  # no TLS
        while plain.recv(1000):
            pass
    for _ in range(50):
        connect().close()
    with connect() as plain:
        assert plain.recv(100).startswith(b"HTTP/1.1 200")
        context = ssl.create_default_context(cafile=trusted.state / "ca.pem")
        with context.wrap_socket(plain, server_hostname=HOST) as tls:
            tls.sendall(b"GET / HTTP/1.1\r\nHost: good.example\r\n\r\n")  # not the host that it came to
            assert tls.recv(100).startswith(b"HTTP/1.1 404")
            tls.sendall(b"\0\1\2 no request\r\n\r\n")
            while tls.recv(1000):
                pass
    assert "<html" in curl(trusted, f"https://{HOST}/").stdout


def greeting(name, written_as=None, protocols=()):
    """A ClientHello for NAME, its bytes put in place of another of that length where no library would send it."""
    context = ssl.create_default_context()
    if protocols:
        context.set_alpn_protocols(protocols)
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing, server_hostname=written_as or name)
    with pytest.raises(ssl.SSLWantReadError):
        tls.do_handshake()
    hello = outgoing.read()
    if not written_as:
        return hello
    assert hello.count(written_as.encode()) == 1
    return hello.replace(written_as.encode(), name)


def first_byte_of_reply(trusted, data, piece=None):
    """22: a handshake, so that there is a certificate; 21: an alert; nothing: hung up on."""
    with socket.create_connection(("127.0.0.1", trusted.tls_port), timeout=20) as plain:
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            for i in range(0, len(data), piece or len(data)):
                plain.sendall(data[i:i + (piece or len(data))])
            return plain.recv(1)
        except ConnectionError:
            return b""


def test_h34_a_blocked_name_alone_gets_a_certificate_however_the_greeting_is_sent(trusted):
    good = greeting(HOST)
    assert first_byte_of_reply(trusted, good) == b"\x16"
    assert first_byte_of_reply(trusted, good, piece=1) == b"\x16"
    assert first_byte_of_reply(trusted, greeting(HOST, protocols=[f"{i:0250}" for i in range(40)])) in (b"\x16", b"\x15")
    length = len(HOST)
    odd = [b"127.0.0.1", b"*." + HOST.encode()[2:], HOST.encode()[:-1] + b"\0", b"..".ljust(length, b"a"),
           HOST.encode()[:5] + b"\0" + HOST.encode()[6:], b"a" * 60 + b" ", b"www.good.example", b"\xff" * length,
           HOST.encode().replace(b".", b"/")]
    for name in odd:
        assert first_byte_of_reply(trusted, greeting(name, "a" * min(len(name), 63))) in (b"\x15", b""), name
    longest = ".".join(["a" * 63] * 3 + ["b" * 61])
    assert first_byte_of_reply(trusted, greeting(longest)) in (b"\x15", b"")
    assert first_byte_of_reply(trusted, greeting(b"x" * len(longest), longest)) in (b"\x15", b"")
    nameless = greeting("127.0.0.1")  # of which libraries make no name
    assert b"127.0.0.1" not in nameless and first_byte_of_reply(trusted, nameless) in (b"\x15", b"")
    for garbage in (b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\xff\xff" + b"\1" * 70000, os.urandom(200)):
        assert first_byte_of_reply(trusted, garbage) != b"\x16"


@pytest.mark.parametrize("version,taken", [("-tls1", False), ("-tls1_1", False), ("-tls1_2", True), ("-tls1_3", True)])
def test_h34_tls_is_at_least_1_2(trusted, version, taken):
    result = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{trusted.tls_port}", "-servername", HOST, version,
                             "-cipher", "DEFAULT:@SECLEVEL=0"], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                            timeout=30)
    assert ("BEGIN CERTIFICATE" in result.stdout) == taken, result.stdout


def test_a_client_that_greets_without_waiting_for_the_200_gets_the_page(trusted):
    context = ssl.create_default_context(cafile=trusted.state / "ca.pem")
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing, server_hostname=HOST)
    with pytest.raises(ssl.SSLWantReadError):
        tls.do_handshake()
    with socket.create_connection(("127.0.0.1", trusted.proxy_port), timeout=20) as plain:
        plain.sendall(f"CONNECT {HOST}:443 HTTP/1.1\r\nHost: {HOST}:443\r\n\r\n".encode() + outgoing.read())
        head = b""
        while b"\r\n\r\n" not in head:
            head += plain.recv(1)
        while True:
            try:
                tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                incoming.write(plain.recv(65536))
        assert ("DNS", HOST) in tls.getpeercert()["subjectAltName"]


def test_many_at_once_all_get_the_page(trusted):
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        names = [f"n{i % 20}.{HOST}" for i in range(80)]
        results = list(pool.map(lambda name: curl(trusted, f"https://{name}/"), names))
    assert all("<html" in result.stdout for result in results)


class TlsOrigin:
    """A server with a certificate of its own; keeps every byte that it was sent and has sent."""

    def __init__(self, folder):
        self.authority = Authority(folder)
        key, certificate = self.authority.issue("www.example", "DNS:www.example")
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificate, key)
        self.der = ssl.PEM_cert_to_DER_cert(pathlib.Path(certificate).read_text())
        self.port = free_port()
        self.listener = socket.create_server(("127.0.0.1", self.port))
        self.received = self.sent = b""
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        connection, _ = self.listener.accept()
        with connection:
            incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
            tls = self.context.wrap_bio(incoming, outgoing, server_side=True)
            done = False
            while True:
                try:
                    if not done:
                        tls.do_handshake()
                        done = True
                    if tls.read(1000):
                        tls.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
                    else:
                        return
                except ssl.SSLWantReadError:
                    pass
                out = outgoing.read()
                connection.sendall(out)
                self.sent += out
                data = connection.recv(65536)
                if not data:
                    return
                self.received += data
                incoming.write(data)


def test_an_allowed_host_s_tls_passes_byte_for_byte_with_its_own_certificate(make_trusted, tmp_path):
    origin = TlsOrigin(tmp_path)
    trusted = make_trusted(proxy={"connect-ports": [443, origin.port]})
    wire_in = wire_out = b""
    context = ssl.create_default_context(cafile=origin.authority.path)
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing, server_hostname="www.example")
    with socket.create_connection(("127.0.0.1", trusted.proxy_port), timeout=20) as plain:
        plain.sendall(f"CONNECT www.example:{origin.port} HTTP/1.1\r\nHost: www.example:{origin.port}\r\n\r\n".encode())
        head = b""
        while b"\r\n\r\n" not in head:
            head += plain.recv(1)
        assert head.startswith(b"HTTP/1.1 200")
        answer, asked = b"", False
        while b"hello" not in answer:
            try:
                if not asked:
                    tls.do_handshake()
                    tls.write(b"GET / HTTP/1.1\r\nHost: www.example\r\n\r\n")
                    asked = True
                answer += tls.read(1000)
            except ssl.SSLWantReadError:
                pass
            out = outgoing.read()
            plain.sendall(out)
            wire_out += out
            if b"hello" not in answer:
                data = plain.recv(65536)
                assert data
                wire_in += data
                incoming.write(data)
        assert tls.getpeercert(binary_form=True) == origin.der
    origin.thread.join(20)
    assert origin.received == wire_out
    assert origin.sent == wire_in
