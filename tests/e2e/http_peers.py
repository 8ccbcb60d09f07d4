"""Both ends of the proxy in a test's own hands, byte for byte: a client, and a site that it asks for."""
import contextlib
import socket

SECONDS = 30  # that nothing here takes, unless it never comes


class Peer:
    """One end of a connection. What was received stands in `got`."""

    def __init__(self, connection):
        self.socket, self.got, self.ended = connection, b"", False
        self.socket.settimeout(SECONDS)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        """The other end may have closed already, which is for the test to see."""
        with contextlib.suppress(ConnectionError):
            self.socket.sendall(data)
        return self

    def finish(self):
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_WR)
        return self

    def reset(self):
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.socket.close()

    def receive(self):
        """Some more; False at the end."""
        try:
            data = self.socket.recv(1 << 16)
        except ConnectionError:
            data = b""
        self.got += data
        self.ended = not data
        return bool(data)

    def until(self, text, count=1):
        while self.got.count(text) < count:
            assert self.receive(), f"the connection ended without {text!r} {count} times: {self.got[-2000:]!r}"
        return self.got

    def to_end(self):
        while self.receive():
            pass
        return self.got

    def response(self):
        """Takes one final response off what is received; its head and its body as it stands there."""
        while True:
            head, _, self.got = self.until(b"\r\n\r\n").partition(b"\r\n\r\n")
            if not head.startswith(b"HTTP/1.1 1"):
                break
        lower = head.lower()
        if b"transfer-encoding: chunked" in lower:
            body, end, self.got = self.until(b"0\r\n\r\n").partition(b"0\r\n\r\n")
            return head, body + end
        length = int(lower.split(b"content-length: ")[1].split(b"\r\n")[0]) if b"content-length: " in lower else 0
        while len(self.got) < length:
            assert self.receive(), "the response was cut off"
        body, self.got = self.got[:length], self.got[length:]
        return head, body


class Site:
    """A listener of the test's own, on a port that no other test has, so that no kept connection leads to it."""

    def __init__(self):
        self.socket = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.socket.settimeout(SECONDS)
        self.port = self.socket.getsockname()[1]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def accept(self):
        return Peer(self.socket.accept()[0])

    def is_untouched(self):
        """Of use once the client has its answer: then nothing is on its way here any more."""
        self.socket.setblocking(False)
        try:
            self.socket.accept()[0].close()
            return False
        except BlockingIOError:
            return True
        finally:
            self.socket.settimeout(SECONDS)


def client_of(ccward):
    return Peer(socket.create_connection(("127.0.0.1", ccward.proxy_port), timeout=SECONDS))


def field(head, name):
    """The values of this name's lines, in order."""
    lines = [line.partition(b": ") for line in head.split(b"\r\n\r\n")[0].split(b"\r\n")[1:]]
    return [value for key, _, value in lines if key.lower() == name.lower()]
