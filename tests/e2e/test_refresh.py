"""Refreshes over real sockets: servers that misbehave, lists that are not to be believed, and the way back."""
import gzip
import http.server
import json
import os
import pathlib
import shutil
import threading
import time

import dns.message
import dns.query
import pytest

from harness import wait_for


class OddHandler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_GET(self):
        self.server.asked.append((self.path, dict(self.headers)))
        getattr(self, "serve_" + self.path.strip("/").split("?")[0].replace("-", "_"), self.serve_list)()

    def answer(self, status, body=b"", **headers):
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def serve_list(self):
        self.answer(200, self.server.body.encode())

    def serve_page(self):
        self.answer(200, b"evil.example\n", Content_Type="text/html")

    def serve_html(self):
        self.answer(200, b"<!doctype html><html><body>sign in</body></html>", Content_Type="text/plain")

    def serve_broken(self):
        self.answer(500, b"other.example\n")

    def serve_busy(self):
        self.answer(503, Retry_After="1800")

    def serve_half(self):
        self.answer(200, b"other.example\n", Content_Length="5000")

    def serve_half_chunked(self):
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.wfile.write(b"e\r\nother.example\n\r\n")

    def serve_loop(self):
        self.answer(302, Location="/loop")

    def serve_to_file(self):
        self.answer(302, Location="file:///etc/hostname")

    def serve_cut_gzip(self):
        self.answer(200, gzip.compress(b"".join(b"host%d.example\n" % (i * 7919) for i in range(500)))[:-20])

    def serve_bomb(self):
        self.answer(200, gzip.compress(b"0.0.0.0 a.example\n" * (16 << 20)))

    def serve_locked(self):
        if self.headers.get("Auth-Key") == "s3cret-key":
            self.answer(200, self.server.body.encode())
        else:
            self.answer(403)

    def serve_hang(self):
        self.server.end.wait(60)


class OddServer(http.server.ThreadingHTTPServer):
    protocol_version = "HTTP/1.1"

    def __init__(self):
        self.body, self.asked, self.end = "evil.example\nworse.example\n", [], threading.Event()
        super().__init__(("127.0.0.1", 0), OddHandler)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def url(self, path="/list", host="127.0.0.1"):
        return f"http://{host}:{self.server_address[1]}{path}"

    def serve_names(self, prefix, count):
        self.body = "".join(f"{prefix}{i}.example\n" for i in range(count))


@pytest.fixture
def server():
    with OddServer() as odd:
        yield odd
        odd.end.set()
        odd.shutdown()


def feed(server, path="/list", **more):
    return {"name": "served", "url": server.url(path), "format": "domains", **more}


def listed(ccward, name="served"):
    return json.loads(ccward.run("feeds", "list", name, "--json").stdout)["feeds"][0]


def blocked(ccward, name):
    return ccward.run("why", "--quiet", name, check=False).returncode == 4


def set_url(ccward, url):
    ccward.config["feeds"][0]["url"] = url
    ccward.write_config()


def store_files(ccward):
    return {path.name: path.stat().st_mtime_ns for path in (ccward.state / "reputation").iterdir()}


def test_no_answer_of_a_bad_server_hurts_what_is_in_force(make_ccward, server):
    ccward = make_ccward(start=False, feeds=[feed(server)])
    ccward.run("feeds", "refresh")
    before = store_files(ccward)
    for path, reason in [("/page", "web page"), ("/html", "web page"), ("/broken", "status 500"), ("/busy", "status 503"),
                         ("/half", ""), ("/half-chunked", ""), ("/loop", "redirects more than 3 times"),
                         ("/to-file", "file"), ("/cut-gzip", ""), ("/bomb", "grows too much")]:
        set_url(ccward, server.url(path))
        result = ccward.run("feeds", "refresh", "served", check=False)
        assert result.returncode == 1 and reason in result.stderr and "stays in force" in result.stderr, result.stderr
        assert blocked(ccward, "evil.example") and store_files(ccward) == before
        assert reason in listed(ccward)["reason"]
    set_url(ccward, server.url())
    ccward.run("feeds", "refresh", "served")
    assert listed(ccward)["failures"] == 0


