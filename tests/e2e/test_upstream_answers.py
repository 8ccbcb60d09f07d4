"""Upstreams that answer wrongly, malformed, in part or not at all, and others who answer in their place."""
import contextlib
import socket
import struct
import threading
import time

import dns.edns
import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.rrset
import pytest

from harness import free_port

RIGHT, WRONG = "192.0.2.1", "203.0.113.66"


def right_answer(packet, address=RIGHT):
    query = dns.message.from_wire(packet)
    response = dns.message.make_response(query)
    response.answer.append(dns.rrset.from_text(query.question[0].name, 300, "IN", "A", address))
    return bytearray(response.to_wire())


def end_of_question(packet):
    at = 12
    while packet[at]:
        at += packet[at] + 1
    return at + 5


def with_byte(at, change):
    def spoil(message, end):
        place = at if at >= 0 else end + at
        message[place] = change(message[place])
        return message
    return spoil


# What a forger or a broken server may send before the right answer; None: right, but from elsewhere.
WRONG_ANSWERS = {
    "id": with_byte(0, lambda b: b ^ 1),
    "qr-clear": with_byte(2, lambda b: b & 0x7f),
    "opcode": with_byte(2, lambda b: b | 0x10),
    "no-question": with_byte(5, lambda b: 0),
    "two-questions": with_byte(5, lambda b: 2),
    "name": with_byte(14, lambda b: ord("-")),
    "type": with_byte(-3, lambda b: 28),
    "class": with_byte(-1, lambda b: 3),
    "case": lambda message, end: message[:12] + bytes(message[12:end]).swapcase() + message[end:],
    "short": lambda message, end: message[:11],
    "empty": lambda message, end: b"",
    "garbage": lambda message, end: b"\xff" * len(message),
    "other-port": None,
    "other-address": None,
}

# The record of the answer stands at END: name, type and class and TTL, then length and data.
MALFORMED_ANSWERS = {
    "pointer-to-itself": lambda m, end: m[:end + 1] + bytes([end]) + m[end + 2:],
    "pointer-past-the-end": lambda m, end: m[:end] + b"\xff\xff" + m[end + 2:],
    "length-past-the-end": lambda m, end: m[:end + 10] + b"\xff\xff" + m[end + 12:],
    "address-of-0-bytes": lambda m, end: m[:end + 10] + b"\0\0" + m[end + 16:],
    "address-of-5-bytes": lambda m, end: m[:end + 10] + b"\0\5" + m[end + 12:end + 16] + b"\0" + m[end + 16:],
    "two-opt": lambda m, end: m[:10] + b"\0\2" + m[12:end + 16] + b"\0\0\x29\4\xd0\0\0\0\0\0\0" * 2,
    "65535-answers": lambda m, end: m[:6] + b"\xff\xff" + m[8:],
    "junk-behind": lambda m, end: m + b"\0",
    "cut": lambda m, end: m[:-1],
}


def is_probe(packet):
    """By such names ccward finds out whether an upstream leads back to it."""
    return b"ccward-loop" in packet.lower()


def no_such_name(packet):
    response = dns.message.make_response(dns.message.from_wire(packet))
    response.set_rcode(dns.rcode.NXDOMAIN)
    return response.to_wire()


class Server(threading.Thread):
    """Answers by UDP and TCP as `udp(packet)` and `tcp(packet)` say: lists of messages; None at TCP closes."""

    def __init__(self, udp, tcp=lambda packet: [right_answer(packet)]):
        super().__init__(daemon=True)
        self.udp, self.tcp, self.port, self.by_udp, self.by_tcp = udp, tcp, free_port(), 0, 0
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        for each in (self.socket, self.listener):
            each.bind(("127.0.0.1", self.port))
        self.listener.listen(16)
        threading.Thread(target=self.accept, daemon=True).start()
        self.start()

    def run(self):
        with contextlib.suppress(OSError):
            while True:
                packet, client = self.socket.recvfrom(4096)
                if is_probe(packet):
                    self.socket.sendto(no_such_name(packet), client)
                    continue
                self.by_udp += 1
                for message in self.udp(packet, client):
                    self.socket.sendto(message, client)

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=self.serve, args=(self.listener.accept()[0],), daemon=True).start()

    def serve(self, connection):
        with connection, contextlib.suppress(OSError, struct.error), connection.makefile("rb") as stream:
            while True:
                packet = stream.read(struct.unpack("!H", stream.read(2))[0])
                self.by_tcp += not is_probe(packet)
                messages = [no_such_name(packet)] if is_probe(packet) else self.tcp(packet)
                if messages is None:
                    return
                for message in messages:
                    connection.sendall(struct.pack("!H", len(message)) + message)

    def close(self):
        self.socket.close()
        self.listener.close()


@pytest.fixture
def server():
    made = []

    def make(*arguments):
        made.append(Server(*arguments))
        return made[-1]

    yield make
    for each in made:
        each.close()


