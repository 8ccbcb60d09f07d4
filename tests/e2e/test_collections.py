"""Feeds in parts: MISP feeds and TAXII collections, from a server that keeps its connections, to the verdict."""
import http.server
import json
import threading
import urllib.parse

import pytest

UUIDS = [f"{digit * 8}-{digit * 4}-4{digit * 3}-8{digit * 3}-{digit * 12}" for digit in "123"]
TAXII = "application/taxii+json;version=2.1"


class PartServer(http.server.ThreadingHTTPServer):
    """Answers by a function of (path, query as lists, headers): (status, headers, body)."""

    daemon_threads = True

    def __init__(self):
        self.answer, self.asked, self.connections = None, [], 0
        super().__init__(("127.0.0.1", 0), PartHandler)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def url(self, path):
        return f"http://127.0.0.1:{self.server_address[1]}{path}"


class PartHandler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def setup(self):
        super().setup()
        self.server.connections += 1

    def log_message(self, *_):
        pass

    def do_GET(self):
        at = urllib.parse.urlsplit(self.path)
        self.server.asked.append(self.path)
        status, headers, body = self.server.answer(at.path, urllib.parse.parse_qs(at.query), self.headers)
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": len(body), **headers}.items():
            self.send_header(name, str(value))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def server():
    with PartServer() as parts:
        yield parts
        parts.shutdown()


def verdict(ccward, subject):
    return ccward.run("why", "--quiet", subject, check=False).returncode


def listed(ccward, name):
    found = json.loads(ccward.run("feeds", "list", "--json").stdout)["feeds"]
    return next(line for line in found if line["name"] == name)


class MispFeed:
    """The events of a MISP feed: {uuid: (timestamp, [names])}."""

    def __init__(self):
        self.events = {UUIDS[0]: (1700000000, ["one.example"]), UUIDS[1]: ("1700000001", ["two.example"])}

    def __call__(self, path, _query, _headers):
        name = path.rsplit("/", 1)[1]
        if name == "manifest.json":
            return 200, {}, {uuid: {"info": "i", "timestamp": stamp, "Orgc": {}} for uuid, (stamp, _) in
                             self.events.items()}
        if name[:-5] not in self.events:
            return 404, {}, b""
        stamp, names = self.events[name[:-5]]
        attributes = [{"type": "domain", "value": value, "to_ids": True} for value in names]
        return 200, {}, {"Event": {"uuid": name[:-5], "info": "campaign", "timestamp": stamp, "Attribute": attributes}}


def misp(server, **more):
    return [{"name": "misp", "url": server.url("/feed/"), "format": "misp-feed", **more}]


def test_of_a_misp_feed_only_what_moved_is_fetched(make_ccward, server):
    feed = server.answer = MispFeed()
    ccward = make_ccward(start=False, feeds=misp(server))
    ccward.run("feeds", "refresh")
    assert [verdict(ccward, name) for name in ("a.one.example", "two.example")] == [4, 4]
    assert json.loads(ccward.run("why", "--json", "one.example").stdout)["family"] == "campaign"
    assert server.connections == 1 and len(server.asked) == 3
    assert "unchanged" in ccward.run("feeds", "refresh", "misp", "--force").stdout
    assert len(server.asked) == 4
    feed.events = {UUIDS[1]: (1700000009, ["new.example"]), UUIDS[2]: (1, ["three.example"])}
    ccward.run("feeds", "refresh", "misp", "--force")
    assert [path.rsplit("/", 1)[1] for path in server.asked[4:]] == ["manifest.json", *[f"{uuid}.json" for uuid in
                                                                                     UUIDS[1:]]]
    names = ("one.example", "two.example", "new.example", "three.example")
    assert [verdict(ccward, name) for name in names] == [0, 0, 4, 4]


def test_a_misp_feed_is_rebuilt_without_its_server(make_ccward, server):
    server.answer = MispFeed()
    ccward = make_ccward(start=False, feeds=misp(server))
    ccward.run("feeds", "refresh")
    asked = len(server.asked)
    ccward.run("feeds", "rebuild", "misp")
    assert verdict(ccward, "one.example") == 4 and len(server.asked) == asked


def test_a_hostile_manifest_changes_nothing(make_ccward, server, tmp_path):
    feed = server.answer = MispFeed()
    ccward = make_ccward(start=False, feeds=misp(server))
    ccward.run("feeds", "refresh")
    del server.asked[:]
    feed.events = {"../../../etc/passwd": (1, []), **feed.events}
    result = ccward.run("feeds", "refresh", "misp", "--force", check=False)
    assert result.returncode == 1 and "which is no UUID" in result.stderr
    assert server.asked == ["/feed/manifest.json"] and verdict(ccward, "one.example") == 4


def test_a_missing_event_is_counted(make_ccward, server):
    feed = MispFeed()
    server.answer = lambda path, query, headers: (410, {}, b"") if UUIDS[1] in path else feed(path, query, headers)
    ccward = make_ccward(start=False, feeds=misp(server))
    assert "event that could not be fetched" in ccward.run("feeds", "refresh").stdout
    assert verdict(ccward, "one.example") == 4


def indicator(number, pattern, **more):
    return {"type": "indicator", "spec_version": "2.1", "id": f"indicator--{number}", "pattern_type": "stix",
            "pattern": pattern, "modified": "2024-01-01T00:00:00.000Z", **more}


