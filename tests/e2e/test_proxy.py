"""The HTTP proxy with curl and raw sockets, against nginx."""
import socket
import subprocess

import pytest

from harness import free_port, wait_for

TEST_HOST = "ca91-1.winshipway.com"


def curl(ccward, *arguments, text=True):
    result = subprocess.run(["curl", "-s", "-S", "-m", "20", "-x", ccward.proxy, *arguments], capture_output=True,
                            text=text, timeout=30)
    return result


def status(ccward, *arguments):
    return curl(ccward, "-o", "/dev/null", "-w", "%{http_code}", *arguments).stdout


def raw(ccward, request, seconds=5):
    """Sends bytes and reads until the end."""
    with socket.create_connection(("127.0.0.1", ccward.proxy_port), timeout=seconds) as client:
        client.sendall(request)
        received = b""
        try:
            while chunk := client.recv(65536):
                received += chunk
        except socket.timeout:
            pass
        return received


def test_the_test_host_shows_the_block_page_out_of_the_box(ccward):
    result = curl(ccward, "-i", "-H", "Accept: text/html", f"http://{TEST_HOST}/")
    head, _, body = result.stdout.partition("\n\n")  # text mode: CRLF is one line end
    assert head.startswith("HTTP/1.1 403 ")
    lower = head.lower()
    assert "cache-control: no-store" in lower and "content-security-policy: default-src 'none'" in lower
    assert "proxy-status:" in lower and '<html lang="en"' in body and TEST_HOST.replace(".", "[.]") in body
    line = ccward.wait_for_callback(channel="http", subject=f"http://{TEST_HOST}/")
    assert line["action"] == "block" and line["category"] == "c2" and line["status"] == 403 and line["method"] == "GET"
    assert line["incident"] in body


def test_the_page_is_japanese_for_those_who_ask_for_it(ccward):
    result = curl(ccward, "-H", "Accept-Language: ja", "-H", "Accept: text/html", f"http://{TEST_HOST}/x?y=1")
    assert '<html lang="ja"' in result.stdout and "ブロック" in result.stdout


def test_curl_gets_the_page_and_a_program_a_line_of_text(ccward):
    assert "<html" in curl(ccward, f"http://{TEST_HOST}/").stdout
    for arguments in (["-d", "stolen"], ["-H", "Accept: text/plain"], ["-H", "Referer: http://www.example/"]):
        result = curl(ccward, *arguments, f"http://{TEST_HOST}/")
        assert "<html" not in result.stdout and TEST_HOST.replace(".", "[.]") in result.stdout, arguments


def test_a_second_contact_is_told_to_be_a_repeated_one(ccward):
    page = lambda: curl(ccward, "-H", "Accept: text/html", f"http://{TEST_HOST}/").stdout  # noqa: E731
    first = page()
    ccward.wait_for_callback(channel="http")
    assert wait_for(lambda: page() != first, 15, "the page for a repeated contact")


def test_what_is_not_blocked_arrives_whole(ccward, origin):
    result = curl(ccward, origin.url("www.example", "/dir/page.html"))
    assert result.stdout == "<!doctype html><title>page</title><p>a page</p>"
    assert status(ccward, origin.url("www.example", "/nothing")) == "404"


def test_a_large_body_arrives_byte_for_byte(ccward, origin):
    result = curl(ccward, origin.url("www.example", "/big.bin"), text=False)
    assert result.stdout == bytes(range(256)) * 40960


def test_an_upload_arrives_whole(ccward, origin, tmp_path):
    upload = tmp_path / "upload"
    upload.write_bytes(b"x" * 5_000_000)
    result = curl(ccward, "--data-binary", f"@{upload}", origin.url("www.example", "/post"))
    assert result.stdout == "length=5000000\n", result


def test_hop_by_hop_fields_stay_behind_and_via_is_added(ccward, origin):
    result = curl(ccward, "-H", "Proxy-Connection: keep-alive", "-H", "X-Test: kept", "-H", "Connection: X-Gone",
                  "-H", "X-Gone: 1", origin.url("www.example", "/seen?a=%2e//b"))
    assert "pc= " in result.stdout and "x=kept" in result.stdout and "uri=/seen?a=%2e//b" in result.stdout
    assert "via=1.1 ccward" in result.stdout


