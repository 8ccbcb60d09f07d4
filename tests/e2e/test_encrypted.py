"""DNS over TLS and over HTTPS with a certificate made for the test; cookies, access and discovery over real sockets."""
import base64
import contextlib
import json
import os
import re
import shutil
import signal
import socket
import ssl
import struct
import subprocess

import dns.edns
import dns.message
import dns.query
import dns.rcode
import dns.rdatatype
import h2.config
import h2.connection
import h2.events
import pytest

from harness import free_port, wait_for

TEST_HOST = "ca91-1.winshipway.com"
NAME = "dns.test"


def make_certificate(folder, name=NAME):
    """A certificate of its own authority and its key, in place of those that are there."""
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
                    str(folder / "key.pem"), "-out", str(folder / "cert.pem"), "-days", "2", "-subj", f"/CN={name}",
                    "-addext", f"subjectAltName=DNS:{name},IP:127.0.0.1"], check=True, capture_output=True)
    (folder / "key.pem").chmod(0o600)


@pytest.fixture
def folder(tmp_path):
    make_certificate(tmp_path)
    return tmp_path


def dns_section(folder, **more):
    return {"tls-listen": [f"127.0.0.1:{free_port()}"], "https-listen": [f"127.0.0.1:{free_port()}"],
            "tls-certificate": str(folder / "cert.pem"), "tls-key": str(folder / "key.pem"), **more}


@pytest.fixture
def encrypted(make_ccward, folder):
    return make_ccward(dns=dns_section(folder), daemon={"workers": 2})


def port_of(ccward, key):
    return int(ccward.config["dns"][key][0].rsplit(":", 1)[1])


def context_of(folder, *protocols):
    context = ssl.create_default_context(cafile=folder / "cert.pem")
    context.set_alpn_protocols(list(protocols))
    return context


@contextlib.contextmanager
def tls(ccward, folder, key="tls-listen", protocols=("dot",), session=None):
    with socket.create_connection(("127.0.0.1", port_of(ccward, key)), timeout=10) as plain:
        context = session[0] if session else context_of(folder, *protocols)
        with context.wrap_socket(plain, server_hostname=NAME, session=session[1] if session else None) as connection:
            yield connection


def framed(query):
    wire = query.to_wire()
    return struct.pack("!H", len(wire)) + wire


def read_exactly(connection, n):
    data = b""
    while len(data) < n:
        part = connection.recv(n - len(data))
        if not part:
            raise EOFError
        data += part
    return data


def read_message(connection):
    [n] = struct.unpack("!H", read_exactly(connection, 2))
    return dns.message.from_wire(read_exactly(connection, n))


def test_queries_are_answered_over_tls_and_padded_where_they_are(encrypted, folder):
    query = dns.message.make_query(TEST_HOST, "A", use_edns=0, pad=128)
    response = dns.query.tls(query, "127.0.0.1", port=port_of(encrypted, "tls-listen"), timeout=10,
                             ssl_context=context_of(folder, "dot"), server_hostname=NAME)
    assert [rdata.address for rdata in response.answer[0]] == ["127.0.0.1"]
    with tls(encrypted, folder) as connection:
        assert connection.selected_alpn_protocol() == "dot"
        for name in (TEST_HOST, "good.example"):
            connection.sendall(framed(dns.message.make_query(name, "A", use_edns=0, pad=128)))
            assert struct.unpack("!H", read_exactly(connection, 2)) == (468,)
            read_exactly(connection, 468)
    encrypted.wait_for_callback(subject=TEST_HOST, action="block")


def test_d38_many_queries_at_once_are_all_answered_over_tls(encrypted, folder):
    names = [TEST_HOST, "good.example", "big.example"]
    with tls(encrypted, folder) as connection:
        connection.settimeout(30)
        queries = [dns.message.make_query(names[i % 3], "TXT", id=i) for i in range(600)]
        connection.sendall(b"".join(framed(query) for query in queries))
        assert sorted(read_message(connection).id for _ in queries) == list(range(600))


