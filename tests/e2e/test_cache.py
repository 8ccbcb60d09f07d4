"""The DNS cache over real sockets: flushed by command, kept across a reload, stale when the upstream is away."""
import contextlib
import json
import os
import socket
import subprocess
import threading
import time

import dns.edns
import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.rrset
import pytest

from harness import free_port, wait_for


class CountingUpstream:
    """Answers every A question with an address, and counts. `delay` in seconds; `ttl` of what it says."""

    def __init__(self, ttl=300, delay=0.0):
        self.port, self.ttl, self.delay = free_port(), ttl, delay
        self.asked, self.silent = [], False
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", self.port))
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        with contextlib.suppress(OSError):  # closed
            while True:
                self.answer(*self.socket.recvfrom(4096))

    def answer(self, data, peer):
        query = dns.message.from_wire(data)
        self.asked.append(query.question[0].name.to_text().lower())
        if self.silent:
            return
        time.sleep(self.delay)
        response = dns.message.make_response(query)
        response.flags |= dns.flags.RA
        response.answer.append(dns.rrset.from_text(query.question[0].name, self.ttl, "IN", "A", "192.0.2.1"))
        self.socket.sendto(response.to_wire(), peer)

    def count(self, name):
        return self.asked.count(f"{name}.")

    def close(self):
        self.socket.close()


@pytest.fixture
def counting():
    upstream = CountingUpstream()
    yield upstream
    upstream.close()


@pytest.fixture
def cached(make_ccward, counting):
    return make_ccward(dns={"upstreams": [f"127.0.0.1:{counting.port}"]})


def ask(ccward, name, tcp=False, **options):
    send = dns.query.tcp if tcp else dns.query.udp
    return send(dns.message.make_query(name, "A", **options), "127.0.0.1", port=ccward.dns_port, timeout=20)


def stats(ccward):
    return json.loads(ccward.run("cache", "stats", "--json").stdout)


def test_flushed_names_are_asked_for_again(cached, counting):
    names = ["example.org", "a.example.org", "b.a.example.org", "example.com"]

    def ask_all():
        for name in names:
            assert ask(cached, name).answer
        return [counting.count(name) for name in names]

    assert ask_all() == ask_all() == [1, 1, 1, 1]
    assert cached.run("cache", "flush", "EXAMPLE.org").stdout == "1 answer flushed\n"
    assert ask_all() == [2, 1, 1, 1]
    assert json.loads(cached.run("cache", "flush", "a.example.org", "--subtree", "--json").stdout) == {"flushed": 2}
    assert ask_all() == [2, 2, 2, 1]
    assert cached.run("cache", "flush", "nothing.example").stdout == "0 answers flushed\n"
    assert cached.run("cache", "flush").stdout == "4 answers flushed\n"
    assert ask_all() == [3, 3, 3, 2]


def test_stats_tell_what_is_there(cached):
    ask(cached, "example.org")
    ask(cached, "example.org")
    told = stats(cached)
    assert told["entries"] == 1 and told["hits"] == 1 and told["misses"] == 1 and told["stale"] == 0
    assert 0 < told["bytes"] < 400 and told["max_bytes"] == 8 << 20
    said = cached.run("cache", "stats").stdout
    assert "answers  1\n" in said and "hits     1 (50 %), of these 0 stale" in said


def test_bad_calls_say_how_it_is_called(cached):
    for arguments, word in ((["cache"], "flush or stats?"), (["cache", "empty"], "there is no 'empty' here"),
                            (["cache", "flush", "--subtree"], "of which name?"),
                            (["cache", "flush", "a..b"], "'a..b' is not a name"),
                            (["cache", "flush", "a.example", "b.example"], "one word too many"),
                            (["cache", "stats", "x"], "one word too many"), (["cache", "flush", "--all"], "not known")):
        result = cached.run(*arguments, check=False)
        assert result.returncode == 2 and word in result.stderr, arguments
    assert "ccward cache flush [NAME [--subtree]]" in cached.run("cache", "--help").stdout


def test_the_socket_is_for_its_owner_and_goes_with_the_daemon(cached):
    path = cached.state / "control.sock"
    assert path.stat().st_mode & 0o777 == 0o600
    cached.stop()
    assert not path.exists()
    result = cached.run("cache", "flush", check=False)
    assert result.returncode == 3 and "no daemon runs" in result.stderr
    cached.start()
    cached.kill()
    assert path.exists()  # left behind
    assert cached.run("cache", "flush", check=False).returncode == 3
    cached.start()
    assert cached.run("cache", "flush").stdout == "0 answers flushed\n"


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to be another user")
def test_another_user_is_refused(cached):
    cached.state.chmod(0o755)

    def become_other():
        os.setgid(65534)
        os.setuid(65534)

    # From within the folder, since those above it are closed to others as well.
    program = "import socket; socket.socket(socket.AF_UNIX).connect('control.sock')"
    result = subprocess.run(["/usr/bin/python3", "-c", program], cwd=cached.state, preexec_fn=become_other,
                            capture_output=True, text=True)
    assert result.returncode == 1 and "PermissionError" in result.stderr
    assert subprocess.run(["/usr/bin/python3", "-c", program], cwd=cached.state).returncode == 0


