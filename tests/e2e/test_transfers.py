"""Policy zones from a real primary (BIND): whole, by differences, signed; when it says that there is something new."""
import json

import dns.flags
import dns.message
import dns.opcode
import dns.query
import dns.rcode
import pytest

from harness import Primary, wait_for


@pytest.fixture
def make_primary(tmp_path):
    running = []

    def make(start=True, **settings):
        primary = Primary(tmp_path / f"primary{len(running)}", **settings)
        running.append(primary)
        return primary.start() if start else primary

    yield make
    for primary in running:
        primary.stop()


def feed(primary, scheme="ixfr", key="file", **more):
    place = {"key": f"file:{primary.key_file()}"} if key == "file" else {"key": key} if key else {}
    return [{"name": "zone", "url": primary.url(scheme), **place, **more}]


def state_of(ccward):
    return json.loads((ccward.state / "feeds/zone.json").read_text())


def raw_of(ccward):
    return (ccward.state / "feeds/zone.raw").read_text().splitlines()


def blocked(ccward, name):
    return ccward.run("why", "--quiet", name, check=False).returncode == 4


def test_a_zone_is_transferred_and_then_only_asked_for_changes(make_ccward, make_primary):
    primary = make_primary()
    ccward = make_ccward(start=False, feeds=feed(primary, "axfr", category="malware"))
    ccward.run("feeds", "refresh")
    assert blocked(ccward, "evil.example") and blocked(ccward, "www.evil.example")
    report = json.loads(ccward.run("why", "--json", "evil.example").stdout)
    assert report["category"] == "malware" and report["sources"] == ["zone"]
    assert state_of(ccward)["zone"] == {"serial": 1, "refresh_s": 3600, "retry_s": 600, "expire_s": 86400}
    assert "unchanged" in ccward.run("feeds", "refresh", "zone").stdout
    assert primary.log.count("AXFR started") == 1


def test_a_change_comes_as_differences(make_ccward, make_primary):
    primary = make_primary(names=["evil.example", "old.example"])
    ccward = make_ccward(start=False, feeds=feed(primary))
    ccward.run("feeds", "refresh")
    assert blocked(ccward, "old.example")
    primary.add("new.example")
    primary.remove("old.example")
    primary.add("newer.example")
    ccward.run("feeds", "refresh")
    assert "IXFR started" in primary.log and primary.log.count("AXFR started") == 1
    assert blocked(ccward, "new.example") and blocked(ccward, "newer.example") and blocked(ccward, "evil.example")
    assert not blocked(ccward, "old.example") and blocked(ccward, "www.old.example")
    assert state_of(ccward)["zone"]["serial"] == 4
    by_differences = sorted(raw_of(ccward))
    (ccward.state / "feeds/zone.json").unlink()
    ccward.run("feeds", "refresh")
    assert primary.log.count("AXFR started") == 2
    assert sorted(raw_of(ccward)) == by_differences


@pytest.mark.parametrize("form", ["many-answers", "one-answer"])
def test_a_large_zone_comes_in_many_messages(make_ccward, make_primary, form):
    count = 20000 if form == "many-answers" else 1000
    primary = make_primary(names=[f"host{i}.example" for i in range(count)], form=form)
    ccward = make_ccward(start=False, feeds=feed(primary))
    ccward.run("feeds", "refresh")
    assert len(raw_of(ccward)) == 2 * count + 3
    listed = json.loads(ccward.run("feeds", "list", "--json").stdout)["feeds"]
    assert next(line for line in listed if line["name"] == "zone")["names"] == count  # a name and what is below it are one entry
    assert blocked(ccward, f"host{count - 1}.example")


def test_what_the_primary_holds_against_the_key_is_told(make_ccward, make_primary):
    primary = make_primary()
    wrong = primary.key_file(secret="d3Jvbmc=")
    unknown = primary.key_file("unknown.key", secret="d3Jvbmc=")
    other = primary.key_file("other.key")
    readable = primary.key_file("readable.key", secret="d3Jvbmc=", mode=0o644)
    weak = primary.key_file("weak.key", secret="d3Jvbmc=", algorithm="hmac-md5")
    for place, reason in [(f"file:{wrong}", "BADSIG"), (f"file:{unknown}", "BADKEY"), (f"file:{other}", "REFUSED"),
                          (None, "REFUSED"), ("env:CCWARD_NO_SUCH_KEY", "CCWARD_NO_SUCH_KEY"),
                          (f"file:{readable}", "chmod 600"), (f"file:{weak}", "hmac-md5")]:
        ccward = make_ccward(start=False, feeds=feed(primary, key=place))
        result = ccward.run("feeds", "refresh", check=False)
        assert result.returncode == 1 and reason in result.stderr, result.stderr
        assert "d3Jvbmc" not in result.stderr and "d3Jvbmc" not in json.dumps(state_of(ccward))