def test_one_connection_serves_many_requests(ccward, origin):
    urls = [origin.url("www.example", f"/seen?{i}") for i in range(20)]
    result = curl(ccward, "-w", "%{num_connects}\n", *urls)
    connects = [line for line in result.stdout.splitlines() if line.isdigit()]
    assert connects == ["1"] + ["0"] * 19


def test_a_listed_url_is_blocked_and_its_neighbour_is_not(ccward, origin):
    ccward.import_feed("urls", origin.url("shared.example", "/dir/bad") + "\n", form="urls")
    wait_for(lambda: status(ccward, origin.url("shared.example", "/dir/bad")) == "403", 3)
    assert status(ccward, origin.url("shared.example", "/dir/page.html")) == "200"
    line = ccward.wait_for_callback(match="url")
    assert line["sources"] == ["urls"]


def test_a_listed_name_is_blocked_with_all_below_it(ccward, origin):
    ccward.import_feed("names", "evil-below.example\n")
    wait_for(lambda: status(ccward, origin.url("a.evil-below.example")) == "403", 3)
    before = len(origin.requests())
    assert status(ccward, "-d", "stolen data", origin.url("evil-below.example", "/gate.php")) == "403"
    assert len(origin.requests()) == before


def test_an_origin_with_a_listed_address_is_recorded_and_passed(ccward, origin):
    ccward.import_feed("ips", "127.0.0.1\n192.0.2.1\n", form="ips")
    # Loopback never gets into the store: the guard keeps it out.
    assert ccward.run("why", "--quiet", "127.0.0.1", check=False).returncode == 0
    assert wait_for(lambda: ccward.run("why", "--quiet", "192.0.2.1", check=False).returncode == 3)
    assert status(ccward, origin.url("www.example")) == "200"


def test_h18_connect_goes_through_to_allowed_ports_only(make_ccward, origin):
    ccward = make_ccward(proxy={"connect-ports": [443, origin.port]})
    result = curl(ccward, "-p", origin.url("www.example", "/dir/page.html"))
    assert "a page" in result.stdout
    reply = raw(ccward, b"CONNECT www.example:25 HTTP/1.1\r\nHost: www.example:25\r\n\r\n")
    assert reply.startswith(b"HTTP/1.1 403 ")


def test_connect_to_a_blocked_host_is_refused_and_recorded(ccward):
    reply = raw(ccward, f"CONNECT {TEST_HOST}:443 HTTP/1.1\r\nHost: {TEST_HOST}:443\r\n\r\n".encode())
    assert reply.startswith(b"HTTP/1.1 403 ") and b"proxy-status:" in reply.lower()
    line = ccward.wait_for_callback(channel="connect")
    assert line["subject"] == f"{TEST_HOST}:443" and line["method"] == "CONNECT"
    assert line["unseen"] == "path"


