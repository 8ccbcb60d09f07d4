"""The access log of the proxy, against nginx."""
import json
import re
import socket
import subprocess

import pytest

from harness import wait_for

TEST_HOST = "ca91-1.winshipway.com"


@pytest.fixture
def make_logging(make_ccward, tmp_path):
    def make(**options):
        proxy = {"access-log": str(tmp_path / "access.log"), "allow-destinations": ["127.0.0.0/8"],
                 **{f"access-log-{name}": value for name, value in options.items()}}
        ccward = make_ccward(start=False)
        ccward.config["proxy"].update(proxy)
        ccward.write_config()
        ccward.start()
        ccward.access = tmp_path / "access.log"
        return ccward

    return make


def curl(ccward, *arguments):
    return subprocess.run(["curl", "-s", "-o", "/dev/null", "-m", "20", "-x", ccward.proxy, *arguments], timeout=30)


def lines(ccward):
    return [json.loads(line) for line in ccward.access.read_text().splitlines()]


def wait_for_line(ccward, **fields):
    return wait_for(lambda: next((line for line in lines(ccward) if all(line[k] == v for k, v in fields.items())), None),
                    what=f"a line with {fields}")


def test_there_is_none_by_default(ccward, origin):
    curl(ccward, origin.url("www.example", "/dir/page.html"))
    assert "access" not in "".join(path.name for path in ccward.folder.rglob("*")) + ccward.errors


def test_each_request_has_a_line(make_logging, origin):
    ccward = make_logging()
    curl(ccward, "-A", "an agent", origin.url("www.example", "/dir/page.html?secret=1"))
    line = wait_for_line(ccward, method="GET", status=200)
    size = len("<!doctype html><title>page</title><p>a page</p>")
    assert line["url"] == origin.url("www.example", "/dir/page.html") and line["host"] == "www.example"
    assert line["bytes"] == size and line["bytes_received"] == 0 and line["verdict"] == "allow"
    assert line["client"] == "127.0.0.1" and line["user"] is None and line["duration_ms"] >= 0
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]{12}Z", line["time"])
    curl(ccward, "-d", "x" * 1000, origin.url("www.example", "/post"))
    assert wait_for_line(ccward, method="POST")["bytes_received"] == 1000
    curl(ccward, "-I", origin.url("www.example", "/dir/page.html"))
    assert wait_for_line(ccward, method="HEAD")["bytes"] == 0
    curl(ccward, f"http://{TEST_HOST}/x?y")
    line = wait_for_line(ccward, status=403)
    assert line["verdict"] == "block" and line["url"] == f"http://{TEST_HOST}/x" and line["bytes"] > 1000
    curl(ccward, "http://169.254.169.254/latest")
    assert wait_for_line(ccward, host="169.254.169.254")["verdict"] == "refuse"
    curl(ccward, "http://nothing.example/")
    assert wait_for_line(ccward, host="nothing.example")["status"] in (502, 503)
    curl(ccward, f"https://{TEST_HOST}/")
    line = wait_for_line(ccward, method="CONNECT")
    assert line["url"] == f"{TEST_HOST}:443" and line["verdict"] == "block" and line["status"] == 403
    assert all("secret" not in str(line) and "agent" not in str(line) for line in lines(ccward))


def test_a_tunnel_has_a_line_when_it_ends_with_bytes_both_ways(make_logging, origin):
    ccward = make_logging()
    ccward.stop()
    ccward.config["proxy"]["connect-ports"] = [origin.port]
    ccward.write_config()
    ccward.start()
    # Much of it is spliced.
    request = b"GET /big.bin HTTP/1.0\r\nHost: www.example\r\n\r\n"
    with socket.create_connection(("127.0.0.1", ccward.proxy_port), timeout=10) as client:
        client.sendall(b"CONNECT www.example:%d HTTP/1.1\r\nHost: x\r\n\r\n" % origin.port)
        assert client.recv(100).startswith(b"HTTP/1.1 200 ")
        assert lines(ccward) == [], "it goes on"
        client.sendall(request)
        answer = b"".join(iter(lambda: client.recv(65536), b""))
    line = wait_for_line(ccward, method="CONNECT")
    assert line["bytes"] == len(answer) and line["bytes_received"] == len(request) and line["status"] == 200
    assert line["url"] == f"www.example:{origin.port}" and line["verdict"] == "allow"


def test_a_tunnel_that_stands_when_the_daemon_stops_has_one_too(make_logging, origin):
    ccward = make_logging()
    ccward.stop()
    ccward.config["proxy"]["connect-ports"] = [origin.port]
    ccward.config["daemon"] = {"stop-timeout": "100ms"}
    ccward.write_config()
    ccward.start()
    with socket.create_connection(("127.0.0.1", ccward.proxy_port), timeout=10) as client:
        client.sendall(b"CONNECT www.example:%d HTTP/1.1\r\nHost: x\r\n\r\n" % origin.port)
        assert client.recv(100).startswith(b"HTTP/1.1 200 ")
        ccward.stop()
    assert [line["method"] for line in lines(ccward)] == ["CONNECT"]


def test_the_combined_format_and_its_privacy(make_logging, origin):
    ccward = make_logging(format="combined", privacy="anonymous")
    curl(ccward, "-A", 'an "agent"', origin.url("www.example", "/dir/page.html?secret"))
    line = wait_for(lambda: ccward.access.read_text(), what="a line")
    assert re.fullmatch(r'127\.0\.0\.0 - - \[\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d \+0000\] '
                        r'"GET http://www\.example HTTP/1\.1" 200 47 "-" "-"\n', line), line