def test_a_key_may_come_from_the_environment(make_ccward, make_primary, monkeypatch):
    primary = make_primary()
    ccward = make_ccward(start=False, feeds=feed(primary, key="env:CCWARD_TEST_TSIG"))
    monkeypatch.setenv("CCWARD_TEST_TSIG", f"hmac-sha256:xfr.key:{primary.SECRETS['xfr.key']}")
    ccward.run("feeds", "refresh")
    assert blocked(ccward, "evil.example")


def test_a_primary_that_is_down_keeps_the_last_good_zone(make_ccward, make_primary):
    primary = make_primary()
    ccward = make_ccward(start=False, feeds=feed(primary))
    ccward.run("feeds", "refresh")
    primary.stop()
    result = ccward.run("feeds", "refresh", check=False)
    assert result.returncode == 1 and "can't be reached" in result.stderr and "stays in force" in result.stderr
    assert blocked(ccward, "evil.example")
    assert state_of(ccward)["failures"] == 1 and state_of(ccward)["zone"]["serial"] == 1


def test_a_zone_that_has_expired_is_not_in_force_any_more(make_ccward, make_primary):
    primary = make_primary(expire=1)
    ccward = make_ccward(start=False, feeds=feed(primary))
    ccward.run("feeds", "refresh")
    primary.stop()

    def refresh_fails():
        return "has expired" in ccward.run("feeds", "refresh", check=False).stderr

    assert not refresh_fails() and blocked(ccward, "evil.example")
    wait_for(refresh_fails, 20, "the zone's end")
    assert not blocked(ccward, "evil.example")
    assert state_of(ccward)["failures"] >= 3
    primary.start()
    ccward.run("feeds", "refresh")
    assert blocked(ccward, "evil.example")


def test_a_notify_has_the_zone_fetched_at_once(make_ccward, make_primary):
    primary = make_primary(start=False)
    ccward = make_ccward(start=False, feeds=feed(primary))
    primary.notify = [ccward.dns_port]
    primary.start()
    ccward.start()
    wait_for(lambda: blocked(ccward, "evil.example"), 20, "the first transfer")
    for name in ("new.example", "newer.example"):
        primary.add(name)
        query = dns.message.make_query(name, "A")
        wait_for(lambda q=query: dns.query.udp(q, "127.0.0.1", port=ccward.dns_port, timeout=5).answer, 20,
                 f"the transfer of {name}")
    assert "IXFR started" in primary.log
    assert "refused notify" not in primary.log.lower()


def test_a_notify_is_taken_from_the_primary_alone(make_ccward, make_primary):
    primary = make_primary()
    ccward = make_ccward(feeds=feed(primary))

    def ask(zone, source="127.0.0.1", ask=dns.query.udp):
        message = dns.message.make_query(zone, "SOA", flags=dns.flags.AA)
        message.set_opcode(dns.opcode.NOTIFY)
        return ask(message, "127.0.0.1", port=ccward.dns_port, source=source, timeout=5)

    for transport in (dns.query.udp, dns.query.tcp):
        reply = ask("rpz.test", ask=transport)
        assert reply.rcode() == dns.rcode.NOERROR and reply.opcode() == dns.opcode.NOTIFY
        assert reply.flags & dns.flags.AA
        assert ask("rpz.test", source="127.0.0.2", ask=transport).rcode() == dns.rcode.REFUSED
        assert ask("else.test", ask=transport).rcode() == dns.rcode.REFUSED
    # A reload without the feed: nobody may notify of it any more.
    ccward.config["feeds"] = []
    ccward.write_config()
    ccward.process.send_signal(1)
    wait_for(lambda: ask("rpz.test").rcode() == dns.rcode.REFUSED, 10, "the reload")


def test_an_address_of_a_transfer_that_is_wrong_is_told_with_its_place(make_ccward, make_primary):
    primary = make_primary(start=False)
    ccward = make_ccward(start=False, feeds=[{"name": "zone", "url": f"axfr://127.0.0.1:{primary.port}"}])
    result = ccward.run("check-config", check=False)
    assert result.returncode != 0 and "the zone is missing" in result.stderr + result.stdout


def test_a_mirror_is_asked_where_the_primary_is_down(make_ccward, make_primary):
    down, mirror = make_primary(start=False), make_primary(names=["mirrored.example"])
    ccward = make_ccward(start=False, feeds=feed(down, mirrors=[mirror.url()]))
    ccward.run("feeds", "refresh")
    assert blocked(ccward, "mirrored.example")
    mirror.add("new.example")
    ccward.run("feeds", "refresh")
    assert blocked(ccward, "new.example") and "IXFR started" in mirror.log