def test_a_reload_and_changed_lists_leave_the_cache(cached, counting):
    ask(cached, "example.org")
    cached.config["categories"] = {"c2": "log"}
    cached.write_config()
    cached.process.send_signal(1)
    wait_for(lambda: "was read again" in cached.errors, what="the reload")
    cached.run("deny", "example.org")
    wait_for(lambda: not any(rrset.to_text().endswith("192.0.2.1") for rrset in ask(cached, "example.org").answer),
             what="the block")
    cached.run("lists", "remove", "example.org")
    wait_for(lambda: any(rrset.to_text().endswith("192.0.2.1") for rrset in ask(cached, "example.org").answer),
             what="the end of the block")
    assert counting.count("example.org") == 1


def test_d22_other_upstreams_are_asked_for_what_has_failed_before(make_ccward, counting):
    ccward = make_ccward(dns={"upstreams": [f"127.0.0.1:{free_port()}"]})
    assert ask(ccward, "example.org").rcode() == dns.rcode.SERVFAIL
    response = ask(ccward, "example.org", use_edns=0)
    assert [option.code for option in response.options if option.otype == dns.edns.EDE] == [13]
    ccward.config["dns"]["upstreams"] = [f"127.0.0.1:{counting.port}"]
    ccward.write_config()
    ccward.process.send_signal(1)
    wait_for(lambda: "was read again" in ccward.errors, what="the reload")
    wait_for(lambda: ask(ccward, "example.org").answer, 4, "an answer before the failure's time is up")


def test_d21_a_stale_answer_comes_when_the_upstream_is_silent(make_ccward):
    upstream = CountingUpstream(ttl=1)
    ccward = make_ccward(dns={"upstreams": [f"127.0.0.1:{upstream.port}"], "stale-after": "200ms"})
    ask(ccward, "example.org")
    upstream.silent = True
    time.sleep(1.1)
    response = ask(ccward, "example.org", use_edns=0)
    assert response.rcode() == dns.rcode.NOERROR and response.answer[0].ttl == 30
    assert [option.code for option in response.options if option.otype == dns.edns.EDE] == [3]
    assert stats(ccward)["stale"] == 1
    upstream.close()


def test_d23_a_herd_at_all_workers_is_one_upstream_query(make_ccward):
    upstream = CountingUpstream(delay=1.0)
    ccward = make_ccward(dns={"upstreams": [f"127.0.0.1:{upstream.port}"], "upstream-timeout": "20s",
                              "query-timeout": "30s"}, daemon={"workers": 8})
    query = dns.message.make_query("herd.example", "A").to_wire()
    clients = []
    for _ in range(200):  # ports of their own, so that the kernel spreads them over the workers
        client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        client.settimeout(30)
        client.sendto(query, ("127.0.0.1", ccward.dns_port))
        clients.append(client)
    for client in clients:
        response = dns.message.from_wire(client.recv(4096))
        assert response.rcode() == dns.rcode.NOERROR and response.answer
        client.close()
    assert upstream.count("herd.example") == 1
    upstream.close()


def private_memory_mib(ccward):
    with open(f"/proc/{ccward.process.pid}/status") as lines:
        return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon:")) / 1024


def test_d25_many_cold_names_and_a_silent_upstream_take_bounded_memory_and_pass(cached, counting):
    assert ask(cached, "cached.example").answer
    counting.silent = True
    before = private_memory_mib(cached)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as flood:
        flood.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)  # its replies are of no interest
        for i in range(100_000):
            labels = f"cold{i}".encode()
            flood.sendto(b"\0\1\1\0\0\1\0\0\0\0\0\0" + bytes([len(labels)]) + labels + b"\7example\0\0\1\0\1",
                         ("127.0.0.1", cached.dns_port))
            if i % 20_000 == 0:
                # By TCP, as the kernel drops datagrams of a flood.
                assert ask(cached, "cached.example", tcp=True).answer
                assert ask(cached, "ca91-1.winshipway.com", tcp=True).answer
    assert private_memory_mib(cached) - before < 256
    assert stats(cached)["bytes"] <= 8 << 20
    counting.silent = False

    def recovered():
        response = ask(cached, "later.example", tcp=True)
        return response.rcode() == dns.rcode.NOERROR and response.answer

    wait_for(recovered, 60, "an answer after the flood")
    assert stats(cached)["hits"] >= 5
