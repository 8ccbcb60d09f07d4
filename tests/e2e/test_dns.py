"""The DNS side over real sockets, with unbound as the upstream."""
import random
import signal
import socket
import struct
import threading
import time

import dns.edns
import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.rdatatype
import dns.rrset
import pytest

from harness import wait_for

TEST_HOST = "ca91-1.winshipway.com"


def ask(ccward, name, rdtype="A", tcp=False, **options):
    query = dns.message.make_query(name, rdtype, **options)
    send = dns.query.tcp if tcp else dns.query.udp
    return send(query, "127.0.0.1", port=ccward.dns_port, timeout=8)


def rrs(response):
    return sorted(f"{rrset.name.to_text().lower()} {dns.rdatatype.to_text(rrset.rdtype)} {rdata.to_text()}"
                  for rrset in response.answer for rdata in rrset)


def ede(response):
    return [(option.code, option.text or "") for option in response.options if option.otype == dns.edns.EDE]


@pytest.mark.parametrize("tcp", [False, True], ids=["udp", "tcp"])
def test_the_test_host_leads_to_the_block_page_out_of_the_box(ccward, tcp):
    response = ask(ccward, TEST_HOST, tcp=tcp, use_edns=0)
    assert response.rcode() == dns.rcode.NOERROR
    assert rrs(response) == [f"{TEST_HOST}. A 127.0.0.1"]
    assert response.answer[0].ttl <= 10
    [(code, text)] = ede(response)
    assert code == 15 and "test-hosts" in text


def test_a_blocked_name_covers_all_below_it_and_all_types(ccward):
    assert rrs(ask(ccward, f"a.b.{TEST_HOST}")) == [f"a.b.{TEST_HOST}. A 127.0.0.1"]
    for rdtype in ("AAAA", "HTTPS", "TXT", "MX", "SVCB", "TYPE65280"):
        response = ask(ccward, TEST_HOST, rdtype)
        assert response.rcode() == dns.rcode.NOERROR and not response.answer, rdtype
        assert [rrset.rdtype for rrset in response.authority] == [dns.rdatatype.SOA], rdtype


def test_letter_case_is_kept_and_does_not_matter(ccward):
    response = ask(ccward, "cA91-1.wInShIpWaY.com")
    assert response.question[0].name.to_text() == "cA91-1.wInShIpWaY.com."
    assert rrs(response) == [f"{TEST_HOST}. A 127.0.0.1"]


@pytest.mark.parametrize("answer, rcode, records", [
    ("nxdomain", dns.rcode.NXDOMAIN, []),
    ("nodata", dns.rcode.NOERROR, []),
    ("null", dns.rcode.NOERROR, [f"{TEST_HOST}. A 0.0.0.0"]),
    ("refused", dns.rcode.REFUSED, []),
])
def test_a_block_is_answered_as_configured(make_ccward, answer, rcode, records):
    ccward = make_ccward(dns={"block-answer": {"default": answer}})
    response = ask(ccward, TEST_HOST, use_edns=0)
    assert (response.rcode(), rrs(response)) == (rcode, records)
    assert ede(response)[0][0] == 15
    ccward.wait_for_callback(subject=TEST_HOST, channel="dns", action="block")


def test_a_dropped_query_gets_no_answer_but_a_callback(make_ccward):
    ccward = make_ccward(dns={"block-answer": {"c2": "drop"}})
    with pytest.raises(dns.exception.Timeout):
        dns.query.udp(dns.message.make_query(TEST_HOST, "A"), "127.0.0.1", port=ccward.dns_port, timeout=0.7)
    ccward.wait_for_callback(subject=TEST_HOST, action="block")


@pytest.mark.parametrize("rdtype", ["A", "AAAA", "MX", "TXT", "HTTPS", "SOA", "NS"])
def test_what_is_not_blocked_is_answered_as_the_upstream_does(ccward, upstream, rdtype):
    direct = dns.query.udp(dns.message.make_query("good.example", rdtype), "127.0.0.1", port=upstream.port, timeout=5)
    for attempt in ("asked", "cached"):
        through = ask(ccward, "good.example", rdtype)
        assert through.rcode() == direct.rcode(), attempt
        assert rrs(through) == rrs(direct), attempt
        assert {(s.name, s.rdtype) for s in through.authority} == {(s.name, s.rdtype) for s in direct.authority}, attempt


def test_names_that_do_not_exist_are_said_not_to(ccward):
    response = ask(ccward, "nowhere.example")
    assert response.rcode() == dns.rcode.NXDOMAIN
    assert any(rrset.rdtype == dns.rdatatype.SOA for rrset in response.authority)


def test_a_large_answer_is_truncated_by_udp_and_whole_by_tcp(ccward):
    small = ask(ccward, "big.example", "TXT", use_edns=0, payload=1232)
    assert small.flags & dns.flags.TC
    whole = ask(ccward, "big.example", "TXT", tcp=True)
    assert len(rrs(whole)) == 40


def test_a_cname_to_a_blocked_name_is_blocked(ccward):
    ccward.import_feed("mine", "evil.example\n")
    wait_until_blocked(ccward, "evil.example")
    response = ask(ccward, "cloaked.example", use_edns=0)
    assert "192.0.2.66" not in response.to_text()
    ccward.wait_for_callback(match="cname", action="block")


