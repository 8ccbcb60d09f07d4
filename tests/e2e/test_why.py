"""`ccward why` tells the canonical form, all that was tried, and why nothing more happens."""
import json
import re

import pytest

from harness import wait_for

KIDS = {"name": "kids", "clients": ["127.0.0.2"]}


def why(ccward, subject, *options):
    return json.loads(ccward.run("why", "--json", *options, subject).stdout)


def tried(report):
    return [(line["candidate"], line["sources"]) for line in report["tried"]]


def test_every_candidate_of_a_name_is_shown_with_who_has_it(make_ccward):
    ccward = make_ccward(start=False)
    ccward.import_feed("one", "evil.example\n")
    ccward.import_feed("two", "evil.example\nwww.evil.example\n")
    report = why(ccward, "A.Www.EVIL.example.")
    assert report["canonical"] == "a.www.evil.example" and report["action"] == "block" and not report["because"]
    assert tried(report) == [("a.www.evil.example", []), ("www.evil.example", ["two"]), ("evil.example", ["one", "two"])]
    said = ccward.run("why", "A.Www.EVIL.example.").stdout
    assert re.search(r"looked up +a\.www\.evil\.example, for group default", said)
    assert re.search(r"\n +evil\.example +<- one, two\n", said)
    assert tried(why(ccward, "good.example")) == [("good.example", [])]


def test_every_candidate_of_a_url_is_shown(make_ccward):
    ccward = make_ccward(start=False)
    ccward.import_feed("urls", "http://evil.example:8080/a/\n", form="urls")
    report = why(ccward, "HTTP://www.Evil.example:8080/a/./b%2ehtml?x#y")
    assert report["canonical"] == "www.evil.example:8080/a/b.html?x" and report["action"] == "block"
    assert report["records"][0]["indicator"] == "evil.example:8080/a/"
    assert ("evil.example/a/", ["urls"]) in tried(report) and ("www.evil.example/a/b.html?x", []) in tried(report)
    kinds = [line["kind"] for line in report["tried"]]
    assert kinds == ["url"] * 8 + ["name"] * 2


def test_every_network_of_an_address_is_shown(make_ccward):
    ccward = make_ccward(start=False)
    ccward.import_feed("ips", "192.0.2.0/24\n192.0.2.7:443\n", form="ips")
    report = why(ccward, "[64:ff9b::192.0.2.7]:443")
    assert report["canonical"] == "[64:ff9b::c000:207]:443"
    assert tried(report)[-2:] == [("192.0.2.7", ["ips"]), ("192.0.2.0/24", ["ips"])]
    assert report["because"] == ("recorded only: for clients of group default, the configuration has `addresses: log`")
    assert why(ccward, "http://0xc0000207/")["canonical"] == "192.0.2.7/"


def test_the_users_note_and_time_are_shown(make_ccward):
    ccward = make_ccward(start=False)
    ccward.import_feed("mine", "evil.example\n")
    ccward.run("allow", "evil.example", "--for", "15m", "--note", "for the report")
    report = why(ccward, "evil.example")
    own = next(record for record in report["records"] if record["source"] == "user")
    assert own["note"] == "for the report" and own["effect"] == "lets it pass" and own["expires"]
    assert report["action"] == "allow" and report["because"] == "your own entry lets it pass"
    said = ccward.run("why", "evil.example").stdout
    assert re.search(r"since +\d{4}-\d\d-\d\d, for another 15 min", said) and re.search(r"note +for the report", said)
    ccward.run("deny", "evil.example", "--log-only")
    assert why(ccward, "evil.example")["because"] == "your own entry wants it recorded only"


def test_what_does_not_count_is_shown_and_why(make_ccward):
    ccward = make_ccward(start=False, groups=[KIDS])
    ccward.run("deny", "evil.example", "--group", "kids")
    report = why(ccward, "evil.example")
    assert report["action"] == "allow" and not report["matched"] and "none of the entries" in report["because"]
    assert report["records"][0]["effect"] == "nothing: it is for another group"
    report = why(ccward, "evil.example", "--client", "127.0.0.2")
    assert report["action"] == "block" and report["group"] == "kids"


