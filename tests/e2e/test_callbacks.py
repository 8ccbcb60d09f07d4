"""The callback log and `ccward hits`."""
import json
import signal
import socket
import subprocess
import time

import dns.message
import dns.query
import dns.rcode

from harness import BINARY, wait_for

TEST_HOST = "ca91-1.winshipway.com"


def ask(ccward, name=TEST_HOST):
    return dns.query.udp(dns.message.make_query(name, "A"), "127.0.0.1", port=ccward.dns_port, timeout=5)


def test_a_callback_is_one_json_line_with_every_field(ccward):
    ask(ccward, f"deep.{TEST_HOST}")
    line = ccward.wait_for_callback()
    assert line["schema"] == 1 and line["channel"] == "dns" and line["match"] == "qname"
    assert line["subject"] == f"deep.{TEST_HOST}" and line["indicator"] == TEST_HOST
    assert line["action"] == "block" and line["category"] == "c2" and line["risk"] == "high"
    assert line["sources"] == ["test-hosts"] and line["client"]["ip"] == "127.0.0.1"
    assert line["client"]["group"] == "default" and line["incident"].startswith("CC-")
    assert line["time"].endswith("Z") and len(line["time"]) == 24 and line["count"] == 1


def test_it_is_on_disk_after_sigkill_a_second_later(ccward):
    ask(ccward)
    time.sleep(1)
    ccward.kill()
    assert [line["subject"] for line in ccward.log_lines()] == [TEST_HOST]


def test_repeats_within_ten_seconds_are_one_callback_with_a_count(ccward):
    for _ in range(5):
        ask(ccward)
    wait_for(lambda: sum(line["count"] for line in ccward.log_lines()) == 5, 3)
    assert len({line["id"] for line in ccward.log_lines()}) == 1
    [hit] = [json.loads(line) for line in ccward.run("hits", "--json").stdout.splitlines()]
    assert hit["count"] == 5


def test_names_that_are_not_listed_leave_no_line(ccward):
    ask(ccward, "good.example")
    time.sleep(0.5)
    assert ccward.log_lines() == []


def test_nothing_is_recorded_where_that_is_turned_off(make_ccward):
    ccward = make_ccward(log={"callbacks": "no"})
    assert ask(ccward).rcode() == dns.rcode.NOERROR and ask(ccward).answer  # the page, as before
    time.sleep(0.5)
    assert ccward.log_lines() == [] and "not recorded" in ccward.run("status").stdout


def test_hits_come_as_table_json_and_csv(ccward):
    ask(ccward)
    ccward.wait_for_callback()
    assert TEST_HOST in ccward.run("hits").stdout
    assert json.loads(ccward.run("hits", "--json", "--since", "1h").stdout)["subject"] == TEST_HOST
    head, line = ccward.run("hits", "--csv").stdout.splitlines()
    assert "subject" in head and TEST_HOST in line
    assert ccward.run("hits", "--since", "soon", check=False).returncode == 2


def test_follow_shows_what_comes(ccward):
    follower = subprocess.Popen([BINARY, "hits", "--json", "--follow", "-c", str(ccward.config_path)],
                                stdout=subprocess.PIPE, text=True)
    time.sleep(0.3)
    ask(ccward)
    assert json.loads(follower.stdout.readline())["subject"] == TEST_HOST
    follower.send_signal(signal.SIGINT)
    assert follower.wait(5) == 0
    follower.stdout.close()


def test_h24_hostile_names_never_reach_a_line_raw(ccward):
    query = dns.message.make_query(TEST_HOST, "A").to_wire()
    label = b"\x1b[31m\r\n\"<x>\x00\xff"
    packet = query[:12] + bytes([len(label)]) + label + query[12:]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.sendto(packet, ("127.0.0.1", ccward.dns_port))
        ccward.wait_for_callback()
    raw = (ccward.state / "callbacks.jsonl").read_bytes()
    assert raw.count(b"\n") == 1 and not any(byte < 32 for byte in raw[:-1]) and b"\x7f" not in raw
    assert "\x1b" not in ccward.run("hits").stdout


def test_a_flood_is_summed_up_with_exact_counts(ccward):
    total = 30000
    wires = [dns.message.make_query(f"n{i % 3000}.{TEST_HOST}", "A", id=i % 65536).to_wire() for i in range(3000)]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(5)
        for start in range(0, total, 50):
            for i in range(start, start + 50):
                client.sendto(wires[i % 3000], ("127.0.0.1", ccward.dns_port))
            for _ in range(50):
                client.recv(4096)
    wait_for(lambda: sum(line["count"] for line in ccward.log_lines()) == total, 20, "all counts on disk")
    lines = ccward.log_lines()
    assert len(lines) < 2000
    assert (ccward.state / "callbacks.jsonl").stat().st_size < 2_000_000


def test_the_local_program_that_called_is_named(ccward):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.sendto(dns.message.make_query(TEST_HOST, "A").to_wire(), ("127.0.0.1", ccward.dns_port))
        line = ccward.wait_for_callback()
    assert line["client"]["pid"] and "python" in line["client"]["process"]