def test_the_same_list_again_writes_nothing(make_ccward, server):
    ccward = make_ccward(start=False, feeds=[feed(server)])
    ccward.run("feeds", "refresh")
    before, raw = store_files(ccward), (ccward.state / "feeds/served.raw").stat()
    assert "unchanged" in ccward.run("feeds", "refresh").stdout
    assert json.loads(ccward.run("feeds", "refresh", "--json").stdout)["unchanged"] is True
    assert store_files(ccward) == before
    assert (ccward.state / "feeds/served.raw").stat().st_mtime_ns == raw.st_mtime_ns


def test_a_list_that_lost_most_waits_for_a_person(make_ccward, server):
    ccward = make_ccward(start=False, feeds=[feed(server)])
    server.serve_names("n", 400)
    ccward.run("feeds", "refresh")
    server.serve_names("n", 100)
    result = ccward.run("feeds", "refresh", check=False)
    assert result.returncode == 1 and "100 entries now, 400 before" in result.stderr and "--accept" in result.stderr
    row = listed(ccward)
    assert row["held_back"] is True and row["names"] == 400 and row["refused"]["entries"]["names"] == 100
    assert "held back" in ccward.run("feeds", "list").stdout
    assert "The list that was not taken" in ccward.run("feeds", "list", "served").stdout
    assert ccward.run("feeds", "refresh", "--accept", check=False).returncode == 2
    ccward.run("feeds", "refresh", "served", "--accept")
    assert listed(ccward)["names"] == 100


def test_a_list_is_rolled_back_while_the_daemon_runs(make_ccward, server):
    ccward = make_ccward(feeds=[feed(server, interval="1h")])
    wait_for(lambda: blocked(ccward, "evil.example"), 20, "the first refresh")
    server.body = "good-one.example\n"
    ccward.run("feeds", "refresh", "served")

    def answer(name):
        return dns.query.udp(dns.message.make_query(name, "A"), "127.0.0.1", port=ccward.dns_port, timeout=5).answer

    wait_for(lambda: answer("good-one.example"), 10, "the new list")
    assert "generation 1" in ccward.run("feeds", "rollback", "served").stdout
    wait_for(lambda: not answer("good-one.example"), 10, "the way back")
    assert blocked(ccward, "evil.example")
    result = ccward.run("feeds", "refresh", "served", check=False)
    assert result.returncode == 1 and "rolled back" in result.stderr
    assert not blocked(ccward, "good-one.example")
    assert ccward.run("feeds", "rollback", "served", check=False).returncode == 1
    assert ccward.run("feeds", "rollback", check=False).returncode == 2


