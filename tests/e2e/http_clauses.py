"""What the tests of RFC 9112 and RFC 9110 share: a proxy for a module, a client and a site for a test, and what they
say to each other."""
import pytest

from harness import Ccward
from http_peers import Site, client_of, field

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@pytest.fixture(scope="module")
def proxy(tmp_path_factory, upstream):
    with Ccward(tmp_path_factory.mktemp("clauses") / "ccward", upstream) as ccward:
        yield ccward


@pytest.fixture
def site():
    with Site() as site:
        yield site


@pytest.fixture
def client(proxy):
    with client_of(proxy) as client:
        yield client


def request(site, fields="", method="GET", path="/", version="1.1", body=b""):
    return (f"{method} {site.url}{path} HTTP/{version}\r\nHost: 127.0.0.1:{site.port}\r\n{fields}\r\n".encode("latin-1")
            + body)


def exchange(client, site, data, answer=OK):
    """What the site got, up to the end of the head, and the response's head and body."""
    client.send(data)
    with site.accept() as origin:
        seen = origin.until(b"\r\n\r\n")
        origin.send(answer)
        head, body = client.response()
    return seen, head, body


def refused(client, site, data, status=b"400"):
    """Answered with this status, closed, and nothing of it went on."""
    reply = client.send(data).to_end()
    assert reply.startswith(b"HTTP/1.1 " + status + b" "), reply[:300]
    assert field(reply, b"Connection") == [b"close"]
    assert reply.count(b"HTTP/1.1 ") == 1
    assert site.is_untouched()


def bad_answer(client, site, answer):
    """A response that must not be believed becomes 502, and nothing of it is passed on."""
    client.send(request(site))
    with site.accept() as origin:
        origin.until(b"\r\n\r\n")
        origin.send(answer)
        head, body = client.response()
        assert origin.to_end().count(b"GET ") == 1  # it is not used again
    assert head.startswith(b"HTTP/1.1 502 ") and b"http_protocol_error" in head, head
    assert b"forged" not in body