class Collection:
    """Objects with the times at which they were added; two a page."""

    def __init__(self, *objects):
        self.objects = list(objects)
        self.key = None

    def __call__(self, path, query, headers):
        if self.key and headers.get("Authorization") != self.key:
            return 401, {}, b""
        if headers.get("Accept") != TAXII:
            return 406, {}, b""
        if path != "/root/collections/1/objects/":
            return 404, {}, b""
        assert "indicator" in query["match[type]"][0].split(",")
        after = query.get("added_after", [""])[0]
        found = [(added, each) for added, each in self.objects if added > after]
        start = int(query.get("next", ["0"])[0])
        page = found[start:start + 2]
        if not page:
            return 200, {"Content-Type": TAXII}, {}
        more = start + 2 < len(found)
        body = {"more": more, "objects": [each for _, each in page], **({"next": str(start + 2)} if more else {})}
        return 200, {"Content-Type": TAXII, "X-TAXII-Date-Added-First": page[0][0],
                     "X-TAXII-Date-Added-Last": page[-1][0]}, body


def taxii(server, **more):
    return [{"name": "intel", "url": server.url("/root/collections/1/"), "format": "taxii", **more}]


def stamp(day):
    return f"2024-01-{day:02}T00:00:00.000000Z"


def test_a_collection_is_paged_and_then_asked_for_what_is_new(make_ccward, server):
    collection = server.answer = Collection(
        (stamp(1), indicator(1, "[domain-name:value = 'one.example']")),
        (stamp(2), indicator(2, "[ipv4-addr:value = '198.51.100.7']", valid_until="2099-01-01T00:00:00Z")),
        (stamp(3), indicator(3, "[url:value = 'http://three.example/x']")),
        (stamp(4), {"type": "relationship", "id": "relationship--1", "relationship_type": "indicates",
                    "source_ref": "indicator--1", "target_ref": "malware--1"}),
        (stamp(5), {"type": "malware", "id": "malware--1", "name": "Emotet"}))
    ccward = make_ccward(start=False, feeds=taxii(server))
    ccward.run("feeds", "refresh")
    assert len(server.asked) == 3 and server.connections == 1
    report = json.loads(ccward.run("why", "--json", "one.example").stdout)
    assert report["family"] == "Emotet"
    assert verdict(ccward, "http://three.example/x") == 4
    assert "unchanged" in ccward.run("feeds", "refresh", "intel", "--force").stdout
    assert "added_after=2024-01-05" in server.asked[3]
    collection.objects += [(stamp(6), indicator(1, "[domain-name:value = 'one.example']", revoked=True,
                                                modified="2024-01-06T00:00:00.000Z")),
                           (stamp(7), indicator(4, "[domain-name:value = 'four.example']"))]
    ccward.run("feeds", "refresh", "intel", "--force")
    assert [verdict(ccward, name) for name in ("one.example", "four.example")] == [0, 4]


def test_a_key_goes_with_every_page(make_ccward, server, tmp_path):
    collection = server.answer = Collection(*[(stamp(day), indicator(day, f"[domain-name:value = 'd{day}.example']"))
                                              for day in range(1, 6)])
    collection.key = "Bearer s3cret"
    key = tmp_path / "key"
    key.write_text("s3cret\n")
    key.chmod(0o600)
    ccward = make_ccward(start=False, feeds=taxii(server, key=f"file:{key}", **{"key-as": "bearer"}))
    ccward.run("feeds", "refresh")
    assert verdict(ccward, "d5.example") == 4 and len(server.asked) == 3
    collection.key = "Bearer other"
    result = ccward.run("feeds", "refresh", "intel", "--force", check=False)
    assert "refuses the key" in result.stderr and "s3cret" not in result.stderr


@pytest.mark.parametrize("answer, reason", [
    (lambda *_: (406, {}, b""), "does not speak TAXII 2.1"),
    (lambda *_: (404, {}, b""), "must be that of a TAXII 2.1 collection"),
    (lambda *_: (200, {"Content-Type": TAXII}, {"more": True, "next": "x", "objects": [{}]}), "in a circle"),
    (lambda *_: (200, {"Content-Type": TAXII}, {"more": True, "objects": [{}]}), "not how to ask for them"),
    (lambda *_: (200, {"Content-Type": TAXII}, {"id": "1", "title": "t", "can_read": True}), "no page of a collection"),
    (lambda *_: (200, {"Content-Type": "text/html"}, b"<html>"), "web page"),
    (lambda *_: (302, {"Location": "file:///etc/passwd"}, b""), "redirects to a file"),
])
def test_what_a_collection_can_not_be_is_explained_and_changes_nothing(make_ccward, server, answer, reason):
    server.answer = Collection((stamp(1), indicator(1, "[domain-name:value = 'one.example']")))
    ccward = make_ccward(start=False, feeds=taxii(server))
    ccward.run("feeds", "refresh")
    server.answer = answer
    result = ccward.run("feeds", "refresh", "intel", "--force", check=False)
    assert result.returncode == 1 and reason in result.stderr
    assert verdict(ccward, "one.example") == 4
    assert reason in listed(ccward, "intel")["reason"]


def test_wrong_formats_for_collections_are_hinted_at(make_ccward, server, tmp_path):
    ccward = make_ccward(start=False)
    path = tmp_path / "manifest.json"
    path.write_text(json.dumps({UUIDS[0]: {"info": "i", "timestamp": 1, "Orgc": {}}}))
    result = ccward.run("feeds", "import", path, "--format", "auto", "--dry-run", check=False)
    assert "misp-feed" in result.stderr
    path.write_text(json.dumps({"id": "1", "title": "t", "can_read": True}))
    assert "`format: taxii`" in ccward.run("feeds", "import", path, "--format", "auto", "--dry-run", check=False).stderr
