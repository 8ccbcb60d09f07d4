"""Feeds of the catalogue: enabled, watched, promoted and disabled, while the daemon runs and its configuration stays."""
import json

import dns.message
import dns.query
import pytest

from harness import wait_for, yaml
from test_feeds import FeedServer, listed, verdict

BLOCK, LOG, ALLOW = 4, 3, 0


@pytest.fixture
def server():
    with FeedServer("evil.example\nworse.example\n") as feed:
        yield feed
        feed.shutdown()


def entry(server, name, **more):
    return {"name": name, "title": name, "url": server.url, "format": "domains", "about": "A list.", "about-ja": "一覧。",
            "licence": "free", "home": "https://publisher.example/", **more}


@pytest.fixture
def catalogue(tmp_path, server):
    """A catalogue of feeds that a server of ours has."""
    path = tmp_path / "catalogue.yaml"
    path.write_text("catalogue: " + yaml([
        entry(server, "list"),
        entry(server, "watched", action="monitor"),
        entry(server, "keyed", **{"key-from": "https://publisher.example/key", "key-as": "query auth-key"}),
        entry(server, "gone", status="dead", since="2024-01-01"),
        entry(server, "popular", action="guard")]) + "\n")
    return str(path)


def ask(ccward, name="evil.example"):
    return dns.query.udp(dns.message.make_query(name, "A"), "127.0.0.1", port=ccward.dns_port, timeout=5)


def is_blocked(ccward, name="evil.example"):
    return "127.0.0.1" in str(ask(ccward, name).answer)


def test_a_feed_is_enabled_while_the_daemon_runs_and_blocks(make_ccward, catalogue):
    ccward = make_ccward()
    before = ccward.config_path.read_bytes()
    assert not is_blocked(ccward)
    out = ccward.run("feeds", "enable", "list", "--catalogue", catalogue).stdout
    assert "enabled" in out and "Licence: free" in out
    wait_for(lambda: is_blocked(ccward), 15, "the feed's blocking")
    assert listed(ccward)["list"]["kind"] == "configured"
    assert ccward.config_path.read_bytes() == before
    assert json.loads(ccward.run("feeds", "catalogue", "list", "--json", "--catalogue", catalogue).stdout)["state"] == "enabled"
    # It goes with its entries, and does not come back.
    ccward.run("feeds", "disable", "list")
    wait_for(lambda: not is_blocked(ccward), 5, "the end of blocking")
    assert "list" not in listed(ccward)
    assert not list((ccward.state / "feeds").glob("list.*"))


def test_a_watched_feed_records_and_blocks_once_it_is_promoted(make_ccward, catalogue):
    ccward = make_ccward()
    ccward.run("feeds", "enable", "watched", "--catalogue", catalogue)
    wait_for(lambda: verdict(ccward, "evil.example") == LOG, 15, "the feed")
    wait_for(lambda: not is_blocked(ccward) and any(
        line["action"] == "log" and line["sources"] == ["watched"] for line in ccward.log_lines()), 5, "a recorded contact")
    look = ccward.run("feeds", "promote", "watched", "--dry-run").stdout
    assert "evil.example" in look and "would have blocked" in look
    assert verdict(ccward, "evil.example") == LOG
    told = json.loads(ccward.run("feeds", "promote", "watched", "--json").stdout)
    assert told["action"] == "block" and told["would_have_blocked"]["indicators"]["evil.example"] >= 1
    wait_for(lambda: is_blocked(ccward), 5, "the promoted feed's blocking")
    assert "blocks already" in ccward.run("feeds", "promote", "watched").stdout
    ccward.run("feeds", "monitor", "watched")
    wait_for(lambda: not is_blocked(ccward), 5, "the end of blocking")


def test_a_feed_of_the_configuration_is_promoted_without_touching_it(make_ccward, server):
    ccward = make_ccward(start=False, feeds=[{"name": "ours", "url": server.url, "format": "domains", "action": "monitor"}])
    before = ccward.config_path.read_bytes()
    ccward.run("feeds", "refresh", "ours")
    assert verdict(ccward, "evil.example") == LOG
    assert "no contact" in ccward.run("feeds", "promote", "ours").stdout
    assert verdict(ccward, "evil.example") == BLOCK
    ccward.run("feeds", "monitor", "ours")
    assert verdict(ccward, "evil.example") == LOG
    assert ccward.config_path.read_bytes() == before
    assert ccward.run("feeds", "disable", "ours", check=False).returncode == 2


