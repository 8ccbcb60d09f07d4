"""What all commands have in common: --help, --json, wrong calls, a configuration that is not there; completion in bash."""

import json
import pathlib
import re
import subprocess

import pytest

from harness import BINARY

COMPLETION = pathlib.Path(__file__).resolve().parents[2] / "packaging" / "ccward.bash-completion"

# Each command with a right call of each of its verbs.
CALLS = {
    "run": ["--print-config"], "check-config": [""], "why": ["a.example"], "query": ["a.example"], "status": [""], "hits": [""],
    "feeds": ["import FILE --feed x", "refresh", "list", "rollback x", "verify", "rebuild", "remove x", "catalogue", "enable urlhaus",
              "disable x", "promote x", "monitor x"],
    "allow": ["a.example"], "deny": ["a.example"], "lists": ["", "remove a.example", "export", "import FILE"],
    "reports": ["", "list", "show 1", "done 1"], "cache": ["flush", "stats"], "signer": ["--sockets 1"],
    "ca": ["init", "export", "trust", "untrust", "status"], "system-dns": ["enable", "disable", "status", "release", "resume"],
    "system-proxy": ["enable", "disable", "status"],
}
# These want as many words as they get, so that none is too many.
TAKES_ALL = {"allow a.example", "deny a.example", "lists remove a.example", "reports done 1"}
EVERY = [f"{command} {call}".strip() for command, calls in CALLS.items() for call in calls]
SHOWN = ["feeds list", "feeds verify", "feeds catalogue", "why a.example", "lists", "reports", "reports list", "status",
         "ca status", "system-dns status", "system-proxy status"]
LINES = ["feeds refresh", "feeds rebuild", "hits"]


def run(*words):
    return subprocess.run([BINARY, *words], capture_output=True, text=True, timeout=60)


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "ccward.yaml"
    path.write_text(f"state: {{directory: {tmp_path}/state}}\ndns: {{upstreams: ['127.0.0.1:9']}}\n")
    return path


def test_the_overview_names_these_commands_and_no_others():
    overview = run("--help").stdout
    assert set(re.findall(r"^  ([a-z-]+) +", overview, re.M)) == set(CALLS)
    assert run("help").stdout == overview and run().stderr == overview and run().returncode == 2
    for words in (["frobnicate"], ["help", "frobnicate"], ["help", "why", "feeds"], ["--version", "why"]):
        result = run(*words)
        assert result.returncode == 2 and not result.stdout and "`ccward --help`" in result.stderr, words


def test_every_command_has_help_also_behind_its_verb():
    for number, (command, calls) in enumerate(CALLS.items()):
        help_text = run("help", command).stdout
        result = run(command, *calls[-1].split(), ("--help", "-h")[number % 2])
        assert help_text.startswith(f"Usage: ccward {command} ") and result.stdout == help_text, command
        assert result.returncode == 0 and not result.stderr, command


def test_what_is_wrong_with_a_call_is_told_with_where_the_help_is():
    for number, call in enumerate(EVERY):
        wrong = [["b", "c", "d"], ["--frobnicate"], ["--config"]][number % 3]  # of the three one each: starting takes time
        if call in TAKES_ALL:
            wrong = ["--frobnicate"]
        result = run(*call.split(), *wrong)
        assert result.returncode == 2 and not result.stdout, (call, wrong)
        assert f"`ccward {call.split()[0]} --help`" in result.stderr, (call, wrong)


def test_an_option_that_cannot_be_taken_is_told_by_its_own_name():
    for words, told in ((["-zq", "x"], "option -z is not known"), (["--json", "-qz", "x"], "option -z is not known"),
                        (["-é", "x"], r"option -\xc3 is not known"), (["--frob=1", "x"], "option --frob is not known"),
                        (["x", "-qc"], "option -c needs a value"), (["x", "--conf"], "option --config needs a value"),
                        (["--json=1", "x"], "option --json takes no value"), (["--help=1"], "option --help takes no value"),
                        (["x", "--c"], "option --c may be one of several: write it out")):
        result = run("why", *words)
        assert result.returncode == 2 and f"ccward why: {told}\n" in result.stderr, (words, result.stderr)


