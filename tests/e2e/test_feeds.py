"""Feeds: import, refresh over HTTP, list; and what must not hurt."""
import http.server
import json
import threading

import pytest

from harness import ROOT, wait_for

SAMPLES = ROOT.parent / "shared/data/feeds"


class FeedServer(http.server.ThreadingHTTPServer):
    """Serves one body with an ETag; counts what was asked."""

    def __init__(self, body):
        self.body, self.status, self.kind, self.asked = body, 200, "text/plain", []
        super().__init__(("127.0.0.1", 0), FeedHandler)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}/feed.txt"


class FeedHandler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_GET(self):
        tag = f'"{hash(self.server.body)}"'
        known = self.headers.get("If-None-Match") == tag
        self.server.asked.append(304 if known else self.server.status)
        self.send_response(304 if known and self.server.status == 200 else self.server.status)
        self.send_header("ETag", tag)
        self.send_header("Content-Type", self.server.kind)
        body = b"" if known and self.server.status == 200 else self.server.body.encode()
        if body:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def server():
    with FeedServer("evil.example\nworse.example\n") as feed:
        yield feed
        feed.shutdown()


def feed(server, **more):
    return [{"name": "served", "url": server.url, "format": "domains", **more}]


def listed(ccward):
    return {line["name"]: line for line in json.loads(ccward.run("feeds", "list", "--json").stdout)["feeds"]}


def verdict(ccward, subject):
    return ccward.run("why", "--quiet", subject, check=False).returncode


def test_a_feed_is_fetched_once_and_then_only_asked_for_changes(make_ccward, server):
    ccward = make_ccward(start=False, feeds=feed(server, category="malware"))
    ccward.run("feeds", "refresh")
    assert verdict(ccward, "www.worse.example") == 4
    report = json.loads(ccward.run("why", "--json", "evil.example").stdout)
    assert report["category"] == "malware" and report["sources"] == ["served"]
    assert "unchanged" in ccward.run("feeds", "refresh", "served").stdout
    assert server.asked == [200, 304]
    server.body = "other.example\n"
    ccward.run("feeds", "refresh", "served")
    assert (verdict(ccward, "other.example"), verdict(ccward, "evil.example")) == (4, 0)


@pytest.mark.parametrize("status, kind, body", [(500, "text/plain", "x.example\n"), (404, "text/plain", "x.example\n"),
                                                (200, "text/html", "<html><body>log in</body></html>"),
                                                (200, "text/plain", "\n")])
def test_a_bad_answer_keeps_what_was_there(make_ccward, server, status, kind, body):
    ccward = make_ccward(start=False, feeds=feed(server))
    ccward.run("feeds", "refresh")
    server.status, server.kind, server.body = status, kind, body
    result = ccward.run("feeds", "refresh", check=False)
    assert result.returncode == 1 and "stays in force" in result.stderr
    assert verdict(ccward, "evil.example") == 4
    state = listed(ccward)["served"]
    assert state["names"] == 2 and state["failures"] == 1


def test_the_daemon_fetches_what_is_due_by_itself(make_ccward, server):
    ccward = make_ccward(feeds=feed(server))
    wait_for(lambda: verdict(ccward, "evil.example") == 4, 15, "the daemon's refresh")
    import dns.message
    import dns.query
    query = dns.message.make_query("evil.example", "A")
    wait_for(lambda: dns.query.udp(query, "127.0.0.1", port=ccward.dns_port, timeout=5).answer, 5)


def test_a_file_is_only_read_when_the_config_names_it(make_ccward, tmp_path):
    path = tmp_path / "list"
    path.write_text("evil.example\n")
    ccward = make_ccward(start=False, feeds=[{"name": "local", "url": f"file://{path}", "format": "domains"}])
    ccward.run("feeds", "refresh", "local")
    assert verdict(ccward, "evil.example") == 4
    assert ccward.run("feeds", "refresh", "elsewhere", check=False).returncode == 2


def test_a_bad_line_is_told_with_its_place_and_the_rest_is_taken(make_ccward, tmp_path):
    ccward = make_ccward(start=False)
    good = "".join(f"0.0.0.0 host{i}.example\n" for i in range(50))
    result = ccward.import_feed("mine", good + "0.0.0.0 bad..name.example\n", form="hosts")
    assert "51" in result.stdout and verdict(ccward, "host7.example") == 4


def test_all_sources_of_an_entry_are_kept(make_ccward):
    ccward = make_ccward(start=False)
    ccward.import_feed("one", "evil.example\n", category="c2")
    ccward.import_feed("two", "evil.example\n", category="phishing")
    report = json.loads(ccward.run("why", "--json", "evil.example").stdout)
    assert sorted(report["sources"]) == ["one", "two"]
    assert {record["category"] for record in report["records"]} == {"c2", "phishing"}


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="no samples of real feeds here")
@pytest.mark.parametrize("sample, form", [
    ("hosts/urlhaus_hostfile_2020_crlf.hosts", "hosts"), ("domains/blackbook.txt", "domains"),
    ("urls/nanparam_urlhaus_urls.txt", "urls"), ("ip-lists/cins_ci-badguys_2020.txt", "ips")])
def test_real_feeds_are_imported(make_ccward, sample, form):
    ccward = make_ccward(start=False)
    ccward.run("feeds", "import", str(SAMPLES / sample), "--feed", "real", "--format", form)
    real = listed(ccward)["real"]
    assert real["names"] + real["urls"] + real["networks"] > 500
