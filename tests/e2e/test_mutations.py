"""Packets that were damaged at random, by UDP and by TCP: nothing dies, and good queries are answered after them."""
import pathlib
import random
import socket
import struct

import dns.message
import dns.query
import dns.rcode
import pytest

SHARED = pathlib.Path(__file__).resolve().parents[3] / "shared/data/dns"
GOOD_EVERY = 200  # also so that the socket buffer takes all in between


def seeds():
    """Queries of our own, and where they are there the odd packets that other projects publish."""
    made = [dns.message.make_query(name, kind, use_edns=edns, want_dnssec=edns == 0).to_wire()
            for name in ("good.example", "tracker.evil.example", "a" * 63 + ".example", "1.0.0.127.in-addr.arpa")
            for kind in ("A", "HTTPS", "ANY", "AXFR", "TXT") for edns in (False, 0)]
    published = [path.read_bytes() for folder in sorted(SHARED.glob("*")) if folder.is_dir()
                 for path in sorted(folder.iterdir()) if path.suffix not in (".testns", ".md")]
    return made + [packet for packet in published if 0 < len(packet) <= 4096]


def mutated(seed, packet):
    data = bytearray(packet)
    for _ in range(seed.choice((1, 1, 2, 4, 16))):
        at, how = seed.randrange(len(data)) if data else 0, seed.randrange(7)
        if not data or how == 0:
            data[at:at] = seed.randbytes(seed.randrange(1, 20))
        elif how == 1:
            del data[at:at + seed.randrange(1, 20)]
        elif how == 2:
            data[at] ^= 1 << seed.randrange(8)
        elif how == 3:
            data[at] = seed.choice((0, 0xFF, 0xC0, 0x3F, 0x40, 12))
        elif how == 4 and at + 2 <= len(data):
            data[at:at + 2] = struct.pack("!H", seed.choice((0, 1, 0xFFFF, 0xC00C, 0xC000 | at, 512)))
        elif how == 5:
            data[at:at] = data[:seed.randrange(1, 64)]
        else:
            data[seed.randrange(len(data)):] = b""
    if len(data) > 2 and seed.random() < 0.8:
        data[2] &= 0x7F  # mostly as a query
    return bytes(data[:4096])


def answers(ccward, tcp=False):
    send = dns.query.tcp if tcp else dns.query.udp
    for attempt in range(5):  # a full socket buffer drops, as the network may
        try:
            response = send(dns.message.make_query("good.example", "A"), "127.0.0.1", port=ccward.dns_port, timeout=5)
            return response.rcode() == dns.rcode.NOERROR and bool(response.answer)
        except dns.exception.Timeout:
            continue
    return False


def by_udp(ccward, seed, packets, count):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.connect(("127.0.0.1", ccward.dns_port))
        client.setblocking(False)
        for i in range(count):
            try:
                client.send(mutated(seed, seed.choice(packets)))
                while True:
                    client.recv(65535)
            except BlockingIOError:
                pass
            if i % GOOD_EVERY == 0:
                assert answers(ccward)


def by_tcp(ccward, seed, packets, count):
    """Several to a connection; now and then the length itself is wrong."""
    for i in range(count // 10):
        stream = b""
        for _ in range(10):
            packet = mutated(seed, seed.choice(packets))
            length = len(packet) if seed.random() < 0.9 else seed.randrange(65536)
            stream += struct.pack("!H", length) + packet
        with socket.create_connection(("127.0.0.1", ccward.dns_port), timeout=10) as client:
            try:
                client.sendall(stream)
            except OSError:  # closed at the first one that is no message
                pass
        if i % (GOOD_EVERY // 10) == 0:
            assert answers(ccward, tcp=True)


def attack(make_ccward, upstream, count):
    ccward = make_ccward(dns={"upstreams": [f"127.0.0.1:{upstream.port}"], "query-timeout": "2s"})
    ccward.import_feed("mine", "evil.example\n")
    seed, packets = random.Random(count), seeds()
    by_udp(ccward, seed, packets, count * 9 // 10)
    by_tcp(ccward, seed, packets, count // 10)
    assert answers(ccward) and answers(ccward, tcp=True)
    assert ccward.process.poll() is None
    assert "Sanitizer" not in ccward.errors and "runtime error" not in ccward.errors, ccward.errors
    ccward.stop()  # what leaked is told here


def test_d11_50000_mutated_packets_harm_nothing(make_ccward, upstream):
    attack(make_ccward, upstream, 50_000)


@pytest.mark.long
def test_d11_1000000_mutated_packets_harm_nothing(make_ccward, upstream):
    attack(make_ccward, upstream, 1_000_000)
