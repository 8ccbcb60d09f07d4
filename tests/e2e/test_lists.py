"""The user's own entries: in force within a second, for a group, for a time, recorded, kept whatever happens."""
import json
import os
import pathlib
import re
import subprocess

import dns.message
import dns.query
import pytest

from harness import BINARY, wait_for

KIDS = {"name": "kids", "clients": ["127.0.0.2"]}
SOON = 5  # on a busy machine


def addresses(ccward, name, client="127.0.0.1"):
    reply = dns.query.udp(dns.message.make_query(name, "A"), "127.0.0.1", port=ccward.dns_port, source=client, timeout=5)
    return [item.address for rrset in reply.answer for item in rrset if item.rdtype == dns.rdatatype.A]


def blocked(ccward, name, client="127.0.0.1"):
    return addresses(ccward, name, client) == ["127.0.0.1"]


def fetch(ccward, url, client="127.0.0.1"):
    return subprocess.run(["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "--interface", client, "-x",
                           ccward.proxy, url], capture_output=True, text=True, timeout=20).stdout


def entries(ccward):
    return {(entry["subject"], entry["group"]): entry
            for entry in json.loads(ccward.run("lists", "--json").stdout)["entries"]}


def test_an_approved_name_resolves_at_once(ccward):
    ccward.import_feed("mine", "good.example\n")
    wait_for(lambda: blocked(ccward, "good.example"), SOON, "the block")
    said = ccward.run("allow", "Good.Example.", "--note", "needed at work").stdout
    assert said.startswith("allow good.example and all below it")
    wait_for(lambda: addresses(ccward, "good.example") == ["192.0.2.10"], SOON, "the approval")
    ccward.run("lists", "remove", "good.example")
    wait_for(lambda: blocked(ccward, "good.example"), SOON, "the block again")


def test_a_denied_name_is_blocked_and_freed_by_itself(ccward):
    assert addresses(ccward, "good.example") == ["192.0.2.10"]
    ccward.run("deny", "good.example", "--for", "7s")
    wait_for(lambda: blocked(ccward, "good.example"), SOON, "the block")
    [line] = [line for line in ccward.run("lists").stdout.splitlines() if "good.example" in line]
    assert re.search(r"deny +good\.example +all +\d+ s", line)
    wait_for(lambda: addresses(ccward, "good.example") == ["192.0.2.10"], 20, "its end")
    assert "good.example" not in ccward.run("lists").stdout


def test_entries_of_a_group_hold_for_its_clients_alone(make_ccward, origin):
    ccward = make_ccward(groups=[KIDS])
    ccward.run("deny", "good.example", "www.example", "--group", "kids")
    wait_for(lambda: blocked(ccward, "good.example", "127.0.0.2"), SOON, "the block")
    assert not blocked(ccward, "good.example")
    assert fetch(ccward, origin.url("www.example"), "127.0.0.2") == "403"
    assert fetch(ccward, origin.url("www.example")) == "200"
    ccward.run("deny", "good.example")
    ccward.run("allow", "good.example", "--group", "kids")
    wait_for(lambda: blocked(ccward, "good.example"), SOON, "the block of all others")
    wait_for(lambda: not blocked(ccward, "good.example", "127.0.0.2"), SOON, "the group's approval")
    refused = ccward.run("deny", "good.example", "--group", "adults", check=False)
    assert refused.returncode == 2 and "there are: default, kids" in refused.stderr


@pytest.mark.parametrize("verb", ["allow", "deny"])
def test_what_is_only_recorded_passes(ccward, verb):
    ccward.import_feed("mine", "good.example\n")
    ccward.run(verb, "good.example", "--log-only", "--category", "dynamic-dns")
    wait_for(lambda: addresses(ccward, "good.example") == ["192.0.2.10"], SOON, "the answer")
    line = ccward.wait_for_callback(subject="good.example", action="log")
    assert line["sources"] == ["user", "mine"] and line["category"] == "dynamic-dns"