def ask_all(ccward, names):
    """Asks all at once; the answers by first label."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(20)
        for i, name in enumerate(names):
            query = dns.message.make_query(f"{name}.example", "A", use_edns=0, id=i)
            client.sendto(query.to_wire(), ("127.0.0.1", ccward.dns_port))
        answers = [dns.message.from_wire(client.recv(4096)) for _ in names]
    return {names[answer.id]: answer for answer in answers}


def addresses(response):
    return [rdata.to_text() for rrset in response.answer for rdata in rrset]


def error_codes(response):
    return [option.code for option in response.options if isinstance(option, dns.edns.EDEOption)]


def kind_of(packet):
    return dns.message.from_wire(packet).question[0].name.to_text().lower().split(".")[0]


def start(make_ccward, *servers, **dns_options):
    return make_ccward(dns={"upstreams": [f"127.0.0.1:{each.port}" for each in servers], **dns_options},
                       daemon={"workers": 1})


def test_d12_after_each_of_14_wrong_answers_the_right_one_still_arrives(make_ccward, server):
    def forge(packet, client):
        kind, forged = kind_of(packet), right_answer(packet, WRONG)
        spoil = WRONG_ANSWERS[kind]
        if spoil:
            forger.socket.sendto(spoil(forged, end_of_question(packet)), client)
        else:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as elsewhere:
                elsewhere.bind(("127.0.0.2", forger.port) if kind == "other-address" else ("127.0.0.1", 0))
                elsewhere.sendto(forged, client)
        time.sleep(0.004)
        return [right_answer(packet)]

    forger = server(forge)
    ccward = start(make_ccward, forger, **{"upstream-timeout": "5s", "query-timeout": "15s"})
    assert len(WRONG_ANSWERS) == 14
    assert {kind: addresses(answer) for kind, answer in ask_all(ccward, list(WRONG_ANSWERS)).items()} == {
        kind: [RIGHT] for kind in WRONG_ANSWERS}
    assert forger.by_udp == 14 and forger.by_tcp == 0  # nothing was asked twice


def address_of(name):
    return f"192.0.2.{int(name[1:]) % 250 + 1}"


def test_d12_answers_in_another_order_and_twice_reach_nobody_but_who_asked(make_ccward, server):
    held = []

    def shuffle(packet, client):
        held.append((right_answer(packet, address_of(kind_of(packet))), client))
        if len(held) == 20:
            for message, whose in reversed(held):
                for _ in range(2):
                    shuffler.socket.sendto(message, whose)
            for (_, whose), (message, _) in zip(held, held[1:]):
                shuffler.socket.sendto(message, whose)  # another's
            held.clear()
        return []

    shuffler = server(shuffle)
    ccward = start(make_ccward, shuffler, **{"upstream-timeout": "8s", "query-timeout": "15s"})
    names = [f"n{i}" for i in range(100)]
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) for _ in names]
        for name, client in zip(names, clients):
            client.settimeout(20)
            query = dns.message.make_query(f"{name}.example", "A", id=7)  # all the same id
            client.sendto(query.to_wire(), ("127.0.0.1", ccward.dns_port))
        for name, client in zip(names, clients):
            answer = dns.message.from_wire(client.recv(4096))
            assert answer.question[0].name.to_text() == f"{name}.example." and addresses(answer) == [address_of(name)]


def test_d17_what_is_malformed_never_reaches_a_client(make_ccward, server):
    def spoil(packet):
        spoiler = MALFORMED_ANSWERS.get(kind_of(packet), lambda message, end: message)
        return [spoiler(right_answer(packet), end_of_question(packet))]

    broken = server(lambda packet, client: spoil(packet), spoil)
    ccward = start(make_ccward, broken, **{"upstream-timeout": "300ms"})
    answers = ask_all(ccward, list(MALFORMED_ANSWERS))
    assert {kind: answer.rcode() for kind, answer in answers.items()} == {
        kind: dns.rcode.SERVFAIL for kind in MALFORMED_ANSWERS}
    assert all(error_codes(answer) == [23] and not answer.answer for answer in answers.values())
    assert addresses(ask_all(ccward, ["good"])["good"]) == [RIGHT]


def truncated(packet):
    message = right_answer(packet)[:end_of_question(packet)]
    message[2] |= 0x02
    message[6:12] = bytes(6)
    return [message]


def test_d18_a_truncated_answer_is_had_by_tcp_or_not_at_all(make_ccward, server):
    ways = {"whole": lambda packet: [right_answer(packet)], "closed": lambda packet: None, "again": truncated}
    cutter = server(lambda packet, client: truncated(packet), lambda packet: ways[kind_of(packet)](packet))
    ccward = start(make_ccward, cutter)
    for kind in ways:
        answer = ask_all(ccward, [kind])[kind]
        assert not answer.flags & dns.flags.TC
        if kind == "whole":
            assert addresses(answer) == [RIGHT]
        else:
            assert answer.rcode() == dns.rcode.SERVFAIL
            assert error_codes(answer) == [23]


def test_d19_an_answer_by_tcp_in_single_bytes_is_taken(make_ccward, server):
    def bytewise(connection, packet):
        message = right_answer(packet)
        for byte in struct.pack("!H", len(message)) + message:
            connection.sendall(bytes([byte]))

    slow = server(lambda packet, client: truncated(packet))
    slow.serve = lambda connection: bytewise(connection, connection.recv(4096)[2:])
    ccward = start(make_ccward, slow)
    assert addresses(ask_all(ccward, ["bytes"])["bytes"]) == [RIGHT]


def test_d20_the_client_is_told_whether_upstreams_were_silent_or_could_not_be_reached(make_ccward, server):
    silent = server(lambda packet, client: [])
    ccward = start(make_ccward, silent, **{"upstream-timeout": "200ms"})
    answer = ask_all(ccward, ["silent"])["silent"]
    assert answer.rcode() == dns.rcode.SERVFAIL and error_codes(answer) == [22]
    assert silent.by_udp == 3
    ccward = make_ccward(dns={"upstreams": [f"127.0.0.1:{free_port()}"]})
    answer = ask_all(ccward, ["closed"])["closed"]
    assert answer.rcode() == dns.rcode.SERVFAIL and error_codes(answer) == [23]


def test_d20_a_servfail_of_the_upstream_has_its_own_reason_or_ours(make_ccward, server):
    def servfail(packet):
        response = dns.message.make_response(dns.message.from_wire(packet))
        response.set_rcode(dns.rcode.SERVFAIL)
        if kind_of(packet) == "told":
            response.use_edns(0, options=[dns.edns.EDEOption(6, "bogus")])
        return [response.to_wire()]

    ccward = start(make_ccward, server(lambda packet, client: servfail(packet)))
    answers = ask_all(ccward, ["untold", "told"])
    assert all(answer.rcode() == dns.rcode.SERVFAIL for answer in answers.values())
    assert error_codes(answers["untold"]) == [0] and error_codes(answers["told"]) == [6]


@pytest.mark.parametrize("mode", ["ordered", "fastest", "parallel"])
def test_d20_a_silent_upstream_leaves_the_answer_to_another(make_ccward, server, mode):
    silent, good = server(lambda packet, client: []), server(lambda packet, client: [right_answer(packet)])
    ccward = start(make_ccward, silent, good, **{"upstream-mode": mode})
    names = [f"n{i}" for i in range(20)]
    assert all(addresses(answer) == [RIGHT] for answer in ask_all(ccward, names).values())
    if mode == "parallel":
        assert silent.by_udp >= 20 and good.by_udp == 20


def test_d30_servers_without_edns_are_understood(make_ccward, server):
    def formerr(packet, client):
        if dns.message.from_wire(packet).edns < 0:
            return [right_answer(packet)]
        return [packet[:2] + b"\x81\1" + bytes(8)]

    old = server(formerr, lambda packet: formerr(packet, None))
    ccward = start(make_ccward, old)
    for i in range(4):
        assert addresses(ask_all(ccward, [f"n{i}"])[f"n{i}"]) == [RIGHT]
    assert old.by_udp == 4 and old.by_tcp == 4  # twice TCP was asked with EDNS, and then without


def with_cookie(packet):
    query = dns.message.from_wire(packet)
    sent = [bytes(option.data) for option in query.options if option.otype == dns.edns.OptionType.COOKIE]
    assert sent, "asked without cookie"
    response = dns.message.from_wire(bytes(right_answer(packet)))
    response.use_edns(0, options=[dns.edns.GenericOption(dns.edns.OptionType.COOKIE, sent[0][:8] + b"server's")])
    return [response.to_wire()]


def test_d12_d30_a_forged_formerr_switches_off_neither_edns_nor_cookies(make_ccward, server):
    cookieless = []

    def forge(packet, client):
        forger.socket.sendto(packet[:2] + b"\x81\1" + bytes(8), client)
        time.sleep(0.02)
        query = dns.message.from_wire(packet)
        if not any(option.otype == dns.edns.OptionType.COOKIE for option in query.options):
            cookieless.append(packet)
            return [right_answer(packet, WRONG)]
        return with_cookie(packet)

    forger = server(lambda packet, client: forge(packet, client), with_cookie)
    ccward = start(make_ccward, forger, **{"upstream-timeout": "5s", "query-timeout": "15s"})
    for i in range(6):
        assert addresses(ask_all(ccward, [f"n{i}"])[f"n{i}"]) == [RIGHT]
    assert not cookieless and forger.by_udp == 6 and forger.by_tcp == 1  # by TCP once, which tells the server's cookie
