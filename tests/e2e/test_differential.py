"""What is asked through ccward gets the answer that the upstream gives, but for what ccward is there to change."""
import os
import random
import selectors
import socket

import dns.edns
import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import pytest

from harness import Upstream, wait_for

TYPES = ["A", "AAAA", "NS", "CNAME", "SOA", "PTR", "MX", "TXT", "SRV", "NAPTR", "DS", "SSHFP", "TLSA", "CAA", "HTTPS",
         "SVCB", "LOC", "HINFO", "RP", "URI", "TYPE65280", "DNSKEY", "NSEC", "DNAME"]
NAMES = 300


def records(seed):
    """A zone with every kind of record, alias chains, DNAMEs, wildcards, delegations, large sets, odd labels."""
    yield "@ 3600 IN SOA ns hostmaster 1 3600 600 86400 900"
    yield "@ 3600 IN NS ns"
    yield "ns 3600 IN A 192.0.2.1"
    for i in range(NAMES):
        name = seed.choice([f"n{i}", f"N{i}.Sub", f"_s{i}._tcp", rf"odd\032{i}", rf"dot\.{i}", "x" * 60 + f"{i}"])
        ttl = seed.choice([0, 1, 60, 300, 86400, 2000000])
        yield f"{name} {ttl} IN A 198.51.{i % 250}.{seed.randrange(1, 250)}"
        yield f"{name} {ttl} IN AAAA 2001:db8::{i:x}"
        yield f"{name} {ttl} IN TXT \"{seed.randbytes(8).hex()}\" \"{'t' * seed.randrange(200)}\""
        yield f"{name} {ttl} IN MX {i} mail{i}"
        if i % 3 == 0:
            yield f"{name} {ttl} IN SRV 1 2 {i} target{i}"
            yield f"{name} {ttl} IN CAA 0 issue \"ca{i}.test\""
            yield f"{name} {ttl} IN NAPTR 1 2 \"u\" \"sip\" \"!^.*$!sip:x@y!\" ."
            yield f"{name} {ttl} IN SSHFP 1 1 {seed.randbytes(20).hex()}"
            yield f"{name} {ttl} IN TLSA 3 1 1 {seed.randbytes(32).hex()}"
            yield f"{name} {ttl} IN HTTPS 1 . alpn=h2,h3 ipv4hint=198.51.100.7"
            yield f"{name} {ttl} IN SVCB 1 svc{i}.diff.test. port=853"
            yield f"{name} {ttl} IN TYPE65280 \\# {i % 20} {seed.randbytes(i % 20).hex()}"
        yield f"alias{i} 300 IN CNAME {f'alias{i + 1}' if i % 7 and i + 1 < NAMES else 'n0'}"
    for i in range(120):
        yield f"many 300 IN A 198.51.100.{i + 1}"
        yield f"huge 300 IN TXT \"{i}{'h' * 200}\""
    yield "*.wild 300 IN A 198.51.100.9"
    yield "*.wild 300 IN MX 1 wild"
    yield "tree 300 IN DNAME n1"
    yield "empty.non.terminal 300 IN A 198.51.100.10"
    yield "child 300 IN NS ns.elsewhere.test."


class Diverse(Upstream):
    """unbound with that zone."""

    RECORDS = []

    def __init__(self, folder):
        super().__init__(folder)
        self.names = []

    def start(self):
        self.ZONE = "$ORIGIN cloak.example.\n" + "".join(line + "\n" for line in records(random.Random(4)))
        for line in self.ZONE.splitlines()[1:]:
            name = line.split(" ")[0]
            self.names.append("cloak.example." if name == "@" else f"{name}.cloak.example.")
        super().start()


@pytest.fixture
def diverse(tmp_path):
    server = Diverse(tmp_path)
    server.start()
    yield server
    server.stop()


