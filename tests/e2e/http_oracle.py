"""HTTP as others read it: h11, and llhttp where Debian's node-llhttp is there. For what reaches a site, and for what a
site's answer means."""
import contextlib
import pathlib
import socket
import subprocess
import threading

import h11

from http_peers import SECONDS

LLHTTP = pathlib.Path("/usr/share/llhttp")
HEADER = pathlib.Path("/usr/share/include/llhttp")
READER = pathlib.Path(__file__).resolve().parent / "llhttp_reader.c"


def read_by_h11(data):
    """(method, target, body) of each request in DATA, the whole of one connection. A ValueError where it is no row of
    whole requests."""
    requests = []
    connection = h11.Connection(h11.SERVER, max_incomplete_event_size=1 << 20)
    connection.receive_data(data)
    connection.receive_data(b"")
    try:
        while True:
            event = connection.next_event()
            if type(event) is h11.Request:
                requests.append([event.method, event.target, b""])
            elif type(event) is h11.Data:
                requests[-1][2] += bytes(event.data)
            elif type(event) is h11.EndOfMessage:
                connection.send(h11.Response(status_code=204, headers=[]))
                connection.send(h11.EndOfMessage())
                if connection.our_state is h11.MUST_CLOSE:
                    break
                connection.start_next_cycle()
            elif type(event) is h11.ConnectionClosed:
                break
            else:
                raise ValueError(f"h11 waits for more: {event}")
    except h11.RemoteProtocolError as error:
        raise ValueError(f"h11: {error}") from None
    return [tuple(request) for request in requests]


def response_by_h11(data, method=b"GET"):
    """(status, body) of the final response that DATA, all that a connection brought, begins with. A ValueError where
    there is none, or not a whole one."""
    connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=1 << 20)
    connection.send(h11.Request(method=method, target=b"/", headers=[(b"host", b"a")]))
    connection.send(h11.EndOfMessage())
    connection.receive_data(data)
    connection.receive_data(b"")
    status, body = None, b""
    try:
        while True:
            event = connection.next_event()
            if type(event) is h11.Response:
                status = event.status_code
            elif type(event) is h11.Data:
                body += bytes(event.data)
            elif type(event) is h11.EndOfMessage:
                return status, body
            elif type(event) is not h11.InformationalResponse:
                raise ValueError(f"h11 waits for more: {event}")
    except h11.RemoteProtocolError as error:
        raise ValueError(f"h11: {error}") from None


class Llhttp:
    """The reader of llhttp_reader.c, built into FOLDER; None of it where llhttp is not installed."""

    @staticmethod
    def is_there():
        return (LLHTTP / "llhttp.c").exists() and (HEADER / "llhttp.h").exists()

    def __init__(self, folder):
        self.path = pathlib.Path(folder) / "llhttp-reader"
        sources = [str(LLHTTP / name) for name in ("api.c", "http.c", "llhttp.c")]
        subprocess.run(["cc", "-O1", "-w", f"-I{HEADER}", "-o", str(self.path), str(READER), *sources], check=True)

    def read(self, data):
        """As read_by_h11()."""
        result = subprocess.run([str(self.path)], input=data, capture_output=True, timeout=60)
        if result.returncode:
            raise ValueError(result.stderr.decode())
        requests, rest = [], result.stdout
        while rest:
            line, _, rest = rest.partition(b"\n")
            method, target_size, body_size = line.split(b" ")
            target_size, body_size = int(target_size), int(body_size)
            requests.append((method, rest[:target_size], rest[target_size:target_size + body_size]))
            rest = rest[target_size + body_size:]
        return requests


class RecordingSite:
    """Answers every request that h11 reads, and keeps the bytes of each connection, for others to read."""

    def __init__(self, answer=b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", address="127.0.0.1"):
        self.answer, self.connections, self.open = answer, [], []
        self.socket = socket.create_server((address, 0), backlog=512)
        self.port = self.socket.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.accepting = threading.Thread(target=self._accept, daemon=True)

    def __enter__(self):
        self.accepting.start()
        return self

    def __exit__(self, *_):
        self.close()

    def _accept(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            record = bytearray()
            self.connections.append(record)
            thread = threading.Thread(target=self._serve, args=(connection, record), daemon=True)
            self.open.append((thread, connection))
            thread.start()

    def _serve(self, connection, record):
        connection.settimeout(SECONDS)
        parser = h11.Connection(h11.SERVER, max_incomplete_event_size=1 << 20)
        with connection:
            try:
                while True:
                    event = parser.next_event()
                    if type(event) is h11.Request:
                        is_head = event.method == b"HEAD"
                    if event is h11.NEED_DATA:
                        data = connection.recv(1 << 16)
                        record += data
                        parser.receive_data(data)
                    elif type(event) is h11.EndOfMessage:
                        parser.send(h11.Response(status_code=204, headers=[]))
                        parser.send(h11.EndOfMessage())
                        head, end, _ = self.answer.partition(b"\r\n\r\n")
                        connection.sendall(head + end if is_head else self.answer)
                        parser.start_next_cycle()
                    elif type(event) not in (h11.Request, h11.Data):
                        return
            except (OSError, h11.LocalProtocolError, h11.RemoteProtocolError):
                return

    def close(self):
        """Of use once the clients have their answers: all that came here is kept by now."""
        if self.socket.fileno() < 0:
            return
        self.socket.shutdown(socket.SHUT_RDWR)
        self.accepting.join()
        self.socket.close()
        for thread, connection in self.open:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            thread.join()
