"""Requests to the proxy and answers of sites that were damaged at random: nothing dies or leaks, and good requests are
answered in between. As test_mutations.py does for DNS."""
import contextlib
import os
import pathlib
import random
import selectors
import socket
import threading

import pytest

import http_requests
from http_peers import SECONDS, Site, client_of

SHARED = pathlib.Path(os.environ.get("CCWARD_SHARED_DATA",
                                     pathlib.Path(__file__).resolve().parents[3] / "shared/data")) / "http"
AT_ONCE = 16
ANSWERS = [b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
           b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X\r\n\r\n"
           b"5;a=b\r\nhello\r\n3\r\nyou\r\n0\r\nX: 1\r\n\r\n",
           b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
           b"HTTP/1.1 204 No Content\r\n\r\n",
           b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nSet-Cookie: a=b; path=/\r\n\r\n" + b"until the end " * 50,
           b"HTTP/1.1 304 Not Modified\r\nETag: \"x\"\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\n\r\n",
           b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n\x81\x05hello"]


def published(*folders):
    return [data for folder in folders if (SHARED / folder).is_dir() for path in sorted((SHARED / folder).iterdir())
            if 0 < len(data := path.read_bytes()) < 4096]


class Damaging:
    """A site that answers whatever comes with damaged bytes, in one thread, and hangs up."""

    def __init__(self, seed, answers):
        self.seed, self.answers, self.site = seed, answers, Site()
        self.url = self.site.url
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        while True:
            try:
                connection, _ = self.site.socket.accept()
            except OSError:
                return
            connection.settimeout(SECONDS)
            with connection, contextlib.suppress(OSError):
                connection.recv(1 << 16)
                connection.sendall(http_requests.damaged(self.seed, self.seed.choice(self.answers)))
                connection.shutdown(socket.SHUT_WR)

    def close(self):
        self.site.socket.settimeout(0)
        with contextlib.suppress(OSError):
            self.site.socket.shutdown(socket.SHUT_RDWR)
        self.thread.join()
        self.site.socket.close()


def send_each(ccward, streams):
    """Each on a connection of its own, some at once; returns when the proxy has ended all of them."""
    with selectors.DefaultSelector() as selector:
        for stream in streams:
            client = client_of(ccward)
            client.send(stream)
            client.finish()
            selector.register(client.socket, selectors.EVENT_READ, client)
            while len(selector.get_map()) >= AT_ONCE:
                read_some(selector)
        while selector.get_map():
            read_some(selector)


def read_some(selector):
    ready = selector.select(SECONDS)
    assert ready, "a client has heard nothing for too long"
    for key, _ in ready:
        if not key.data.receive():
            selector.unregister(key.fileobj)
            key.fileobj.close()


def answers(ccward, site_url):
    with client_of(ccward) as client:
        client.send(f"GET {site_url}/ HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        return client.response()[0].startswith(b"HTTP/1.1 200 ")


def damaged_requests(seed, url, count):
    """Mostly one to a connection, of which some are followed by another."""
    seeds = [http_requests.request(seed, url, "x")[1] for _ in range(200)] + published("http11probe", "desync-guardian",
                                                                                    "llhttp-request")
    seeds = [data.replace(b" /", b" " + url.encode() + b"/", 1) for data in seeds]
    while count > 0:
        n = 1 if seed.random() < 0.7 else 3
        yield b"".join(http_requests.damaged(seed, seed.choice(seeds)) for _ in range(n))
        count -= n


def attack(make_ccward, origin, count):
    # Half a request whose rest never comes, and an answer whose rest never comes, are given up soon.
    ccward = make_ccward(proxy={"head-timeout": "2s", "response-timeout": "5s"})
    seed = random.Random(count)
    good = origin.url("127.0.0.1")
    damaging = Damaging(random.Random(count + 1), ANSWERS + published("curl-responses", "llhttp-response"))
    for _ in range(10):
        send_each(ccward, damaged_requests(seed, good, count // 20))
        assert answers(ccward, good)
        one = [http_requests.request(seed, damaging.url, "x")[1] for _ in range(50)]
        send_each(ccward, (seed.choice(one) for _ in range(count // 20)))
        assert answers(ccward, good)
    damaging.close()
    assert ccward.process.poll() is None
    assert "Sanitizer" not in ccward.errors and "runtime error" not in ccward.errors, ccward.errors
    ccward.stop()  # what leaked is told here


def test_h27_20000_mutated_requests_and_answers_harm_nothing(make_ccward, origin):
    attack(make_ccward, origin, 20_000)


@pytest.mark.long
def test_h27_1000000_mutated_requests_and_answers_harm_nothing(make_ccward, origin):
    attack(make_ccward, origin, 1_000_000)