def test_what_has_expired_is_shown_as_that(make_ccward):
    ccward = make_ccward(start=False)
    ccward.run("deny", "evil.example", "--for", "1s")
    wait_for(lambda: why(ccward, "evil.example")["action"] == "allow", what="its end")
    report = why(ccward, "evil.example")
    assert report["records"][0]["expired"] and "expired" in report["records"][0]["effect"]


@pytest.mark.parametrize("feed, because", [
    ({"action": "monitor"}, "`action: monitor`"), ({"min-feeds": 3}, "blocks what 3 sources list (min-feeds), and 1 of them"),
    ({"category": "parked"}, "`parked: log` in categories")])
def test_why_it_is_only_recorded_is_told(make_ccward, tmp_path, feed, because):
    path = tmp_path / "list"
    path.write_text("evil.example\n")
    ccward = make_ccward(start=False, feeds=[{"name": "mine", "url": f"file://{path}", "format": "domains", **feed}])
    ccward.run("feeds", "refresh")
    report = why(ccward, "evil.example")
    assert report["action"] == "log" and because in report["because"]


def test_an_exemption_by_a_feed_is_told(make_ccward, tmp_path):
    path = tmp_path / "list"
    path.write_text("evil.example\n")
    ccward = make_ccward(start=False, feeds=[{"name": "good", "url": f"file://{path}", "format": "domains",
                                              "action": "allow"}])
    ccward.run("feeds", "refresh")
    ccward.import_feed("mine", "evil.example\n")
    report = why(ccward, "evil.example")
    assert report["action"] == "allow" and report["because"] == "good lets it pass"


ZONE = """$ORIGIN rpz.example.
@ 300 IN SOA ns hostmaster 1 3600 600 86400 60
nx.example        CNAME .
tcp.example       CNAME rpz-tcp-only.
data.example      A 192.0.2.80
pass.example      CNAME rpz-passthru.
32.9.0.0.127.rpz-client-ip CNAME rpz-drop.
"""


def test_what_a_policy_zone_wants_is_told(make_ccward, tmp_path):
    path = tmp_path / "zone"
    path.write_text(ZONE)
    ccward = make_ccward(start=False, feeds=[{"name": "zone", "url": f"file://{path}", "format": "rpz",
                                              "zone-answer": "given"}])
    ccward.run("feeds", "refresh")
    assert why(ccward, "nx.example")["answer"] == "NXDOMAIN"
    report = why(ccward, "tcp.example")
    assert report["action"] == "log" and report["because"] == "zone lets it pass by TCP alone, recorded"
    assert why(ccward, "data.example", "--type", "A")["answer"] == "local data"
    assert ccward.run("why", "--type", "B", "data.example", check=False).returncode == 2
    assert why(ccward, "pass.example")["because"] == "zone lets it pass"
    assert re.search(r"answered +NXDOMAIN", ccward.run("why", "nx.example").stdout)
    report = why(ccward, "good.example", "--client", "127.0.0.9")
    assert (report["action"], report["answer"], report["indicator"]) == ("block", "dropped", "127.0.0.9")
    assert report["records"][0]["client"]
    assert why(ccward, "good.example")["action"] == "allow"


def test_entries_for_some_types_act_for_those(make_ccward):
    ccward = make_ccward(start=False)
    ccward.import_feed("mine", "||evil.example^$dnstype=AAAA\n", form="adblock")
    record = why(ccward, "evil.example", "--type", "A")["records"][0]
    assert record["types"] == ["AAAA"] and record["effect"] == "nothing: it is for other query types"
    assert why(ccward, "evil.example", "--type", "AAAA")["action"] == "block"


def test_what_is_no_subject_is_refused(make_ccward):
    ccward = make_ccward(start=False)
    for subject in ("", "bad name", "10.0.0.0/8", "http://", "evil.example:99999", "ftp://evil.example/"):
        assert ccward.run("why", subject, check=False).returncode == 2, subject