def test_an_alias_of_a_listed_name_is_blocked_fresh_and_cached(make_ccward, origin):
    ccward = make_ccward(proxy={"connect-ports": [443, origin.port]})
    url = origin.url("www.cloak.example", "/dir/page.html")
    assert status(ccward, url) == "200"  # its answer is in the cache from now on
    ccward.import_feed("mine", "tracker.cloak.example\n")
    wait_for(lambda: status(ccward, url) == "403", 3)
    line = ccward.wait_for_callback(channel="http", match="cname")
    assert line["action"] == "block" and line["subject"] == url and line["indicator"] == "tracker.cloak.example"
    before = len(origin.requests())
    assert status(ccward, origin.url("fresh.cloak.example")) == "403"  # never asked for before
    reply = raw(ccward, f"CONNECT www.cloak.example:{origin.port} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    assert reply.startswith(b"HTTP/1.1 403 ")
    ccward.wait_for_callback(channel="connect", match="cname", subject=f"www.cloak.example:{origin.port}")
    assert len(origin.requests()) == before


def test_an_alias_in_a_logged_category_is_recorded_and_passed(ccward, origin):
    ccward.import_feed("mine", "tracker.cloak.example\n", category="parked")
    wait_for(lambda: ccward.run("why", "--quiet", "tracker.cloak.example", check=False).returncode == 3)
    url = origin.url("www.cloak.example", "/dir/page.html")
    wait_for(lambda: status(ccward, url) == "200" and any(line["match"] == "cname" for line in ccward.log_lines()), 3)
    line = ccward.wait_for_callback(channel="http", match="cname")
    assert line["action"] == "log" and line["subject"] == url


def test_the_alias_of_a_name_that_a_list_allows_is_reached(ccward, origin):
    ccward.import_feed("mine", "||tracker.cloak.example^\n@@||www.cloak.example^\n", form="adblock")
    wait_for(lambda: status(ccward, origin.url("tracker.cloak.example")) == "403", 3)
    assert status(ccward, origin.url("www.cloak.example", "/dir/page.html")) == "200"
    assert not [line for line in ccward.log_lines() if line["match"] == "cname"]


@pytest.mark.parametrize("target", ["127.0.0.1", "localhost", "[::1]", "0.0.0.0", "2130706433", "0x7f.1", "127.1",
                                    "0177.0.0.1", "[::ffff:127.0.0.1]", "169.254.169.254", "private.example",
                                    "linklocal.example"])
def test_h19_loopback_and_link_local_are_no_destinations(make_ccward, origin, target):
    ccward = make_ccward(proxy={"allow-destinations": []})
    code = raw(ccward, f"GET http://{target}:{origin.port}/ HTTP/1.1\r\nHost: {target}:{origin.port}\r\n"
                       f"Connection: close\r\n\r\n".encode())[9:12]
    assert code in (b"400", b"403", b"502"), code
    assert code != b"502" or target == "localhost"


def test_our_own_listeners_are_no_destinations(ccward):
    for port in (ccward.console_port, ccward.proxy_port, ccward.page_port):
        assert status(ccward, f"http://127.0.0.1:{port}/") == "403"


@pytest.mark.parametrize("request_bytes", [
    b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"GET http://www.example/ HTTP/1.1\r\nHost: www.example\r\nHost: b\r\n\r\n",
    b"GET http://www.example/ HTTP/1.1\r\n\r\n",
    b"GET http://www.example/ HTTP/1.1\nHost: www.example\n\n",
    b"GET http://www.example/ HTTP/1.1\r\nHost : www.example\r\n\r\n",
    b"GET http://www.example/ HTTP/1.1\r\nHost: www.example\r\nX: a\r\n b\r\n\r\n",
    b"GET http://www.example/ HTTP/1.1\r\nHost: www.example\r\nContent-Length: +3\r\n\r\nabc",
    b"GET http://user@www.example/ HTTP/1.1\r\nHost: www.example\r\n\r\n",
    b"nonsense\r\n\r\n",
])
def test_a_malformed_request_gets_400_and_close(ccward, request_bytes):
    reply = raw(ccward, request_bytes)
    assert reply.startswith(b"HTTP/1.1 400 "), reply[:80]
    assert b"connection: close" in reply.lower()


def test_pipelined_requests_are_answered_in_order(ccward, origin):
    requests = b"".join(f"GET {origin.url('www.example', f'/seen?{i}')} HTTP/1.1\r\nHost: www.example:{origin.port}\r\n"
                        f"{'Connection: close' if i == 9 else 'X: y'}\r\n\r\n".encode() for i in range(10))
    reply = raw(ccward, requests)
    assert [i for i in range(10) if f"uri=/seen?{i}\n".encode() in reply] == list(range(10))
    positions = [reply.index(f"uri=/seen?{i}\n".encode()) for i in range(10)]
    assert positions == sorted(positions)


def test_an_origin_that_is_not_there_gives_502_and_a_name_that_is_not_502(ccward):
    assert status(ccward, f"http://www.example:{free_port()}/") == "502"
    assert status(ccward, "http://nowhere.example/") == "502"
