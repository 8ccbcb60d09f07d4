"""What reaches a site through the proxy, read again by h11 and by llhttp, is the list of requests that clients sent;
and the answers that come through the proxy are those that come without it."""
import random
import re
import socket

import pytest

import http_requests
from harness import Ccward
from http_oracle import Llhttp, RecordingSite, read_by_h11
from http_peers import SECONDS, client_of


@pytest.fixture(scope="module")
def proxy(tmp_path_factory, upstream):
    with Ccward(tmp_path_factory.mktemp("oracle") / "ccward", upstream) as ccward:
        yield ccward


@pytest.fixture(scope="module")
def llhttp(tmp_path_factory):
    return Llhttp(tmp_path_factory.mktemp("llhttp")) if Llhttp.is_there() else None


def in_pieces(seed, data):
    """One piece, some, or single bytes."""
    kind = seed.random()
    most = len(data) if kind < 0.5 else 1 if kind < 0.6 and len(data) < 3000 else max(len(data) // 5, 1)
    while data:
        n = seed.randrange(1, most + 1) if most < len(data) else len(data)
        yield data[:n]
        data = data[n:]


def send_all(proxy, seed, site, count):
    """COUNT requests, pipelined by one to nine; what was sent, by tag."""
    sent = {}
    while len(sent) < count:
        stream, here = b"", 0
        for _ in range(seed.randrange(1, 10)):
            tag = f"{len(sent)}"
            sent[tag.encode()], data = http_requests.request(seed, site.url, tag)
            stream, here = stream + data, here + 1
        with client_of(proxy) as client:
            for piece in in_pieces(seed, stream):
                client.send(piece)
            client.finish()
            assert client.to_end().count(b"HTTP/1.1 200 OK\r\n") == here, (client.got[-500:], stream[:2000])
    return sent


def by_tag(requests):
    tagged = {target.split(b"/")[1]: (method, target, body) for method, target, body in requests}
    assert len(tagged) == len(requests), "a request came twice"
    return tagged


def check(proxy, llhttp, count):
    seed = random.Random(count)
    with RecordingSite() as site:
        sent = send_all(proxy, seed, site, count)
        site.close()
        records = [bytes(record) for record in site.connections]
    assert by_tag([request for record in records for request in read_by_h11(record)]) == sent
    if llhttp:
        assert by_tag([request for record in records for request in llhttp.read(record)]) == sent
    return records


def test_300_requests_are_read_at_the_site_as_they_were_sent(proxy, llhttp):
    records = check(proxy, llhttp, 300)
    assert len(records) > 10 and max(record.count(b" HTTP/1.1\r\n") for record in records) > 3


@pytest.mark.long
def test_20000_requests_are_read_at_the_site_as_they_were_sent(proxy, llhttp):
    for part in range(20):
        check(proxy, llhttp, 1000 + part)


def test_llhttp_is_among_the_readers(llhttp):
    if llhttp is None:
        pytest.skip("node-llhttp is not installed")
    assert llhttp.read(b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab") == [(b"POST", b"/x", b"ab")]
    with pytest.raises(ValueError):
        llhttp.read(b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\na")


# With the proxy and without

PATHS = ("/", "/index.html", "/dir/page.html", "/dir/", "/dir", "/nothing", "/moved", "/seen", "/seen?a=%2e//b",
         "/post", "/small.bin", "/small.bin?x", "/upload/", "/%69ndex.html", "/../index.html", "/dir/../index.html")
BOUNDARY = re.compile(rb"(?<=boundary=)\d{20}|(?<=\r\n--)\d{20}")
OWN = {b"via", b"connection", b"date", b"keep-alive", b"transfer-encoding"}


def question(seed):
    method = seed.choice(("GET", "GET", "GET", "GET", "HEAD", "POST", "OPTIONS", "PUT", "DELETE"))
    fields, body = [f"X-Test: {http_requests.text(seed, http_requests.VALUE, 1, 30).strip()}"], b""
    extra = {"Range": ("bytes=0-9", "bytes=5-", "bytes=-3", "bytes=0-1,5-6", "bytes=99999999-", "bytes=x"),
             "If-Modified-Since": ("Thu, 01 Jan 1970 00:00:00 GMT", "Fri, 01 Jan 2100 00:00:00 GMT", "x"),
             "If-None-Match": ("*", '"x"'), "If-Match": ("*", '"x"'), "Accept-Encoding": ("gzip", "identity"),
             "Cookie": ("a=b",), "User-Agent": ("x/1 (y)",)}
    for name, values in extra.items():
        if seed.random() < 0.15:
            fields.append(f"{name}: {seed.choice(values)}")
    if method in ("POST", "PUT"):
        body = seed.randbytes(seed.choice((0, 5, 2000)))
        fields.append(f"Content-Length: {len(body)}")
    return method, seed.choice(PATHS), "".join(field + "\r\n" for field in fields), body


def as_bytes(question, url, host):
    method, path, fields, body = question
    return f"{method} {url}{path} HTTP/1.1\r\nHost: {host}\r\n{fields}\r\n".encode("latin-1") + body


class Asker:
    """Asks on a connection that is kept while the other end keeps it."""

    def __init__(self, port, url, host):
        self.port, self.url, self.host, self.stream = port, url, host, None

    def ask(self, question):
        while True:
            if not self.stream:
                connection = socket.create_connection(("127.0.0.1", self.port), timeout=SECONDS)
                self.stream = connection.makefile("rwb")
                connection.close()
            self.stream.write(as_bytes(question, self.url, self.host))
            self.stream.flush()
            answer = self._read(question[0])
            if answer:
                return answer

    def _read(self, method):
        line = self.stream.readline()
        if not line:  # closed between two questions
            self.stream = None
            return None
        fields, body = [], b""
        while (field := self.stream.readline()) != b"\r\n":
            name, _, value = field.rstrip(b"\r\n").partition(b": ")
            fields.append((name.lower(), value))
        told = dict(fields)
        if method != "HEAD" and line.split(b" ")[1] not in (b"204", b"304"):
            if told.get(b"transfer-encoding") == b"chunked":
                while n := int(self.stream.readline(), 16):
                    body += self.stream.read(n)
                    self.stream.readline()
                self.stream.readline()
            else:
                body = self.stream.read(int(told[b"content-length"]))
        if told.get(b"connection") == b"close":
            self.stream.close()
            self.stream = None
        return line, [field for field in fields if field[0] not in OWN], body


def numbered_alike(answer):
    """nginx counts the boundaries that it puts between ranges."""
    line, fields, body = answer
    return line, [(name, BOUNDARY.sub(b"0", value)) for name, value in fields], BOUNDARY.sub(b"0", body)


def compare(proxy, origin, count):
    (origin.folder / "site" / "small.bin").write_bytes(bytes(range(256)) * 8)
    seed, host = random.Random(count), f"127.0.0.1:{origin.port}"
    direct, through = Asker(origin.port, "", host), Asker(proxy.proxy_port, f"http://{host}", host)
    statuses = set()
    for _ in range(count):
        asked = question(seed)
        a, b = (numbered_alike(asker.ask(asked)) for asker in (direct, through))
        if asked[1].startswith("/seen"):  # shows what its server got, our Via among it
            shown = re.sub(rb" via=1\.1 ccward \([0-9a-f]{16}\)", b" via=", b[2])
            a, b = ((answer[0], [f for f in answer[1] if f[0] != b"content-length"], body)
                    for answer, body in ((a, a[2]), (b, shown)))
        assert a == b, f"{asked}: without the proxy\n{a[0]} {a[1]} {a[2][:300]}\nwith it\n{b[0]} {b[1]} {b[2][:300]}"
        statuses.add(a[0].split(b" ")[1])
    assert {b"200", b"206", b"301", b"302", b"304", b"404", b"405", b"412", b"416"} <= statuses


def test_2000_requests_get_the_answers_that_they_get_without_the_proxy(proxy, origin):
    compare(proxy, origin, 2000)


@pytest.mark.long
def test_20000_requests_get_the_answers_that_they_get_without_the_proxy(proxy, origin):
    compare(proxy, origin, 20000)