def test_it_is_rotated_by_moving_it_away(make_logging, origin):
    ccward = make_logging()
    curl(ccward, origin.url("www.example", "/dir/page.html"))
    wait_for_line(ccward, status=200)
    old = ccward.access.rename(ccward.access.with_suffix(".1"))
    ccward.process.send_signal(1)
    wait_for(ccward.access.exists, what="a new file")
    curl(ccward, origin.url("www.example", "/big.bin"))
    wait_for_line(ccward, bytes=10485760)
    assert old.read_text().count("\n") == 1


def test_h24_what_clients_send_stays_within_its_line(make_logging):
    ccward = make_logging(privacy="full")
    hostile = [b"GET http://%s/%s HTTP/1.1\r\nHost: x\r\nUser-Agent: a\x1b[31m\"\\ \xff\r\n\r\n" % (TEST_HOST.encode(), path)
               for path in (b"a\"b\\c", b"%0d%0aforged", b"\xe2\x80\xa8", b"x" * 8000)]
    hostile += [b"\r\n\r\n\x00GET / \x1b\r\n\r\n", b"GET http://x/\x01 HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x02\x00" * 20]
    for request in hostile:
        with socket.create_connection(("127.0.0.1", ccward.proxy_port), timeout=10) as client:
            client.sendall(request)
            client.shutdown(socket.SHUT_WR)
            while client.recv(65536):
                pass
    wait_for(lambda: ccward.access.read_bytes().count(b"\n") == len(hostile), what="a line of each")
    raw = ccward.access.read_bytes()
    assert not any(byte < 32 and byte != 10 or byte == 127 for byte in raw)
    assert all(len(line) <= 4096 and json.loads(line) for line in raw.splitlines())
    assert "\u2028" not in raw.decode()


def test_a_file_that_cannot_be_written_is_told_with_its_place_and_none_is_made_by_looking(make_ccward, tmp_path):
    path = tmp_path / "none" / "access.log"
    ccward = make_ccward(start=False, proxy={"access-log": str(path)})
    told = f"{ccward.config_path}:2: proxy.access-log: {path}: its folder is not there"
    checked = ccward.run("check-config", check=False)
    assert checked.returncode == 1 and told in checked.stderr and checked.stderr.endswith("1 fault\n")
    started = ccward.run("run", check=False)
    assert started.returncode == 78 and told in started.stderr and not ccward.state.exists()
    path.parent.mkdir()
    assert "is right" in ccward.run("check-config").stdout and not path.exists()


@pytest.mark.parametrize("target", ["GET http://mika:secret@www.example/", "CONNECT mika:secret@www.example:443"])
def test_a_password_in_a_refused_target_is_not_kept(make_logging, target):
    ccward = make_logging()
    with socket.create_connection(("127.0.0.1", ccward.proxy_port), timeout=10) as client:
        client.sendall(f"{target} HTTP/1.1\r\nHost: www.example\r\n\r\n".encode())
        assert client.recv(100).startswith(b"HTTP/1.1 400 ")
    line = wait_for_line(ccward, status=400)
    assert line["url"] is None and line["host"] is None and "secret" not in json.dumps(lines(ccward))


def test_a_tunnel_that_is_ended_for_the_name_in_its_hello_is_told_as_blocked(make_logging, origin):
    ccward = make_logging()
    ccward.stop()
    ccward.config["proxy"]["connect-ports"] = [origin.port]
    ccward.write_config()
    ccward.start()
    subprocess.run(["curl", "-sk", "-m", "20", "-x", ccward.proxy, "--connect-to", f"::www.example:{origin.port}",
                    f"https://{TEST_HOST}/"], timeout=30)
    assert wait_for_line(ccward, method="CONNECT")["verdict"] == "block"


def outer_hello(name):
    """A ClientHello around an encrypted one (RFC 9849 section 5), whose server in front is NAME."""
    def sized(data, width=2):
        return len(data).to_bytes(width, "big") + data

    def extension(kind, data):
        return kind.to_bytes(2, "big") + sized(data)

    ech = b"\0" + b"\0\1\0\1" + b"\x2a" + sized(bytes(range(32))) + sized(bytes(239))
    extensions = extension(0, sized(b"\0" + sized(name.encode()))) + extension(0xfe0d, ech)
    body = b"\3\3" + bytes(32) + sized(b"", 1) + sized(b"\x13\1") + sized(b"\0", 1) + sized(extensions)
    message = b"\1" + sized(body, 3)
    return b"\x16\3\1" + sized(message)


def test_a_tunnel_whose_host_is_encrypted_says_so_and_is_no_mismatch(make_ccward, tmp_path):
    log = tmp_path / "access.log"
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        ccward = make_ccward(proxy={"access-log": str(log), "connect-ports": [port]})
        for name in ("cover.example", "www.example"):
            hello = outer_hello(name)
            with socket.create_connection(("127.0.0.1", ccward.proxy_port), timeout=10) as client:
                client.sendall(b"CONNECT www.example:%d HTTP/1.1\r\nHost: x\r\n\r\n" % port)
                assert client.recv(100).startswith(b"HTTP/1.1 200 ")
                client.sendall(hello)
                with server.accept()[0] as end:
                    assert end.recv(len(hello), socket.MSG_WAITALL) == hello
    told = wait_for(lambda: len(log.read_text().splitlines()) == 2 and log.read_text(), what="a line of each")
    # Each worker has a ring of its own: lines come in the order that they are taken out.
    assert sorted(bool(json.loads(line).get("ech")) for line in told.splitlines()) == [False, True]
    assert ccward.log_lines() == []
