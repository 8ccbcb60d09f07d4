"""What `ccward status` says, and that a reason which repeats is logged once."""
import http.server
import json
import os
import pathlib
import subprocess
import threading

import pytest

from harness import free_port, wait_for


def status(ccward):
    result = ccward.run("status", "--json", check=False)
    return result.returncode, json.loads(result.stdout)


def reasons(ccward):
    return [problem["reason"] for problem in status(ccward)[1]["problems"]]


def damage(ccward, name):
    [path] = (ccward.state / "reputation").glob(f"{name}.*.mdb")
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 255
    path.write_bytes(data)


def test_a_daemon_that_is_well_says_so(ccward):
    code, health = status(ccward)
    assert code == 0 and health["state"] == "ok" and health["running"] and not health["problems"]
    assert health["pid"] == ccward.process.pid
    assert health["listen"]["dns"] == [f"127.0.0.1:{ccward.dns_port}"] and len(health["upstreams"]) == 1
    ccward.run("deny", "evil.example")
    assert status(ccward)[1]["own_entries"] == 1
    said = ccward.run("status").stdout
    assert f"is running (process {ccward.process.pid}" in said and ": ok" in said
    assert "own entries 1 (`ccward lists`)" in said


def test_one_that_does_not_run_is_told_by_its_exit_code(make_ccward):
    ccward = make_ccward(start=False)
    code, health = status(ccward)
    assert code == 3 and health["state"] == "stopped" and not health["running"] and health["pid"] is None
    ccward.start()
    assert status(ccward)[0] == 0
    ccward.kill()
    result = ccward.run("status", check=False)
    assert result.returncode == 3 and "is not running" in result.stdout


def test_a_damaged_source_is_told_by_name_and_logged_once(make_ccward):
    ccward = make_ccward(start=False)
    ccward.import_feed("mine", "evil.example\n")
    damage(ccward, "mine")
    ccward.start()
    code, health = status(ccward)
    assert code == 1 and health["state"] == "degraded"
    [problem] = health["problems"]
    assert problem["kind"] == "store" and problem["name"] == "mine"
    for i in range(3):
        before = ccward.errors.count("in force: ")
        ccward.import_feed("other", f"other{i}.example\n")
        wait_for(lambda: ccward.errors.count("in force: ") > before, 5, "the new store")
    assert ccward.errors.count("reputation source mine") == 1 and ccward.errors.count("are damaged and left out") == 1
    assert "source mine is damaged" in ccward.run("status", check=False).stdout
    ccward.import_feed("mine", "evil.example\n")
    wait_for(lambda: status(ccward)[0] == 0, 5, "the end of it")
    assert "whole again" in ccward.errors


def test_a_damaged_source_is_told_without_a_daemon_too(make_ccward):
    ccward = make_ccward(start=False)
    ccward.import_feed("mine", "evil.example\n")
    damage(ccward, "mine")
    code, health = status(ccward)
    assert code == 3 and health["problems"][0]["name"] == "mine"


def test_a_damaged_file_of_own_entries_is_told_and_logged_once(ccward):
    ccward.run("deny", "good.example")
    path = ccward.state / "lists.json"
    good = path.read_text()
    path.write_text(good[:-5])
    [reason] = wait_for(lambda: reasons(ccward), 5, "the problem")
    assert f"{path}:2: " in reason and "stays in force" in reason
    wait_for(lambda: ccward.errors.count(f"{path}:2: ") == 1, 5)
    ccward.import_feed("other", "other.example\n")
    path.write_text(good)
    wait_for(lambda: status(ccward)[0] == 0, 5, "the end of it")
    assert ccward.errors.count(f"{path}:2: ") == 1


class FailingHandler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_GET(self):
        self.send_error(500)


def test_a_feed_that_fails_is_told_with_its_reason(make_ccward):
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), FailingHandler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_address[1]}/list"
        ccward = make_ccward(feeds=[{"name": "broken", "url": url, "format": "domains"}])
        [reason] = wait_for(lambda: reasons(ccward), 15, "the problem")
        assert "feed broken cannot be refreshed (not fetched yet)" in reason and "500" in reason
        assert status(ccward)[0] == 1
        wait_for(lambda: "feed broken: " in ccward.errors, 5, "the log")
        server.shutdown()


def test_a_feed_whose_reason_cannot_be_kept_is_told_and_logged_once(make_ccward):
    """As on a full disk: the refresh cannot even make the folder of its state."""
    ccward = make_ccward(start=False, feeds=[{"name": "mine", "url": "file:///nowhere", "format": "domains"}])
    ccward.state.mkdir()
    (ccward.state / "feeds").write_text("in the way")
    ccward.start()
    [reason] = wait_for(lambda: reasons(ccward), 15, "the problem")
    assert "feed mine cannot be refreshed" in reason
    wait_for(lambda: ccward.errors.count("feed mine: ") == 1, 5, "the log")


def test_callbacks_that_cannot_be_written_are_told(ccward):
    (ccward.state / "callbacks.jsonl").unlink()
    (ccward.state / "callbacks.jsonl").mkdir()
    [reason] = wait_for(lambda: reasons(ccward), 10, "the problem")
    assert "callbacks cannot be written" in reason
    (ccward.state / "callbacks.jsonl").rmdir()
    wait_for(lambda: status(ccward)[0] == 0, 10, "the end of it")


def test_without_a_console_the_files_are_looked_at(make_ccward):
    ccward = make_ccward(console={"listen": []})
    ccward.import_feed("mine", "evil.example\n")
    code, health = status(ccward)
    assert code == 1 and health["running"] and "console is off" in health["reason"]
    assert health["counts"]["sources"] == 2


def test_a_daemon_that_says_nothing_is_told(make_ccward):
    """Its console's address is taken by someone else in the configuration that the command reads."""
    ccward = make_ccward()
    ccward.config["console"] = {"listen": [f"127.0.0.1:{free_port()}"]}
    ccward.write_config()
    result = ccward.run("status", check=False)
    assert result.returncode == 1 and "cannot be asked" in result.stdout and "/healthz" in result.stdout


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become someone else")
def test_who_may_not_look_at_the_state_is_told_by_the_console(make_ccward):
    ccward = make_ccward(start=False)
    for folder in [ccward.folder, *ccward.folder.parents]:
        if folder == pathlib.Path("/tmp"):
            break
        folder.chmod(folder.stat().st_mode | 0o055)
    ccward.start()
    try:
        result = ccward.run("status", "--json", check=False, cwd="/", user=65534, group=65534, extra_groups=[])
    except (OSError, subprocess.SubprocessError):
        pytest.skip("there is no other user here")
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout)["pid"] == ccward.process.pid
    assert not result.stderr  # of feeds that cannot be seen nothing is known, and here nobody asks
    result = ccward.run("feeds", "catalogue", check=False, cwd="/", user=65534, group=65534, extra_groups=[])
    assert f"this user may not look into {ccward.state}" in result.stderr and "does not act" not in result.stderr
    ccward.stop()
    result = ccward.run("status", check=False, cwd="/", user=65534, group=65534, extra_groups=[])
    assert result.returncode == 1 and "you may not look into" in result.stderr


@pytest.mark.parametrize("words", [["status", "now"], ["status", "--yaml"]])
def test_a_wrong_call_is_told(make_ccward, words):
    assert make_ccward(start=False).run(*words, check=False).returncode == 2