def test_damage_is_verified_and_mended_without_the_network(make_ccward, server):
    ccward = make_ccward(start=False, feeds=[feed(server)])
    server.serve_names("n", 500)
    ccward.run("feeds", "refresh")
    ccward.import_feed("mine", "mine.example\n")
    ccward.run("feeds", "verify")
    data = ccward.state / "reputation/served.1.mdb"
    with open(data, "r+b") as file:
        file.seek(data.stat().st_size // 2)
        file.write(b"damage")
    result = ccward.run("feeds", "verify", "--json", check=False)
    assert result.returncode == 1
    report = json.loads(result.stdout)
    assert report["damaged"] == 1 and [row["ok"] for row in report["sources"]] == [True, False]
    assert ccward.run("feeds", "verify", "mine").returncode == 0
    asked = len(server.asked)
    ccward.run("feeds", "rebuild")
    ccward.run("feeds", "verify")
    shutil.rmtree(ccward.state / "reputation")
    result = ccward.run("feeds", "rebuild")
    assert "served: " in result.stdout and "mine: " in result.stdout
    assert blocked(ccward, "n7.example") and blocked(ccward, "mine.example")
    assert len(server.asked) == asked
    ccward.run("feeds", "remove", "mine")
    assert ccward.run("feeds", "rebuild", "mine", check=False).returncode == 1
    assert not blocked(ccward, "mine.example")


def test_a_key_is_sent_and_shown_nowhere(make_ccward, server, monkeypatch):
    ccward = make_ccward(start=False, feeds=[feed(server, "/locked", key="env:CCWARD_TEST_FEED_KEY")])
    result = ccward.run("feeds", "refresh", check=False)
    assert result.returncode == 1 and "CCWARD_TEST_FEED_KEY" in result.stderr
    monkeypatch.setenv("CCWARD_TEST_FEED_KEY", "s3cret-wrong")
    said = ccward.run("feeds", "refresh", check=False).stderr
    assert "refuses the key (status 403)" in said and "s3cret" not in said
    monkeypatch.setenv("CCWARD_TEST_FEED_KEY", "s3cret-key")
    said = ccward.run("feeds", "refresh").stdout
    assert blocked(ccward, "evil.example")
    for words in (("list",), ("list", "--json"), ("list", "served"), ("verify",)):
        said += ccward.run("feeds", *words).stdout
    for path in ccward.state.rglob("*"):
        said += path.read_bytes().decode("latin-1") if path.is_file() else ""
    assert "s3cret" not in said


def test_a_server_that_is_overloaded_says_when_to_come_again(make_ccward, server):
    ccward = make_ccward(start=False, feeds=[feed(server, "/busy")])
    ccward.run("feeds", "refresh", check=False)
    assert 1790 <= listed(ccward)["due_in_s"] <= 1800


def test_mirrors_stand_in(make_ccward, server):
    ccward = make_ccward(start=False, feeds=[feed(server, "/broken", mirrors=[server.url("/html"), server.url()])])
    ccward.run("feeds", "refresh")
    assert blocked(ccward, "evil.example")
    assert [path for path, _ in server.asked] == ["/broken", "/html", "/list"]


def test_a_feed_host_that_is_blocked_here_is_found_all_the_same(make_ccward, server):
    ccward = make_ccward(feeds=[feed(server) | {"url": server.url(host="www.example")}])
    ccward.run("deny", "www.example")
    wait_for(lambda: blocked(ccward, "www.example"), 5, "the entry")
    wait_for(lambda: blocked(ccward, "evil.example"), 20, "the refresh")
    ccward.run("feeds", "refresh", "served")
    assert all(headers["Host"].startswith("www.example:") for _, headers in server.asked)


def test_feeds_that_hang_keep_no_other_back(make_ccward, server):
    hanging = [{"name": f"hangs{i}", "url": server.url("/hang", host), "format": "domains"}
               for i, host in enumerate(["127.0.0.1", "localhost", "shared.example"])]
    ccward = make_ccward(feeds=[*hanging, feed(server) | {"url": server.url(host="www.example")}])
    started = time.monotonic()
    wait_for(lambda: blocked(ccward, "evil.example"), 30, "the refresh of the one that works")
    assert sum(path == "/hang" for path, _ in server.asked) == 3
    ccward.stop()  # which ends their refreshes too
    assert time.monotonic() - started < 60 and not list((ccward.state / "feeds").glob("*.part"))


def test_lists_of_one_host_are_fetched_one_after_the_other(make_ccward, server):
    ccward = make_ccward(feeds=[feed(server, f"/list?{i}") | {"name": f"list{i}"} for i in range(6)])
    wait_for(lambda: all(listed(ccward, f"list{i}")["in_store"] for i in range(6)), 60, "all refreshes")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_what_root_imports_belongs_to_the_service(make_ccward, server):
    ccward = make_ccward(start=False, feeds=[feed(server)])
    ccward.state.mkdir()
    try:
        os.chown(ccward.state, 65534, 65534)
    except OSError:
        pytest.skip("there is no other user here")
    for folder in [ccward.state, *ccward.state.parents]:
        if folder == pathlib.Path("/tmp"):
            break
        folder.chmod(folder.stat().st_mode | 0o055)
    secret_list = ccward.folder / "list"
    secret_list.write_text("mine.example\n")
    secret_list.chmod(0o600)
    with open(secret_list) as file:
        ccward.run("feeds", "import", "-", "--feed", "mine", "--format", "domains", stdin=file)
    ccward.run("feeds", "refresh")
    assert {path.stat().st_uid for path in ccward.state.rglob("*")} == {65534}
    assert blocked(ccward, "mine.example") and blocked(ccward, "evil.example")