def test_a_listed_address_in_an_answer_is_only_recorded(ccward):
    ccward.import_feed("addresses", "192.0.2.99\n", form="ips")

    def asked_and_recorded():
        assert rrs(ask(ccward, "listed-address.example")) == ["listed-address.example. A 192.0.2.99"]
        return [line for line in ccward.log_lines() if line["match"] == "answer-ip"]

    line = wait_for(asked_and_recorded, 3, "a callback for the address")[0]
    assert line["action"] == "log" and line["sources"] == ["addresses"]


def wait_until_blocked(ccward, name):
    wait_for(lambda: rrs(ask(ccward, name)) == [f"{name}. A 127.0.0.1"], 3, f"{name} being blocked")


def test_a_silent_upstream_gives_servfail_in_bounded_time(make_ccward):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        ccward = make_ccward(dns={"upstreams": [f"127.0.0.1:{silent.getsockname()[1]}"], "query-timeout": "1s"})
        response = ask(ccward, "good.example", use_edns=0)
        assert response.rcode() == dns.rcode.SERVFAIL
        assert ede(response)
        assert rrs(ask(ccward, TEST_HOST)), "blocked names are answered all the same"


def raw_udp(ccward, packet, seconds=0.5):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(seconds)
        client.sendto(packet, ("127.0.0.1", ccward.dns_port))
        try:
            return client.recv(65535)
        except socket.timeout:
            return None


def test_malformed_packets_get_formerr_or_nothing_and_end_nothing(ccward):
    good = dns.message.make_query("good.example", "A").to_wire()
    assert raw_udp(ccward, good[:11]) is None
    assert raw_udp(ccward, bytes(12) + b"") is not None
    reply = raw_udp(ccward, good[:4] + b"\x00\x02" + good[6:])  # two questions counted
    assert reply is not None and reply[3] & 15 == dns.rcode.FORMERR
    assert raw_udp(ccward, good[:2] + b"\x80\x00" + good[4:]) is None  # a response
    seed = random.Random(1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        for _ in range(2000):
            packet = bytearray(good)
            for _ in range(seed.randint(1, 6)):
                packet[seed.randrange(len(packet))] = seed.randrange(256)
            client.sendto(bytes(packet[:seed.randint(0, len(packet))]), ("127.0.0.1", ccward.dns_port))
    assert rrs(ask(ccward, "good.example")) == ["good.example. A 192.0.2.10"]


def test_d38_many_queries_on_one_tcp_connection_are_all_answered(ccward):
    with socket.create_connection(("127.0.0.1", ccward.dns_port), timeout=5) as client:
        wires = [dns.message.make_query("good.example" if i % 2 else TEST_HOST, "A", id=i + 1).to_wire()
                 for i in range(1000)]
        client.sendall(b"".join(struct.pack("!H", len(wire)) + wire for wire in wires))
        stream, seen = client.makefile("rb"), set()
        while len(seen) < 1000:
            (length,) = struct.unpack("!H", stream.read(2))
            seen.add(dns.message.from_wire(stream.read(length)).id)
    assert seen == set(range(1, 1001))


class PartlySilentUpstream(threading.Thread):
    """Answers for good.example and for nothing else."""

    def __init__(self):
        super().__init__(daemon=True)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.start()

    def run(self):
        while True:
            packet, client = self.socket.recvfrom(4096)
            query = dns.message.from_wire(packet)
            if query.question[0].name.to_text().lower().endswith("good.example."):
                response = dns.message.make_response(query)
                response.answer.append(dns.rrset.from_text(query.question[0].name, 300, "IN", "A", "192.0.2.10"))
                self.socket.sendto(response.to_wire(), client)


def test_names_that_nobody_answers_for_do_not_keep_others_from_being_asked(make_ccward):
    ccward = make_ccward(dns={"upstreams": [f"127.0.0.1:{PartlySilentUpstream().port}"], "upstream-channels": 4},
                         daemon={"workers": 1})
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        for i in range(20):
            client.sendto(dns.message.make_query(f"silent{i}.example", "A", id=i).to_wire(),
                          ("127.0.0.1", ccward.dns_port))
        time.sleep(0.4)
        for i in range(4):
            assert rrs(ask(ccward, f"h{i}.good.example")) == [f"h{i}.good.example. A 192.0.2.10"]



def test_the_answer_for_blocked_names_and_limits_change_with_a_reload(make_ccward):
    ccward = make_ccward(daemon={"workers": 2})
    assert rrs(ask(ccward, TEST_HOST)) == [f"{TEST_HOST}. A 127.0.0.1"]
    ccward.config["dns"].update({"block-answer": {"default": "nxdomain", "c2": "null"}, "block-ttl": "3s",
                                 "tcp-idle": "100ms", "cache-size": "9MiB"})
    ccward.write_config()
    ccward.process.send_signal(signal.SIGHUP)
    wait_for(lambda: "read again" in ccward.errors, what="the reload")
    assert "only when ccward is started again: dns.cache-size\n" in ccward.errors

    def all_answer_anew():
        answers = [ask(ccward, TEST_HOST) for _ in range(8)]
        return all(rrs(answer) == [f"{TEST_HOST}. A 0.0.0.0"] and answer.answer[0].ttl <= 3 for answer in answers)

    wait_for(all_answer_anew, what="the new answer at both workers")
    with socket.create_connection(("127.0.0.1", ccward.dns_port)) as idle:
        idle.settimeout(8)  # 10 s before
        assert idle.recv(1) == b""
