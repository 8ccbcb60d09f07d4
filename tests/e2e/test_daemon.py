"""Starting, stopping, reloading, and the sub-commands."""
import json
import signal
import subprocess
import time
import urllib.error
import urllib.request

import dns.message
import dns.query
import pytest

from harness import BINARY, wait_for

TEST_HOST = "ca91-1.winshipway.com"


def ask(ccward, name=TEST_HOST):
    return dns.query.udp(dns.message.make_query(name, "A"), "127.0.0.1", port=ccward.dns_port, timeout=5)


def test_the_banner_names_what_listens_and_what_to_try(ccward):
    assert f"127.0.0.1:{ccward.dns_port}" in ccward.banner and f"127.0.0.1:{ccward.proxy_port}" in ccward.banner
    assert f"dig @127.0.0.1 -p {ccward.dns_port}" in ccward.banner and "curl -x" in ccward.banner


def test_sigterm_and_sigint_end_it_cleanly(make_ccward):
    for number in (signal.SIGTERM, signal.SIGINT):
        ccward = make_ccward()
        assert ask(ccward).answer
        started = time.monotonic()
        ccward.process.send_signal(number)
        assert ccward.process.wait(10) == 0
        assert time.monotonic() - started < 6
        assert "ERROR" not in ccward.errors


def test_a_second_start_names_the_process_that_holds_the_port(ccward):
    second = subprocess.run([BINARY, "run", "-c", str(ccward.config_path)], capture_output=True, text=True, timeout=20)
    assert second.returncode == 75
    assert str(ccward.process.pid) in second.stderr and "ccward" in second.stderr, second.stderr


def test_hangup_reads_the_configuration_again_and_a_bad_one_changes_nothing(ccward):
    assert ask(ccward).answer
    ccward.config["groups"] = [{"name": "default", "names": "off"}]
    ccward.write_config()
    ccward.process.send_signal(signal.SIGHUP)
    wait_for(lambda: not ask(ccward).answer, 5, "the new configuration")
    good = ccward.config_path.read_text()
    ccward.config_path.write_text(good + "dns: [\n")
    ccward.process.send_signal(signal.SIGHUP)
    wait_for(lambda: "not read again" in ccward.errors, 5)
    assert not ask(ccward).answer


def test_an_import_is_in_force_within_a_second(ccward):
    ccward.import_feed("mine", "new-evil.example\n")
    wait_for(lambda: ask(ccward, "new-evil.example").answer, 1.5, "the block")
    assert ccward.run("feeds", "remove", "mine")
    wait_for(lambda: not ask(ccward, "new-evil.example").answer, 1.5, "the block's end")


def test_why_works_without_a_daemon_and_its_exit_code_tells_the_verdict(make_ccward):
    ccward = make_ccward(start=False)
    assert "block" in ccward.run("why", TEST_HOST).stdout
    assert "test-hosts" in ccward.run("why", f"http://{TEST_HOST}/x").stdout
    for subject, code in ((TEST_HOST, 4), ("good.example", 0), ("192.0.2.1", 0), ("bad name", 2), ("", 2)):
        assert ccward.run("why", "--quiet", subject, check=False).returncode == code, subject
    report = json.loads(ccward.run("why", "--json", f"www.{TEST_HOST}").stdout)
    assert report["action"] == "block" and report["indicator"] == TEST_HOST and report["sources"] == ["test-hosts"]
    assert report["records"][0]["category"] == "c2"


def test_a_url_test_host_is_blocked_as_a_url_only(make_ccward):
    ccward = make_ccward(start=False)
    assert ccward.run("why", "--quiet", "http://proxy.opendnstest.com/botnet.htm", check=False).returncode == 4
    assert ccward.run("why", "--quiet", "proxy.opendnstest.com", check=False).returncode == 0


