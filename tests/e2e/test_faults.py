"""What may run out or be exchanged while clients ask."""
import os
import pathlib
import resource
import socket
import threading
import time

import dns.message
import dns.query
import dns.rcode

from harness import wait_for


def ask(ccward, name, timeout=8):
    return dns.query.udp(dns.message.make_query(name, "A"), "127.0.0.1", port=ccward.dns_port, timeout=timeout)


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def addresses(response):
    return [item.address for rrset in response.answer for item in rrset]


def test_without_descriptors_blocked_and_cached_names_are_answered_and_the_rest_recovers(ccward):
    ccward.import_feed("mine", "evil.example\n")
    wait_for(lambda: addresses(ask(ccward, "evil.example")) == ["127.0.0.1"], what="the block")
    assert addresses(ask(ccward, "good.example")) == ["192.0.2.10"]
    pid = ccward.process.pid
    before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (len(os.listdir(f"/proc/{pid}/fd")), before[1]))
    clients = [socket.create_connection(("127.0.0.1", ccward.dns_port), timeout=5) for _ in range(20)]
    used = cpu_seconds(pid)
    for i in range(20):
        assert addresses(ask(ccward, "evil.example")) == ["127.0.0.1"]
        assert addresses(ask(ccward, "good.example")) == ["192.0.2.10"]
        assert ask(ccward, f"cold{i}.example").rcode() in (dns.rcode.SERVFAIL, dns.rcode.NXDOMAIN)
    time.sleep(2)
    # Connections that wait to be accepted must not keep it busy.
    assert cpu_seconds(pid) - used < 1.5
    resource.prlimit(pid, resource.RLIMIT_NOFILE, before)
    for client in clients:
        client.close()
    wait_for(lambda: addresses(ask(ccward, "www.example")) == ["127.0.0.1"], what="an answer to a cold name")
    response = dns.query.tcp(dns.message.make_query("good.example", "A"), "127.0.0.1", port=ccward.dns_port, timeout=8)
    assert addresses(response) == ["192.0.2.10"]


def test_lists_are_exchanged_under_load_without_a_wrong_or_missing_answer(ccward):
    ccward.import_feed("mine", "evil.example\n")
    wait_for(lambda: addresses(ask(ccward, "evil.example")) == ["127.0.0.1"], what="the block")
    stop, wrong, counts = threading.Event(), [], [0, 0]

    def keep_asking(place, name, expected):
        while not stop.is_set():
            counts[place] += 1
            try:
                got = addresses(ask(ccward, name, timeout=5))
            except dns.exception.Timeout:
                got = "nothing"
            if got != expected:
                wrong.append((name, got))

    threads = [threading.Thread(target=keep_asking, args=(0, "evil.example", ["127.0.0.1"])),
               threading.Thread(target=keep_asking, args=(1, "good.example", ["192.0.2.10"]))]
    for thread in threads:
        thread.start()
    for i in range(8):
        ccward.import_feed("mine", "evil.example\n" + "".join(f"n{i}-{k}.test\n" for k in range(20000)))
    stop.set()
    for thread in threads:
        thread.join()
    assert not wrong
    assert min(counts) > 100