def test_d39_a_length_that_cannot_be_ends_the_connection_after_the_answers(encrypted, folder):
    with tls(encrypted, folder) as connection:
        connection.sendall(framed(dns.message.make_query(TEST_HOST, "A")) + b"\0\5hello")
        assert read_message(connection).rcode() == dns.rcode.NOERROR
        assert connection.recv(1) == b""


def test_a_session_is_resumed_by_its_ticket_at_any_worker(encrypted, folder):
    context = context_of(folder, "dot")
    context.maximum_version = ssl.TLSVersion.TLSv1_2  # of whose tickets ssl tells in Python
    session = None
    for attempt in range(8):
        with tls(encrypted, folder, session=(context, session)) as connection:
            connection.sendall(framed(dns.message.make_query(TEST_HOST, "A")))
            read_message(connection)
            assert connection.session_reused == (attempt > 0)
            session = connection.session


def test_other_protocols_and_old_versions_of_tls_are_refused(encrypted, folder):
    with pytest.raises(ssl.SSLError, match="NO_APPLICATION_PROTOCOL|no application protocol"):
        with tls(encrypted, folder, protocols=("h2",)):
            pass
    with pytest.raises(ssl.SSLError):
        with tls(encrypted, folder, key="https-listen", protocols=("http/1.1",)):
            pass
    old = subprocess.run(["openssl", "s_client", "-tls1_1", "-cipher", "ALL:@SECLEVEL=0", "-connect",
                          f"127.0.0.1:{port_of(encrypted, 'tls-listen')}"], input=b"", capture_output=True, timeout=20)
    assert b"alert protocol version" in old.stderr


def test_garbage_in_place_of_tls_harms_nobody(encrypted, folder):
    for key in ("tls-listen", "https-listen"):
        for data in (b"\0\x1d" + bytes(29), b"GET / HTTP/1.1\r\n\r\n", os.urandom(3000), b"\x16\x03\x01\xff\xff"):
            with socket.create_connection(("127.0.0.1", port_of(encrypted, key)), timeout=5) as plain:
                plain.sendall(data)
                plain.shutdown(socket.SHUT_WR)
                with contextlib.suppress(ConnectionResetError):
                    while plain.recv(4096):
                        pass
    test_queries_are_answered_over_tls_and_padded_where_they_are(encrypted, folder)


class Http2:
    """A client of HTTP/2 that sends what it is told and gathers the answers."""

    def __init__(self, connection):
        self.connection = connection
        self.http2 = h2.connection.H2Connection(config=h2.config.H2Configuration(client_side=True, header_encoding="utf-8"))
        self.http2.initiate_connection()
        self.answers, self.ended, self.reset, self.gone = {}, set(), set(), False
        self.flush()

    def flush(self):
        self.connection.sendall(self.http2.data_to_send())

    def request(self, method, path, body=None, **fields):
        stream = self.http2.get_next_available_stream_id()
        head = [(":method", method), (":scheme", "https"), (":authority", NAME), (":path", path)]
        head += [(name.replace("_", "-"), value) for name, value in fields.items()]
        self.http2.send_headers(stream, head, end_stream=body is None)
        if body is not None:
            for at in range(0, len(body), 16384):
                self.http2.send_data(stream, body[at:at + 16384], end_stream=at + 16384 >= len(body))
        return stream

    def get(self, query):
        text = base64.urlsafe_b64encode(query.to_wire()).rstrip(b"=").decode()
        return self.request("GET", f"/dns-query?dns={text}")

    def post(self, query):
        return self.request("POST", "/dns-query", query.to_wire(), content_type="application/dns-message")

    def read(self, *streams):
        """Until all STREAMS have ended; their heads and bodies."""
        self.flush()
        while not set(streams) <= self.ended | self.reset and not self.gone:
            data = self.connection.recv(65536)
            if not data:
                self.gone = True
                break
            for event in self.http2.receive_data(data):
                if isinstance(event, h2.events.ResponseReceived):
                    self.answers[event.stream_id] = [dict(event.headers), b""]
                elif isinstance(event, h2.events.DataReceived):
                    self.answers[event.stream_id][1] += event.data
                    self.http2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                elif isinstance(event, h2.events.StreamEnded):
                    self.ended.add(event.stream_id)
                elif isinstance(event, h2.events.StreamReset):
                    self.reset.add(event.stream_id)
                elif isinstance(event, h2.events.ConnectionTerminated):
                    self.gone = True
            self.flush()
        return [self.answers.get(stream) for stream in streams]