def test_a_word_that_is_no_verb_and_an_option_of_another_verb_are_refused():
    for command, calls in CALLS.items():
        if len(calls) > 1:
            result = run(command, "frobnicate")
            assert result.returncode == 2 and "there is no 'frobnicate' here: " in result.stderr, command
    for call in ("feeds list --accept", "feeds disable x --key env:A", "feeds refresh --feed x", "feeds list --format auto",
                 "cache stats --subtree", "ca status --exclude a.example", "lists --deny", "lists --group nogroup",
                 "lists show --exact", "lists export --for 1d", "lists export --json", "lists remove --for 1d x",
                 "lists remove x --force", "reports --exact --for 1d", "reports --allow", "reports show 1 --note x",
                 "reports done 1 --all", "reports --all show 1",
                 "ca trust --der", "ca init --json", "system-dns status --force", "system-proxy status --dry-run"):
        result = run(*call.split())
        assert result.returncode == 2 and "does not go with `ccward " in result.stderr, call


def test_a_configuration_that_is_not_there_gives_78(tmp_path):
    for command, calls in CALLS.items():
        call = f"{command} {calls[0]}".strip()
        result = run(*call.split(), "-c", str(tmp_path / "none.yaml"))
        assert result.returncode == (1 if command == "check-config" else 78) and "none.yaml" in result.stderr, call


def test_a_key_that_is_not_known_is_a_warning_of_check_config_that_counts(config):
    config.write_text(config.read_text() + "frobnicate: 1\n")
    result = run("check-config", "-c", str(config))
    assert result.returncode == 1 and f"{config}:3: " in result.stderr and "1 warning: ccward would start all the same" in result.stderr
    assert "1 when it has faults or warnings" in run("check-config", "--help").stdout


def test_options_may_stand_before_the_verb(config):
    for call in ("feeds enable urlhaus", "feeds promote x", "feeds list", "lists remove x", "reports show 1", "ca init"):
        command, *verb = call.split()
        result = run(command, "-c", str(config.with_name("none.yaml")), *verb)
        assert result.returncode == 78 and "none.yaml" in result.stderr, call
    assert json.loads(run("feeds", "--json", "-c", str(config), "catalogue").stdout)["feeds"]


def test_json_is_whole_also_where_there_is_nothing(config, tmp_path):
    for call in SHOWN:
        root = ["--root", str(tmp_path)] if call.startswith("system-") else []
        config_words = [] if root else ["-c", str(config)]
        json.loads(run(*call.split(), "--json", *root, *config_words).stdout)
    for call in LINES:
        assert run(*call.split(), "--json", "-c", str(config)).stdout == "", call


def test_entries_are_told_as_json_when_they_come_and_go(config):
    assert json.loads(run("deny", "a.example", "--json", "-c", str(config)).stdout)["entries"]
    removed = json.loads(run("lists", "-c", str(config), "remove", "a.example", "--json").stdout)["removed"]
    assert [entry["subject"] for entry in removed] == ["a.example"]


def test_what_an_entry_is_like_is_not_said_where_none_is_made():
    for call, with_which in (("lists import FILE --for 1d", "--allow or --deny"), ("lists import FILE --category ads", "--allow"),
                             ("reports done 1 --exact", "--allow"), ("reports done --note x 1", "--allow")):
        result = run(*call.split())
        option = next(word for word in call.split() if word.startswith("--"))
        assert result.returncode == 2 and f"{option} goes with {with_which}" in result.stderr, call


def complete(*words):
    """What bash offers for the last of the words."""
    script = f"""source {COMPLETION}
        complete -p ccward
        COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)); _ccward ccward "${{!#}}" ""; printf '%s\\n' "${{COMPREPLY[@]}}" """
    out = subprocess.run(["bash", "-c", script, "bash", "ccward", *words], capture_output=True, text=True, check=True).stdout
    told, *offered = out.split("\n")
    assert "_ccward" in told
    return {word for word in offered if word}


def test_bash_completes_commands_verbs_and_options():
    assert complete("") == set(CALLS) | {"help"}
    assert complete("sys") == {"system-dns", "system-proxy"} and complete("help", "que") == {"query"}
    assert complete("cache", "") == {"flush", "stats"} and complete("why", "") == set()
    for command in ("feeds", "lists", "ca", "system-dns"):
        calls = CALLS[command]
        verbs = {call.split()[0] for call in calls if call}
        assert verbs - {"release", "resume"} <= complete(command, ""), command
        listed = set(re.findall(r"--[a-z][a-z-]+", run(command, "--help").stdout))
        assert complete(command, "--") <= listed | {"--help", "--allow", "--deny", "--for"}, command
        assert "--help" in complete(command, "--he"), command