def test_an_approval_that_records_covers_what_the_name_is_an_alias_of(ccward):
    def recorded(action):
        # The answer cannot tell: the name's own address is that of the page.
        addresses(ccward, "www.cloak.example")
        return any(line["subject"] == "www.cloak.example" and line["action"] == action for line in ccward.log_lines())

    ccward.import_feed("mine", "tracker.cloak.example\n")
    assert ccward.run("why", "--quiet", "www.cloak.example", check=False).returncode == 0
    wait_for(lambda: recorded("block"), what="the block")
    ccward.run("allow", "=www.cloak.example", "--log-only")
    wait_for(lambda: recorded("log"), what="the record")


def test_urls_and_addresses_act_in_the_proxy(ccward, origin):
    assert fetch(ccward, origin.url("www.example", "/dir/page.html")) == "200"
    said = ccward.run("deny", origin.url("www.example", "/dir/")).stdout
    assert f"deny www.example:{origin.port}/dir/" in said and "proxy alone" in said
    wait_for(lambda: fetch(ccward, origin.url("www.example", "/dir/page.html")) == "403", SOON, "the block")
    assert fetch(ccward, origin.url("www.example")) == "200"
    assert ccward.run("deny", f"127.0.0.1:{origin.port}", check=False).returncode == 2
    ccward.run("deny", f"127.0.0.1:{origin.port}", "--force")
    wait_for(lambda: fetch(ccward, origin.url("innocent.example")) == "403", SOON, "the block of the address")
    ccward.wait_for_callback(channel="ip", action="block", indicator=f"127.0.0.1:{origin.port}")
    ccward.run("allow", f"127.0.0.1:{origin.port}")
    wait_for(lambda: fetch(ccward, origin.url("innocent.example")) == "200", SOON, "the approval")


def test_the_later_entry_replaces_the_earlier_and_says_so(make_ccward):
    ccward = make_ccward(start=False)
    ccward.run("deny", "evil.example", "--note", "first")
    said = json.loads(ccward.run("allow", "EVIL.example", "--for", "15m", "--json").stdout)["entries"]
    assert said[0]["replaced"]["verb"] == "deny" and said[0]["replaced"]["note"] == "first"
    assert 890 < said[0]["left_s"] <= 900
    assert ccward.run("deny", "evil.example").stdout.splitlines()[1].startswith("  in place of: allow evil.example")
    assert len(entries(ccward)) == 1


@pytest.mark.parametrize("subject, why", [
    ("com", "single label"), ("co.uk", "public suffix"), ("localhost", "this machine"), ("127.0.0.1", "this machine"),
    ("::1", "this machine"), ("0.0.0.0/0", "large part"), ("bad name", "no name, URL"), ("192.0.2.7/24", "192.0.2.0/24"),
    ("ftp://x.example/", "http://"), ("", "not nothing")])
def test_nonsense_is_refused_with_its_reason(make_ccward, subject, why):
    ccward = make_ccward(start=False)
    result = ccward.run("deny", subject, check=False)
    assert result.returncode == 2 and why in result.stderr
    assert ("--force" in result.stderr) == (why in ("single label", "public suffix", "this machine", "large part"))
    assert not (ccward.state / "lists.json").exists()


def test_where_ccward_itself_answers_is_not_denied_by_a_slip(make_ccward):
    ccward = make_ccward(start=False, proxy={"listen": ["192.0.2.53:3128"], "allow-clients": ["192.0.2.0/24"]})
    for subject in ("192.0.2.53", "192.0.2.0/24", "192.0.2.53:3128"):
        refused = ccward.run("deny", subject, check=False)
        assert refused.returncode == 2 and "ccward itself" in refused.stderr
    ccward.run("deny", "192.0.2.54")


def test_names_in_any_script_are_taken(make_ccward):
    ccward = make_ccward(start=False)
    ccward.run("deny", "bücher.example")
    assert ccward.run("why", "--quiet", "xn--bcher-kva.example", check=False).returncode == 4


def test_commands_at_once_lose_nothing(make_ccward):
    ccward = make_ccward(start=False)
    running = [subprocess.Popen([BINARY, "deny", f"n{i}.example", "-c", str(ccward.config_path)],
                                stdout=subprocess.DEVNULL) for i in range(6)]
    assert [process.wait(60) for process in running] == [0] * 6
    assert len(entries(ccward)) == 6
    assert ccward.run("why", "--quiet", "n0.example", check=False).returncode == 4