@contextlib.contextmanager
def https(ccward, folder):
    with tls(ccward, folder, "https-listen", ("h2",)) as connection:
        yield Http2(connection)


def query_for(name, rdtype="A", **options):
    return dns.message.make_query(name, rdtype, id=0, **options)


def test_queries_are_answered_over_https_by_get_and_post(encrypted, folder):
    with https(encrypted, folder) as client:
        streams = [client.get(query_for(TEST_HOST)), client.post(query_for("good.example")),
                   client.get(query_for("nowhere.example")), client.post(query_for(TEST_HOST, use_edns=0, pad=128))]
        (blocked, good, nowhere, padded) = client.read(*streams)
        for head, body in (blocked, good, nowhere, padded):
            assert head[":status"] == "200" and head["content-type"] == "application/dns-message"
            assert int(head["content-length"]) == len(body)
        assert blocked[0]["cache-control"] == "max-age=10"
        assert dns.message.from_wire(blocked[1]).answer[0][0].address == "127.0.0.1"
        answer = dns.message.from_wire(good[1]).answer[0]
        assert answer[0].address == "192.0.2.10" and good[0]["cache-control"] == f"max-age={answer.ttl}"
        assert dns.message.from_wire(nowhere[1]).rcode() == dns.rcode.NXDOMAIN
        assert len(padded[1]) == 468


def test_a_hundred_requests_at_once_are_answered_as_they_get_ready(encrypted, folder):
    with https(encrypted, folder) as client:
        for _ in range(5):
            streams = [client.post(query_for(("big.example", TEST_HOST)[i % 2], "TXT")) for i in range(100)]
            for i, (head, body) in enumerate(client.read(*streams)):
                assert head[":status"] == "200"
                assert (len(body) > 8000) == (i % 2 == 0)


@pytest.mark.parametrize("method, path, fields, body, status", [
    ("GET", "/", {}, None, "404"),
    ("GET", "/dns-query", {}, None, "400"),
    ("GET", "/dns-query?dns=AAAA", {}, None, "400"),
    ("GET", "/dns-query?dns=" + "A" * 17000, {}, None, "431"),
    ("HEAD", "/dns-query?dns=AAAA", {}, None, "405"),
    ("PUT", "/dns-query", {}, b"x" * 20, "405"),
    ("POST", "/dns-query", {}, b"x" * 20, "415"),
    ("POST", "/dns-query", {"content_type": "application/dns-message"}, b"short", "400"),
    ("POST", "/dns-query", {"content_type": "application/dns-message"}, b"x" * 65536, "413"),
])
def test_requests_that_are_none_say_why(encrypted, folder, method, path, fields, body, status):
    with https(encrypted, folder) as client:
        [(head, _)] = [too_large(client)] if status == "413" else client.read(client.request(method, path, body, **fields))
        assert head[":status"] == status
        if status == "405":
            assert head["allow"] == "GET, POST"
        [(head, _)] = client.read(client.post(query_for(TEST_HOST)))
        assert head[":status"] == "200"


def too_large(client):
    """A body over the limit, as far as the server's windows let it go."""
    stream = client.http2.get_next_available_stream_id()
    client.http2.send_headers(stream, [(":method", "POST"), (":scheme", "https"), (":authority", NAME),
                                       (":path", "/dns-query"), ("content-type", "application/dns-message")])
    sent = 0
    while sent < 70000:
        room = min(client.http2.local_flow_control_window(stream), 16384, 70000 - sent)
        if not room:
            client.flush()
            client.http2.receive_data(client.connection.recv(65536))
            continue
        client.http2.send_data(stream, bytes(room))
        sent += room
    client.http2.end_stream(stream)
    return client.read(stream)[0]