def test_addresses_are_logged_unless_a_group_says_block(make_ccward):
    ccward = make_ccward(start=False)
    ccward.import_feed("ips", "192.0.2.7\n198.51.100.0/24\n", form="ips")
    assert ccward.run("why", "--quiet", "192.0.2.7", check=False).returncode == 3
    assert ccward.run("why", "--quiet", "198.51.100.200:4444", check=False).returncode == 3
    ccward.config["groups"] = [{"name": "lab", "clients": ["10.0.0.0/8"], "addresses": "block"}]
    ccward.write_config()
    assert ccward.run("why", "--quiet", "--client", "10.1.2.3", "192.0.2.7", check=False).returncode == 4
    assert ccward.run("why", "--quiet", "192.0.2.7", check=False).returncode == 3


def test_check_config_names_file_line_and_field(make_ccward):
    ccward = make_ccward(start=False)
    assert "is right" in ccward.run("check-config").stdout
    ccward.config_path.write_text("dns:\n  listen: [nowhere]\n  lisen: []\n")
    result = ccward.run("check-config", check=False)
    assert result.returncode == 1
    assert f"{ccward.config_path}:2: dns.listen[0]" in result.stderr
    assert f"{ccward.config_path}:3: " in result.stderr and "dns.lisen" in result.stderr
    assert result.stderr.endswith("1 fault, besides the warnings\n")
    ccward.config_path.write_text("dns:\n  lisen: []\n")
    result = ccward.run("check-config", check=False)
    assert result.returncode == 1 and result.stderr.endswith("1 warning: ccward would start all the same\n")


def test_print_config_shows_what_is_in_force(make_ccward):
    ccward = make_ccward(start=False)
    printed = ccward.run("run", "--print-config").stdout
    assert f"127.0.0.1:{ccward.dns_port}" in printed and "block-ttl: 10s" in printed


def test_every_command_has_help():
    for words in (["--help"], ["run", "--help"], ["check-config", "--help"], ["feeds", "--help"], ["why", "--help"],
                  ["hits", "--help"], ["help", "why"], ["--version"], ["allow", "--help"], ["help", "deny"],
                  ["lists", "--help"], ["lists", "remove", "-h"], ["status", "--help"]):
        result = subprocess.run([BINARY, *words], capture_output=True, text=True, timeout=20)
        assert result.returncode == 0 and result.stdout, words
    assert subprocess.run([BINARY, "nothing"], capture_output=True, timeout=20).returncode == 2


def test_health_and_pac_are_served(ccward):
    with urllib.request.urlopen(f"http://127.0.0.1:{ccward.console_port}/healthz", timeout=5) as response:
        health = json.load(response)
    assert health["state"] == "ok" and health["counts"]["names"] > 10
    with urllib.request.urlopen(f"http://127.0.0.1:{ccward.console_port}/proxy.pac", timeout=5) as response:
        assert response.headers["Content-Type"] == "application/x-ns-proxy-autoconfig"
        assert f"PROXY 127.0.0.1:{ccward.proxy_port}" in response.read().decode()


def test_a_damaged_source_is_left_out_and_said_so(make_ccward):
    ccward = make_ccward(start=False)
    ccward.import_feed("mine", "evil.example\nother.example\n")
    [path] = (ccward.state / "reputation").glob("mine.*.mdb")
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 255
    path.write_bytes(data)
    ccward.start()
    wait_for(lambda: "damaged" in ccward.errors, 5)
    assert ask(ccward).answer, "the built-in source protects all the same"
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"http://127.0.0.1:{ccward.console_port}/healthz", timeout=5)
    assert refused.value.code == 503 and json.load(refused.value)["state"] == "degraded"


def test_requests_under_way_finish_when_it_stops(make_ccward, origin):
    ccward = make_ccward(daemon={"stop-timeout": "5s"})
    transfer = subprocess.Popen(["curl", "-s", "--limit-rate", "5M", "-x", ccward.proxy, "-o", "/dev/null", "-w",
                                 "%{size_download}", origin.url("www.example", "/big.bin")], stdout=subprocess.PIPE)
    time.sleep(0.5)
    ccward.process.send_signal(signal.SIGTERM)
    assert transfer.communicate(timeout=20)[0] == b"10485760"
    assert ccward.process.wait(10) == 0