def test_a_damaged_file_is_left_alone_and_protection_goes_on(ccward):
    ccward.run("deny", "good.example")
    path = ccward.state / "lists.json"
    damaged = path.read_text().replace('"deny"', '"dney"')
    path.write_text(damaged)
    for words in (["allow", "other.example"], ["lists"], ["lists", "remove", "good.example"]):
        refused = ccward.run(*words, check=False)
        assert refused.returncode == 1 and f"{path}:2: entries[0].verb" in refused.stderr
    assert path.read_text() == damaged
    wait_for(lambda: blocked(ccward, "good.example"), SOON, "the block")


def test_what_a_killed_command_left_is_in_force_after_a_start(make_ccward):
    ccward = make_ccward(start=False)
    ccward.run("deny", "good.example")
    for path in (ccward.state / "reputation").glob("user.*"):
        path.unlink()
    ccward.start()
    assert blocked(ccward, "good.example")


def test_what_is_written_by_hand_is_in_force_soon(ccward):
    (ccward.state / "lists.json").write_text(
        '{"schema": 1, "entries": [{"subject": "good.example", "verb": "deny"}]}')
    wait_for(lambda: blocked(ccward, "good.example"), 5, "the block")


def test_lists_are_exported_and_imported(make_ccward, tmp_path):
    ccward, other = make_ccward(start=False, groups=[KIDS]), make_ccward(start=False)
    approved, exported = tmp_path / "approved.txt", tmp_path / "exported.json"
    approved.write_bytes("\ufeff# approved\r\n192.0.2.1\r\n198.51.100.0/24 # office\r\n\r\nMail.Example\r\n".encode())
    assert "3 entries" in ccward.run("lists", "import", str(approved), "--allow", "--note", "from before").stdout
    ccward.run("deny", "evil.example", "--group", "kids")
    ccward.run("lists", "export", str(exported))
    assert json.loads(ccward.run("lists", "export").stdout) == json.loads(exported.read_text())
    refused = other.run("lists", "import", str(exported), check=False)
    assert refused.returncode == 1 and "no group 'kids'" in refused.stderr and not entries(other)
    other.run("lists", "import", str(exported), "--force")
    assert entries(other).keys() == entries(ccward).keys()
    assert entries(other)[("mail.example", None)]["note"] == "from before"
    approved.write_text("192.0.2.2\nnot good\ncom\n")
    refused = ccward.run("lists", "import", str(approved), "--deny", check=False)
    assert f"{approved}:2: " in refused.stderr and f"{approved}:3: " in refused.stderr
    assert ("192.0.2.2", None) not in entries(ccward)


def test_own_entries_are_kept_apart_from_feeds(make_ccward, tmp_path):
    ccward = make_ccward(start=False)
    ccward.run("deny", "evil.example")
    feeds = {line["name"]: line for line in json.loads(ccward.run("feeds", "list", "--json").stdout)["feeds"]}
    assert feeds["user"]["kind"] == "user" and feeds["user"]["names"] == 1
    refused = ccward.run("feeds", "remove", "user", check=False)
    assert refused.returncode == 2 and "ccward lists remove" in refused.stderr
    path = tmp_path / "list"
    path.write_text("evil.example\n")
    assert ccward.run("feeds", "import", str(path), "--feed", "user", check=False).returncode != 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root writes for another user")
def test_what_root_writes_belongs_to_the_owner_of_the_state(make_ccward):
    ccward = make_ccward(start=False)
    ccward.state.mkdir()
    try:
        os.chown(ccward.state, 65534, 65534)
    except OSError:
        pytest.skip("there is no other user here")
    for folder in [ccward.state, *ccward.state.parents]:
        if folder == pathlib.Path("/tmp"):
            break
        folder.chmod(folder.stat().st_mode | 0o055)
    ccward.run("deny", "evil.example")
    assert {path.stat().st_uid for path in [ccward.state / "lists.json", *(ccward.state / "reputation").iterdir()]} == {
        65534}