def test_a_request_that_is_cancelled_harms_no_other(encrypted, folder):
    with https(encrypted, folder) as client:
        for _ in range(20):
            cancelled = client.get(query_for("good.example", "MX"))
            client.http2.reset_stream(cancelled)
            [(head, _)] = client.read(client.get(query_for(TEST_HOST)))
            assert head[":status"] == "200"


def test_a_client_that_speaks_no_http2_is_let_go(encrypted, folder):
    with tls(encrypted, folder, "https-listen", ("h2",)) as connection:
        connection.sendall(b"GET /dns-query?dns=AAAA HTTP/1.1\r\nHost: dns.test\r\n\r\n")
        while connection.recv(4096):
            pass


def test_d40_an_idle_client_is_let_go_over_tls_and_https(make_ccward, folder):
    ccward = make_ccward(dns=dns_section(folder, **{"tcp-idle": "500ms"}))
    for key, protocol in (("tls-listen", "dot"), ("https-listen", "h2")):
        with tls(ccward, folder, key, (protocol,)) as connection:
            while connection.recv(4096):
                pass
        with socket.create_connection(("127.0.0.1", port_of(ccward, key)), timeout=10) as plain:
            assert plain.recv(1) == b""  # who never greets


def test_a_renewed_certificate_is_shown_after_sighup_and_a_bad_one_is_not(encrypted, folder):
    def serial():
        with tls(encrypted, folder) as connection:
            return connection.getpeercert()["serialNumber"]

    with tls(encrypted, folder) as old:
        before = serial()
        (folder / "key.pem").chmod(0o644)
        encrypted.process.send_signal(signal.SIGHUP)
        wait_for(lambda: "is open to others" in encrypted.errors, what="a word on the key")
        assert serial() == before
        health = json.loads(encrypted.run("status", "--json", check=False).stdout)
        assert health["state"] == "degraded" and health["problems"][0]["kind"] == "certificate"
        assert [len(health["listen"][part]) for part in ("dns_tls", "dns_https")] == [1, 1]
        make_certificate(folder)
        encrypted.process.send_signal(signal.SIGHUP)

        def renewed():
            with contextlib.suppress(ssl.SSLError):
                return serial() != before
            return False

        wait_for(renewed, what="the new certificate")
        old.sendall(framed(dns.message.make_query(TEST_HOST, "A")))  # goes on with what it has
        assert read_message(old).rcode() == dns.rcode.NOERROR


@pytest.mark.parametrize("damage, word", [
    (lambda folder: (folder / "cert.pem").unlink(), "dns.tls-certificate: {}/cert.pem cannot be read"),
    (lambda folder: (folder / "cert.pem").write_text("no certificate"), "dns.tls-certificate: there is no certificate"),
    (lambda folder: (folder / "key.pem").write_text("no key"), "dns.tls-key: there is no key"),
    (lambda folder: (folder / "key.pem").chmod(0o604), "dns.tls-key: {}/key.pem is open to others"),
    (lambda folder: (folder / "key.pem").write_text(subprocess.run(
        ["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"], check=True, capture_output=True,
        text=True).stdout), "dns.tls-key: {}/key.pem is not the key of the certificate in {}/cert.pem"),
    (lambda folder: (folder / "key.pem").write_text(subprocess.run(
        ["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-aes256", "-pass", "pass:x"],
        check=True, capture_output=True, text=True).stdout), "without a passphrase"),
])
def test_what_is_wrong_with_a_certificate_is_told_at_start_and_by_check_config(make_ccward, folder, damage, word):
    damage(folder)
    ccward = make_ccward(dns=dns_section(folder), start=False)
    result = ccward.run("check-config", check=False)
    assert result.returncode == 1 and word.format(folder, folder) in result.stderr
    with pytest.raises(RuntimeError) as error:
        ccward.start()
    ccward.process.stdout.close()
    ccward.process = None
    assert word.format(folder, folder) in str(error.value)