def query(seed, names):
    """A query as clients send them, and as they might."""
    name = seed.choice(names)
    chance = seed.random()
    if chance < 0.1:
        name = f"none{seed.randrange(1000)}.{name}"[-250:]
    elif chance < 0.2:
        name = name.replace("*", f"w{seed.randrange(100)}")
    elif chance < 0.25:
        name = f"below.tree.cloak.example."
    elif chance < 0.3:
        name = "".join(seed.choice((c.upper(), c.lower())) for c in name)
    try:
        message = dns.message.make_query(dns.name.from_text(name), seed.choice(TYPES))
    except (dns.name.LabelTooLong, dns.name.NameTooLong):
        return query(seed, names)
    if seed.random() < 0.7:
        message.use_edns(0, dns.flags.DO if seed.random() < 0.4 else 0, seed.choice((512, 1232, 4096, 65535)),
                         options=[dns.edns.GenericOption(seed.randrange(65001, 65535), b"x")] if seed.random() < 0.1
                         else [])
    if seed.random() < 0.2:
        message.flags |= dns.flags.CD
    if seed.random() < 0.2:
        message.flags |= dns.flags.AD
    message.id = seed.randrange(65536)
    return message


def ask_all(port, queries, window=64):
    """The answers by place. UDP; what is truncated is asked for again by TCP."""
    answers = [None] * len(queries)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client, selectors.DefaultSelector() as selector:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        client.connect(("127.0.0.1", port))
        client.settimeout(10)
        selector.register(client, selectors.EVENT_READ)
        for start in range(0, len(queries), window):
            waiting = {}
            for i in range(start, min(start + window, len(queries))):
                wire = bytearray(queries[i].to_wire())
                wire[0:2] = (i % 65536).to_bytes(2, "big")
                waiting[i % 65536] = i
                client.send(wire)
            while waiting:
                data = client.recv(65535)
                i = waiting.pop(int.from_bytes(data[:2], "big"))
                answers[i] = data
    for i, data in enumerate(answers):
        if data[2] & 2:  # TC
            answers[i] = by_tcp(port, queries[i])
    return [dns.message.from_wire(data) for data in answers]


def by_tcp(port, message):
    wire = message.to_wire()
    with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
        client.sendall(len(wire).to_bytes(2, "big") + wire)
        data = b""
        while len(data) < 2 or len(data) < 2 + int.from_bytes(data[:2], "big"):
            data += client.recv(65536)
    return data[2:]


def sets(section, keep=lambda rrset: True):
    """Without TTLs, which count down, and orders, which mean nothing."""
    return {(rrset.name, rrset.rdtype, item) for rrset in section if keep(rrset) for item in rrset}


def told(message):
    # An unbound that serves a zone itself says AA; through a resolver that would be wrong. The additional section and
    # the names of a zone's servers are hints that nobody asked for.
    flags = message.flags & (dns.flags.QR | dns.flags.RD | dns.flags.RA | dns.flags.CD)
    return (message.rcode(), flags, message.question, sets(message.answer),
            sets(message.authority, lambda rrset: rrset.rdtype not in (dns.rdatatype.NS, dns.rdatatype.NSEC3)))


def compare(ccward, diverse, count):
    seed = random.Random(count)
    queries = [query(seed, diverse.names) for _ in range(count)]
    direct, through = ask_all(diverse.port, queries), ask_all(ccward.dns_port, queries)
    different = [(q, a, b) for q, a, b in zip(queries, direct, through) if told(a) != told(b)]
    assert not different, f"{len(different)} of {count} differ, such as\n{different[0][0]}\n--- direct\n" \
                          f"{different[0][1]}\n--- through ccward\n{different[0][2]}"
    rcodes = {dns.rcode.to_text(answer.rcode()) for answer in through}
    assert {"NOERROR", "NXDOMAIN"} <= rcodes
    assert sum(len(answer.answer) > 0 for answer in through) > count / 4
    for q, answer in zip(queries, through):
        assert (answer.edns >= 0) == (q.edns >= 0), f"EDNS of {q}"


def test_5000_varied_queries_get_what_the_upstream_says(make_ccward, diverse):
    compare(make_ccward(dns={"upstreams": [f"127.0.0.1:{diverse.port}"]}), diverse, 5000)


@pytest.mark.long
def test_50000_varied_queries_get_what_the_upstream_says(make_ccward, diverse):
    compare(make_ccward(dns={"upstreams": [f"127.0.0.1:{diverse.port}"]}), diverse, 50000)