def test_what_the_list_shows_beside_feeds_has_no_configuration_to_change(make_ccward):
    ccward = make_ccward(start=False)
    ccward.import_feed("mine", "evil.example\n")
    for name, words in [("mine", "was imported from"), ("test-hosts", "is built in"), ("none", "there is no feed 'none'")]:
        for verb in ("promote", "monitor"):
            result = ccward.run("feeds", verb, name, check=False)
            assert result.returncode == 2 and words in result.stderr


def test_what_cannot_be_enabled_says_why(make_ccward, catalogue):
    ccward = make_ccward(start=False)
    for name, words in [("gone", "ended (2024-01-01)"), ("keyed", "https://publisher.example/key"),
                        ("nowhere", "the catalogue has no 'nowhere'")]:
        result = ccward.run("feeds", "enable", name, "--catalogue", catalogue, check=False)
        assert result.returncode == 2 and words in result.stderr
    assert ccward.run("feeds", "enable", "keyed", "--key", "somewhere", "--catalogue", catalogue, check=False).returncode != 0
    assert not (ccward.state / "feeds.yaml").exists()
    ccward.run("feeds", "enable", "keyed", "--key", "env:FEED_KEY", "--catalogue", catalogue)
    assert "env:FEED_KEY" in (ccward.state / "feeds.yaml").read_text()
    assert ccward.run("feeds", "disable", "list", check=False).returncode == 1


def test_a_broken_choice_does_not_stop_the_daemon(make_ccward, catalogue):
    ccward = make_ccward(start=False)
    ccward.state.mkdir()
    (ccward.state / "feeds.yaml").write_text("feeds: [{name: a}]\n")
    ccward.start()
    assert "feeds[0]: has no url" in ccward.errors
    assert ask(ccward, "good.example").answer
    result = ccward.run("feeds", "enable", "list", "--catalogue", catalogue, check=False)
    assert result.returncode == 1 and "mend it" in result.stderr


def test_a_list_that_guards_takes_effect_on_what_is_fetched_after_it(make_ccward, catalogue, server, tmp_path):
    ccward = make_ccward(start=False, feeds=[{"name": "blocking", "url": (tmp_path / "bad").as_uri(), "format": "domains"}])
    (tmp_path / "bad").write_text("evil.example\nwww.worse.example\nelse.example\ngithub.com\n")
    ccward.run("feeds", "enable", "popular", "--catalogue", catalogue)
    ccward.run("feeds", "refresh", "popular")
    report = ccward.run("feeds", "refresh", "blocking").stdout
    assert "only recorded 2: guard: on a list that guards" in report
    assert "only recorded 1: guard: shared host" in report
    assert [verdict(ccward, name) for name in ("evil.example", "www.worse.example", "else.example", "github.com",
                                               "x.evil.example", "worse.example")] == [LOG, LOG, BLOCK, LOG, LOG, ALLOW]


def test_the_catalogue_that_ships_is_shown(make_ccward):
    ccward = make_ccward(start=False)
    assert "urlhaus" in ccward.run("feeds", "catalogue").stdout
    feeds = json.loads(ccward.run("feeds", "catalogue", "--json").stdout)["feeds"]
    assert len(feeds) >= 30 and all(feed["about_ja"] for feed in feeds)
    assert ccward.run("feeds", "catalogue", "nowhere", check=False).returncode == 2


def test_a_new_guard_reaches_what_was_read_before_it(make_ccward, catalogue, server, tmp_path):
    (tmp_path / "bad").write_text("evil.example\nelse.example\n")
    ccward = make_ccward(feeds=[{"name": "blocking", "url": (tmp_path / "bad").as_uri(), "format": "domains"}])
    wait_for(lambda: verdict(ccward, "evil.example") == BLOCK, 15, "the feed")
    (tmp_path / "bad").unlink()  # the copy will do
    ccward.run("feeds", "enable", "popular", "--catalogue", catalogue)
    wait_for(lambda: verdict(ccward, "evil.example") == LOG, 30, "the guard")
    assert verdict(ccward, "else.example") == BLOCK
    ccward.run("feeds", "disable", "popular")
    wait_for(lambda: verdict(ccward, "evil.example") == BLOCK, 30, "the end of the guard")
