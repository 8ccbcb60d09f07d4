"""Policy zones from their file to the answer: every trigger and action, over real sockets, with unbound as the upstream."""
import subprocess

import dns.exception
import dns.flags
import dns.message
import dns.query
import dns.rcode
import pytest

from harness import wait_for
from test_dns import ede, rrs

HEAD = "$TTL 300\n@ IN SOA localhost. root.localhost. 1 3600 600 86400 60\n NS localhost.\n"
ZONE = HEAD + r"""
evil.example          CNAME .
*.evil.example        CNAME *.
dropped.example       CNAME rpz-drop.
good.example          CNAME rpz-tcp-only.
cloaked.example       CNAME rpz-passthru.
walled.example        CNAME www.example.
*.walled.example      CNAME *.cloak.example.
data.example     60   A 192.0.2.77
                      TXT "a \"page\"" ; https://example.com/why
24.0.2.0.192.rpz-ip   CNAME .
32.66.2.0.192.rpz-ip  CNAME rpz-passthru.
32.9.0.0.127.rpz-client-ip CNAME *.
ns.cloak.example.rpz-nsdname CNAME .
"""


def ask(ccward, name, rdtype="A", tcp=False, source=None, timeout=8):
    query = dns.message.make_query(name, rdtype, use_edns=0)
    send = dns.query.tcp if tcp else dns.query.udp
    return send(query, "127.0.0.1", port=ccward.dns_port, timeout=timeout, source=source)


@pytest.fixture
def with_zone(make_ccward, tmp_path):
    """A ccward that has fetched a zone from its file."""

    def make(zone=ZONE, **more):
        path = tmp_path / "policy.zone"
        path.write_text(zone)
        ccward = make_ccward(start=False, feeds=[{"name": "zone", "url": f"file://{path}", "format": "rpz", **more}])
        ccward.run("feeds", "refresh")
        return ccward.start()

    return make


def test_a_zone_whose_word_is_taken_is_answered_as_it_has_it(with_zone):
    ccward = with_zone(**{"zone-answer": "given"})
    response = ask(ccward, "evil.example")
    assert response.rcode() == dns.rcode.NXDOMAIN and ede(response) == [(15, "c2 (zone)")]
    assert [str(rrset.name) for rrset in response.authority] == ["evil.example."]
    response = ask(ccward, "a.evil.example", "MX")
    assert response.rcode() == dns.rcode.NOERROR and not response.answer
    assert rrs(ask(ccward, "data.example")) == ["data.example. A 192.0.2.77"]
    assert rrs(ask(ccward, "data.example", "TXT")) == [r'data.example. TXT "a \"page\""']
    assert rrs(ask(ccward, "data.example", "AAAA")) == []
    assert rrs(ask(ccward, "walled.example")) == ["walled.example. CNAME www.example.", "www.example. A 127.0.0.1"]
    response = ask(ccward, "ns.walled.example", "AAAA", tcp=True)
    assert response.rcode() == dns.rcode.NXDOMAIN
    assert rrs(response) == ["ns.walled.example. CNAME ns.walled.example.cloak.example."]
    ccward.wait_for_callback(subject="data.example", match="qname", action="block", indicator="data.example")
    ccward.wait_for_callback(subject="walled.example", action="block", sources=["zone"])


def test_a_zone_is_answered_with_the_page_by_default(with_zone):
    ccward = with_zone()
    for name in ("evil.example", "data.example", "walled.example"):
        assert rrs(ask(ccward, name)) == [f"{name}. A 127.0.0.1"]


@pytest.mark.parametrize("answer", ["configured", "given"])
def test_drop_tcp_only_and_passthru_hold_in_any_case(with_zone, answer):
    ccward = with_zone(**{"zone-answer": answer})
    with pytest.raises(dns.exception.Timeout):
        ask(ccward, "dropped.example", timeout=0.7)
    ccward.wait_for_callback(subject="dropped.example", action="block")
    response = ask(ccward, "good.example")
    assert response.flags & dns.flags.TC and not response.answer
    assert rrs(ask(ccward, "good.example", tcp=True)) == ["good.example. A 192.0.2.10"]
    ccward.wait_for_callback(subject="good.example", action="log")
    assert rrs(ask(ccward, "cloaked.example", "CNAME")) == ["cloaked.example. CNAME tracker.evil.example."]


def test_addresses_are_recorded_until_the_zones_word_is_taken(with_zone):
    ccward = with_zone()
    assert rrs(ask(ccward, "listed-address.example")) == ["listed-address.example. A 192.0.2.99"]
    ccward.wait_for_callback(subject="listed-address.example", match="answer-ip", action="log")
    ccward.config["feeds"][0]["zone-answer"] = "given"
    ccward.write_config()
    ccward.stop()
    ccward.start()
    assert ask(ccward, "listed-address.example").rcode() == dns.rcode.NXDOMAIN
    ccward.wait_for_callback(subject="listed-address.example", match="answer-ip", action="block")
    assert rrs(ask(ccward, "tracker.cloak.example")) == ["tracker.cloak.example. A 127.0.0.1"]


def test_rules_for_clients_hold_in_dns_and_in_the_proxy(with_zone, origin):
    ccward = with_zone(**{"zone-answer": "given"})
    response = ask(ccward, "www.example", source="127.0.0.9")
    assert response.rcode() == dns.rcode.NOERROR and not response.answer
    ccward.wait_for_callback(subject="www.example", match="client-ip", indicator="127.0.0.9", action="block")
    assert rrs(ask(ccward, "www.example")) == ["www.example. A 127.0.0.1"]

    def status(client):
        command = ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "--interface", client, "-x", ccward.proxy]
        return subprocess.run([*command, origin.url("innocent.example")], capture_output=True, text=True).stdout

    assert (status("127.0.0.9"), status("127.0.0.1")) == ("403", "200")
    ccward.wait_for_callback(channel="http", match="client-ip", action="block")


def test_name_servers_that_an_answer_names_are_judged(with_zone):
    ccward = with_zone(**{"zone-answer": "given"})
    assert ask(ccward, "cloak.example", "NS").rcode() == dns.rcode.NXDOMAIN
    ccward.wait_for_callback(subject="cloak.example", match="nsdname", indicator="ns.cloak.example", action="block")


def test_a_zone_lets_pass_what_it_lists_and_nothing_of_others(with_zone):
    ccward = with_zone(HEAD + "innocent.example CNAME rpz-passthru.\nshort.example CNAME rpz-passthru.\n"
                       "x.example CNAME .\n")
    assert rrs(ask(ccward, "innocent.example")) == ["innocent.example. A 127.0.0.1"]
    assert rrs(ask(ccward, "short.example")) == ["short.example. A 192.0.2.11"]
    ccward.import_feed("other", "short.example\n")
    wait_for(lambda: rrs(ask(ccward, "short.example")) == ["short.example. A 127.0.0.1"], what="the other feed's block")
    ccward.wait_for_callback(subject="short.example", sources=["other", "zone"], action="block")
