"""`ccward query`: what the daemon does with a name, step by step, as it does for a client."""
import json
import re

import dns.message
import dns.query
import pytest

from harness import free_port, wait_for
from test_cache import CountingUpstream

BLOCKED = "evil.example"


@pytest.fixture
def counting():
    upstream = CountingUpstream()
    yield upstream
    upstream.close()


@pytest.fixture
def traced(make_ccward, counting):
    ccward = make_ccward(dns={"upstreams": [f"127.0.0.1:{counting.port}"], "allow-clients": ["192.0.2.0/24"]},
                         groups=[{"name": "lab", "clients": ["192.0.2.0/24"], "names": "off"}])
    ccward.import_feed("bad", f"{BLOCKED}\n")
    query = dns.message.make_query(BLOCKED, "A")
    wait_for(lambda: "192.0.2.1" not in str(dns.query.udp(query, "127.0.0.1", port=ccward.dns_port, timeout=20)),
             what="the feed in force")
    return ccward


def trace(ccward, *arguments, code=0):
    result = ccward.run("query", *arguments, "--json", check=False)
    assert result.returncode == code, result.stderr
    return json.loads(result.stdout)


def words(told):
    return [step["step"] for step in told["steps"]]


def test_a_miss_names_the_upstream_and_a_hit_does_not_ask_it(traced, counting):
    told = trace(traced, "WWW.example.org")
    assert told["name"] == "www.example.org" and told["type"] == "A" and told["cache"] == "miss"
    assert told["verdict"] == {"action": "allow", "matched": False} and not told["blocked"]
    assert words(told) == ["client", "parse", "check", "decide", "special", "cache", "forward", "reply", "inspect"]
    [asked] = told["upstreams"]
    assert asked["server"] == f"127.0.0.1:{counting.port}" and asked["result"] == "NOERROR" and asked["took_ms"] >= 0
    assert told["answer"]["rcode"] == "NOERROR"
    assert told["answer"]["records"] == [{"section": "answer", "name": "www.example.org", "ttl": 300, "type": "A",
                                          "data": "192.0.2.1"}]
    again = trace(traced, "www.example.org")
    assert again["cache"] == "hit" and again["upstreams"] == [] and not again["waited"]
    assert words(again) == ["client", "parse", "check", "decide", "special", "cache", "inspect"]
    assert counting.count("www.example.org") == 1


def test_times_are_printed_as_they_are(traced):
    printed = traced.run("query", "good.example", "--json").stdout
    assert not re.search(r"\.\d{10}", printed), printed


def test_a_clients_query_and_a_traced_one_share_the_cache(traced, counting):
    trace(traced, "shared.example")
    dns.query.udp(dns.message.make_query("shared.example", "A"), "127.0.0.1", port=traced.dns_port, timeout=20)
    assert counting.count("shared.example") == 1


def test_a_block_names_the_source_and_no_callback_is_recorded(traced, counting):
    before = traced.run("hits", "--json").stdout
    told = trace(traced, f"www.{BLOCKED}", code=4)
    assert told["blocked"] and told["callback_omitted"]
    assert told["verdict"]["action"] == "block" and told["verdict"]["sources"] == "bad"
    assert told["verdict"]["match"] == "qname" and BLOCKED in told["verdict"]["indicator"]
    assert words(told)[-1] == "decide" and told["cache"] is None
    assert [error["code"] for error in told["answer"]["ede"]] == [15]
    said = traced.run("query", f"www.{BLOCKED}", check=False)
    assert said.returncode == 4 and "blocked in" in said.stdout and "left out" in said.stdout
    assert counting.count(f"www.{BLOCKED}") == 0
    dns.query.udp(dns.message.make_query(f"seen.{BLOCKED}", "A"), "127.0.0.1", port=traced.dns_port, timeout=20)
    wait_for(lambda: f"seen.{BLOCKED}" in traced.run("hits", "--json").stdout, what="the client's callback")
    after = traced.run("hits", "--json").stdout
    assert f"www.{BLOCKED}" not in after and after.startswith(before)


def test_the_clients_group_decides(traced):
    told = trace(traced, BLOCKED, "--client", "192.0.2.7")
    assert told["group"] == "lab" and told["client"] == "192.0.2.7" and not told["blocked"]
    assert trace(traced, BLOCKED, code=4)["group"] == "default"


def test_a_client_that_is_not_let_in_gets_no_answer(traced):
    told = trace(traced, "www.example.org", "--client", "203.0.113.7", code=1)
    assert told["answer"] is None and "dns.allow-clients" in told["steps"][0]["text"]
    assert told["verdict"] is None  # it was not judged
    said = traced.run("query", "www.example.org", "--client", "203.0.113.7", check=False).stdout
    assert "dropped in" in said and "verdict" not in said


def test_a_name_that_is_answered_here_says_so(traced, counting):
    told = trace(traced, "localhost")
    assert told["steps"][-1]["step"] == "special" and "answers itself" in told["steps"][-1]["text"]
    assert counting.count("localhost") == 0


def test_an_address_is_asked_for_its_name(traced):
    told = trace(traced, "203.0.113.9")
    assert told["type"] == "PTR" and told["name"] == "9.113.0.203.in-addr.arpa"
    told = trace(traced, "2001:470::1")
    assert told["name"] == "1." + "0." * 23 + "0.7.4.0.1.0.0.2.ip6.arpa"


def test_upstreams_that_do_not_answer_are_told_with_how_it_ended(make_ccward):
    silent = CountingUpstream()
    silent.silent = True
    closed = free_port()
    ccward = make_ccward(dns={"upstreams": [f"127.0.0.1:{closed}", f"127.0.0.1:{silent.port}"],
                              "upstream-timeout": "300ms", "query-timeout": "20s"})
    told = trace(ccward, "lost.example", code=1)
    results = {asked["server"]: asked.get("result") for asked in told["upstreams"]}
    assert results[f"127.0.0.1:{silent.port}"] == "timed out" and results[f"127.0.0.1:{closed}"] != "NOERROR"
    assert told["answer"]["rcode"] == "SERVFAIL" and told["answer"]["ede"][0]["code"] in (22, 23)
    assert "failed" in words(told)
    silent.close()


def test_bad_calls_say_how_it_is_called_and_no_daemon_says_what_to_do(traced):
    for arguments, word in (([], "a name is expected"), (["a..b"], "'a..b' is not a name"),
                            (["a.example", "NOTYPE"], "'NOTYPE' is no type"),
                            (["a.example", "A", "x"], "one word too many"),
                            (["a.example", "--client", "here"], "'here' is no address"),
                            (["a.example", "--all"], "not known")):
        result = traced.run("query", *arguments, check=False)
        assert result.returncode == 2 and word in result.stderr, arguments
    assert "ccward query NAME [TYPE]" in traced.run("query", "--help").stdout
    traced.stop()
    result = traced.run("query", "a.example", check=False)
    assert result.returncode == 3 and "no daemon runs" in result.stderr and "ccward run" in result.stderr