def test_without_a_certificate_the_configuration_says_what_to_do(make_ccward):
    for key in ("tls-listen", "https-listen"):
        ccward = make_ccward(dns={key: ["127.0.0.1:8853"]}, start=False)
        result = ccward.run("check-config", check=False)
        assert f"dns.{key}: needs a certificate: name its file in dns.tls-certificate" in result.stderr


def test_discovery_names_the_encrypted_listeners(encrypted):
    query = dns.message.make_query("_dns.resolver.arpa", "SVCB")
    response = dns.query.udp(query, "127.0.0.1", port=encrypted.dns_port, timeout=8)
    [rrset] = response.answer
    text = sorted(rdata.to_text() for rdata in rrset)
    tls_port, https_port = port_of(encrypted, "tls-listen"), port_of(encrypted, "https-listen")
    assert text == [f'1 dns.test. alpn="dot" port="{tls_port}" ipv4hint="127.0.0.1"',
                    f'2 dns.test. alpn="h2" port="{https_port}" ipv4hint="127.0.0.1" key7="/dns-query{{?dns}}"']


def test_d47_a_cookie_is_good_at_every_worker(encrypted):
    def ask(cookie):
        query = dns.message.make_query(TEST_HOST, "A", use_edns=0, options=[dns.edns.GenericOption(10, cookie)])
        response = dns.query.udp(query, "127.0.0.1", port=encrypted.dns_port, timeout=8)
        [option] = [option for option in response.options if option.otype == 10]
        return option.data

    cookie = ask(b"my own..")
    assert len(cookie) == 24 and cookie[:8] == b"my own.."
    for _ in range(16):  # from a port of its own each, so that both workers are met
        assert ask(cookie) == cookie


def test_kdig_and_curl_get_on_with_it(encrypted, folder):
    kdig, curl = shutil.which("kdig"), shutil.which("curl")
    if not kdig or not curl:
        pytest.skip("kdig or curl is missing")
    for port, how in ((port_of(encrypted, "tls-listen"), "+tls"), (port_of(encrypted, "https-listen"), "+https"),
                      (port_of(encrypted, "https-listen"), "+https-get")):
        out = subprocess.run([kdig, "@127.0.0.1", "-p", str(port), how, f"+tls-ca={folder}/cert.pem",
                              f"+tls-hostname={NAME}", "+short", TEST_HOST, "A"], capture_output=True, text=True, timeout=20)
        assert out.stdout.strip() == "127.0.0.1", out.stdout + out.stderr
    port = port_of(encrypted, "https-listen")
    out = subprocess.run([curl, "-sv", "--max-time", "10", "--resolve", f"{NAME}:{port}:127.0.0.1", "--doh-insecure", "--doh-url",
                          f"https://{NAME}:{port}/dns-query", f"http://{TEST_HOST}:1/"], capture_output=True, text=True)
    assert "DoH A: 127.0.0.1" in out.stderr


def test_dnsperf_gets_an_answer_to_all_that_it_asks_at_once_over_https(encrypted, tmp_path):
    dnsperf = shutil.which("dnsperf")
    if not dnsperf:
        pytest.skip("dnsperf is missing")
    (tmp_path / "queries").write_text(f"{TEST_HOST} A\ngood.example A\ngood.example MX\nnowhere.example A\n" * 5)
    out = subprocess.run([dnsperf, "-s", "127.0.0.1", "-p", str(port_of(encrypted, "https-listen")), "-m", "doh", "-O",
                          f"doh-uri=https://{NAME}/dns-query", "-d", str(tmp_path / "queries"), "-n", "10", "-c", "2", "-q", "20"],
                         capture_output=True, text=True, timeout=60).stdout
    assert re.search(r"Queries completed: +200 ", out) and re.search(r"Queries lost: +0 ", out), out
