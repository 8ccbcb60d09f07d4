"""`ccward system-proxy` on machines that are folders, and on a home whose GNOME is a small program."""
import configparser
import contextlib
import json
import os
import stat
import subprocess

import pytest

from harness import BINARY, free_port

ADDRESS = "127.0.0.1:3128"
NETWORKS = "127.0.0.0/8,::1,10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,fc00::/7,169.254.0.0/16,fe80::/10"


class Machine:
    """A folder with the files of a machine, or of a home."""

    def __init__(self, folder, *more):
        self.root, self.more = folder / "root", more
        self.config = folder / "ccward.yaml"
        self.config.write_text(f'proxy:\n  listen: ["{ADDRESS}"]\n  pac-direct: [lan]\n')
        for place in ("etc", "var/lib", "usr/bin"):
            (self.root / place).mkdir(parents=True)

    def write(self, path, content=""):
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        return file

    def read(self, path):
        return (self.root / path).read_text()

    def picture(self):
        found = {}
        for path in sorted(self.root.rglob("*")):
            name = str(path.relative_to(self.root))
            if path.is_symlink():
                found[name] = ("link", os.readlink(path))
            elif path.is_dir():
                found[name] = ("folder",)
            else:
                found[name] = ("file", path.read_bytes(), path.stat().st_mode, path.stat().st_uid)
        return found

    def run(self, *words, code=0):
        result = subprocess.run([BINARY, "system-proxy", *words, "--root", str(self.root), *self.more, "-c",
                                 str(self.config)], capture_output=True, text=True, timeout=60)
        assert result.returncode == code, result.stdout + result.stderr
        return result

    def told(self, *words, code=0):
        return json.loads(self.run(*words, "--json", code=code).stdout)


@pytest.fixture
def machine(tmp_path):
    """With a desktop of each kind and all browsers."""
    machine = Machine(tmp_path)
    for program in ("dconf", "plasmashell", "chromium", "google-chrome", "microsoft-edge", "brave-browser",
                    "firefox-esr"):
        machine.write(f"usr/bin/{program}")
    return machine


def foreign(machine):
    """What others have put there before."""
    machine.write("etc/environment", b'PATH="/usr/bin"\nhttp_proxy=http://old:1\nLAST=no line end \xff').chmod(0o640)
    machine.write("etc/dconf/profile/user", "user-db:user\nsystem-db:site\n")
    machine.write("etc/xdg/kioslaverc", "Timeout=5\n\n[Proxy Settings]\nProxyType=0\nOther=x\n\n[Cache]\nSize=1\n")
    machine.write("etc/firefox/policies/policies.json", '{"policies": {"DisableTelemetry":true}}')
    machine.write("etc/chromium/policies/managed/other.json", "{}")


@pytest.mark.parametrize("before", [lambda machine: None, foreign], ids=["fresh", "used"])
def test_what_enable_changes_disable_puts_back_byte_for_byte(machine, before):
    before(machine)
    original = machine.picture()
    dry = machine.told("enable", "--dry-run")
    assert machine.picture() == original and dry["dry_run"] and dry["proxy"] == ADDRESS
    told = machine.told("enable")
    assert told["state"] == "on" and told["scope"] == "system" and told["commands"] == ["dconf update"]
    assert [file["content"] for file in dry["files"]] == [file["content"] for file in told["files"]]
    changed = machine.picture()
    for file in told["files"]:
        with contextlib.suppress(UnicodeDecodeError):  # what is no UTF-8 is shown with escapes
            assert changed[file["path"][1:]][1].decode() == file["content"], file["path"]
    assert machine.told("status")["state"] == "on"
    machine.run("enable")  # again: the same
    assert machine.picture() == changed
    assert machine.told("disable", "--dry-run")["state"] == "off" and machine.picture() == changed
    assert machine.told("disable")["state"] == "off"
    assert machine.picture() == original
    assert machine.told("status", code=3)["state"] == "off"
    machine.run("disable")
    assert machine.picture() == original


def test_each_place_says_it_in_its_own_way(machine):
    foreign(machine)
    machine.run("enable")
    lines = machine.root.joinpath("etc/environment").read_bytes().decode(errors="replace").splitlines()
    assert lines[:2] == ['PATH="/usr/bin"', "http_proxy=http://old:1"], "what was there stays, ours comes later"
    ours = dict(line.split("=", 1) for line in lines[3:] if not line.startswith("#"))
    assert ours == {**dict.fromkeys(["http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"], f"http://{ADDRESS}"),
                    **dict.fromkeys(["no_proxy", "NO_PROXY"], f"localhost,.lan,{NETWORKS}")}
    gnome = configparser.ConfigParser()
    gnome.read_string(machine.read("etc/dconf/db/ccward.d/proxy"))
    assert gnome["system/proxy"]["mode"] == "'manual'" and "'*.lan'" in gnome["system/proxy"]["ignore-hosts"]
    assert gnome["system/proxy"]["ignore-hosts"] == str(["localhost", "*.lan", *NETWORKS.split(",")]).replace(" ", "")
    assert dict(gnome["system/proxy/https"]) == {"host": "'127.0.0.1'", "port": "3128"}
    assert machine.read("etc/dconf/profile/user") == "user-db:user\nsystem-db:site\nsystem-db:ccward\n"
    kde = machine.read("etc/xdg/kioslaverc")
    assert kde.startswith("Timeout=5\n\n[Proxy Settings]\nProxyType=1\nhttpProxy=http://127.0.0.1 3128\n")
    assert "\nOther=x\n\n[Cache]\nSize=1\n" in kde and "ProxyType=0" not in kde
    for folder in ("chromium", "opt/chrome", "opt/edge", "brave"):
        policy = json.loads(machine.read(f"etc/{folder}/policies/managed/ccward-proxy.json"))["ProxySettings"]
        assert policy["ProxyMode"] == "fixed_servers" and policy["ProxyServer"] == ADDRESS
        assert policy["ProxyBypassList"] == f"<local>;lan;*.lan;{NETWORKS.replace(',', ';')}"
    policies = json.loads(machine.read("etc/firefox/policies/policies.json"))["policies"]
    assert policies["DisableTelemetry"] is True and policies["Proxy"]["HTTPProxy"] == ADDRESS
    in_brackets = NETWORKS.replace("::1", "[::1]").replace("fc00::", "[fc00::]").replace("fe80::", "[fe80::]")
    assert policies["Proxy"]["Passthrough"] == f"<local>, localhost,.lan,{in_brackets}"
    assert policies["Proxy"]["Mode"] == "manual" and policies["Proxy"]["UseHTTPProxyForAllProtocols"] is True


def test_only_what_is_there_is_changed(tmp_path):
    machine = Machine(tmp_path)
    told = machine.told("enable")
    assert [file["path"] for file in told["files"]] == ["/etc/environment"] and told["commands"] == []
    machine.write("usr/bin/firefox-esr")
    machine.run("enable")  # what came since
    assert "Proxy" in machine.read("etc/firefox/policies/policies.json")
    (machine.root / "usr/bin/firefox-esr").unlink()
    machine.run("disable")
    assert not (machine.root / "etc/firefox").exists() and not (machine.root / "etc/environment").exists()


def test_what_others_wrote_since_stays(machine):
    foreign(machine)
    machine.run("enable")
    environment = machine.root / "etc/environment"
    environment.write_bytes(environment.read_bytes() + b"LATER=1\n")
    policies = json.loads(machine.read("etc/firefox/policies/policies.json"))
    policies["policies"]["Later"] = 1
    machine.write("etc/firefox/policies/policies.json", json.dumps(policies))
    kde = machine.read("etc/xdg/kioslaverc")
    machine.write("etc/xdg/kioslaverc", kde.replace("Size=1", "Size=2").replace("NoProxyFor=localhost", "NoProxyFor=mine"))
    machine.write("etc/dconf/profile/user", machine.read("etc/dconf/profile/user") + "system-db:later\n")
    assert machine.told("status")["state"] == "on", "ours is in all of them"
    told = machine.told("disable")
    assert told["state"] == "off" and told["notes"].count("only what ccward had put there was taken out") == 4
    assert environment.read_bytes() == b'PATH="/usr/bin"\nhttp_proxy=http://old:1\nLAST=no line end \xff\nLATER=1\n'
    assert json.loads(machine.read("etc/firefox/policies/policies.json")) == \
        {"policies": {"DisableTelemetry": True, "Later": 1}}
    kde = machine.read("etc/xdg/kioslaverc")
    assert "ProxyType=0\n" in kde and "NoProxyFor=mine" in kde and "httpProxy" not in kde and "Size=2" in kde
    assert machine.read("etc/dconf/profile/user") == "user-db:user\nsystem-db:site\nsystem-db:later\n"


def test_status_tells_where_it_was_taken_out(machine):
    machine.run("enable")
    (machine.root / "etc/environment").write_text("")
    told = machine.told("status", code=1)
    assert told["state"] == "changed"
    assert [file["path"] for file in told["files"] if file["foreign"]] == ["/etc/environment"]
    assert "/etc/environment (programs started at a login): ccward is not in it" in machine.run("status", code=1).stdout
    machine.run("enable")
    assert machine.told("status")["state"] == "on"


def test_another_proxy_in_firefox_and_damaged_files_are_left_alone(machine):
    for content, told in (('{"policies": {"Proxy": {"Mode": "none"}}}', "it sets another proxy"),
                          ("{nonsense", "line 1: it is no JSON object"), ('{"policies": 1}', "no object")):
        machine.write("etc/firefox/policies/policies.json", content)
        result = machine.told("enable", code=1)
        assert told in result["notes"] and result["state"] == "changed"
        assert machine.read("etc/firefox/policies/policies.json") == content
        assert "http_proxy" in machine.read("etc/environment"), "the others are done"
        machine.run("disable")


def test_links_are_left_alone(machine):
    (machine.root / "etc/environment").symlink_to("elsewhere")
    assert "it is a link" in machine.told("enable", code=1)["notes"]
    assert os.readlink(machine.root / "etc/environment") == "elsewhere"
    machine.run("disable")


def test_certificates_and_proxy_share_the_policies_of_firefox(machine, ccward):
    ccward.run("ca", "init")
    (machine.root / "etc/ssl/certs").mkdir(parents=True)
    machine.write("etc/ca-certificates.conf")
    ccward.run("ca", "trust", "--root", str(machine.root), check=False)
    machine.run("enable")
    both = json.loads(machine.read("etc/firefox/policies/policies.json"))["policies"]
    assert set(both) == {"Certificates", "Proxy"}
    managed = machine.root / "etc/chromium/policies/managed"
    assert len(list(managed.iterdir())) == 2
    ccward.run("ca", "untrust", "--root", str(machine.root), check=False)
    assert set(json.loads(machine.read("etc/firefox/policies/policies.json"))["policies"]) == {"Proxy"}
    machine.run("disable")
    assert not (machine.root / "etc/firefox/policies/policies.json").exists()


def test_a_changed_address_is_written_anew(machine):
    foreign(machine)
    original = machine.picture()
    machine.run("enable")
    machine.config.write_text('proxy:\n  listen: ["0.0.0.0:8888", "[::1]:9999"]\n  allow-clients: [10.0.0.0/8]\n')
    assert machine.told("enable")["proxy"] == "127.0.0.1:8888", "a wildcard is loopback for this machine"
    assert machine.read("etc/xdg/kioslaverc").count("8888") == 2
    machine.config.write_text('proxy:\n  listen: ["[::1]:9999"]\n')
    machine.run("enable")
    assert "http_proxy=http://[::1]:9999" in machine.root.joinpath("etc/environment").read_bytes().decode(errors="replace")
    assert "host='::1'" in machine.read("etc/dconf/db/ccward.d/proxy")
    machine.run("disable")
    assert machine.picture() == original


def test_without_a_proxy_there_is_nothing_to_enable(machine):
    machine.config.write_text("proxy:\n  listen: []\n")
    assert "ccward has no proxy" in machine.run("enable", code=1).stderr


def test_a_damaged_record_is_told(machine):
    machine.run("enable")
    record = machine.root / "var/lib/ccward-system-proxy/state.json"
    good = json.loads(record.read_text())
    for bad in ("", "[]", json.dumps({**good, "files": [{**good["files"][0], "path": "/etc/shadow"}]})):
        record.write_text(bad)
        for verb in ("enable", "disable", "status"):
            assert "docs/system-proxy.md" in machine.run(verb, code=1).stderr


def test_a_proxy_that_does_not_answer_is_not_enabled(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    config = tmp_path / "c.yaml"
    config.write_text(f'proxy:\n  listen: ["127.0.0.1:{free_port()}"]\n')
    result = subprocess.run([BINARY, "system-proxy", "enable", "--user", "-c", str(config)], capture_output=True, text=True)
    assert result.returncode == 1 and "no proxy answers" in result.stderr and list(tmp_path.iterdir()) == [config]


def test_of_a_user_the_home_is_changed(tmp_path):
    home = Machine(tmp_path, "--user")
    home.write(".config/kioslaverc", "[Cache]\nSize=1\n")
    original = home.picture()
    told = home.told("enable")
    assert told["scope"] == "user"
    assert "http_proxy=http://127.0.0.1:3128\n" in home.read(".config/environment.d/ccward-proxy.conf")
    assert home.read(".config/kioslaverc").endswith("[Proxy Settings]\nProxyType=1\nhttpProxy=http://127.0.0.1 3128\n"
                                                    "httpsProxy=http://127.0.0.1 3128\nNoProxyFor="
                                                    f"localhost,.lan,{NETWORKS}\n"
                                                    "ReversedException=false\n")
    home.run("disable")
    left = home.picture()
    assert {name: left[name] for name in left if not name.startswith(".local")} == original


GSETTINGS = """#!/usr/bin/python3
import json, pathlib, sys
store = pathlib.Path(__file__).parent / "store.json"
kept = json.loads(store.read_text())
verb, schema, key, *value = sys.argv[1:]
if verb == "set" and store.with_name("broken").exists():
    sys.exit(1)
if verb == "get":
    print(kept[f"{schema} {key}"])
else:
    kept[f"{schema} {key}"] = value[0]
    store.write_text(json.dumps(kept))
"""


def test_gnome_of_a_user_is_set_and_given_back(ccward, tmp_path):
    programs, home = tmp_path / "programs", tmp_path / "home"
    programs.mkdir()
    home.mkdir()
    (programs / "gsettings").write_text(GSETTINGS)
    (programs / "gsettings").chmod(stat.S_IRWXU)
    store = programs / "store.json"
    before = {"org.gnome.system.proxy mode": "'none'", "org.gnome.system.proxy ignore-hosts": "['localhost', 'it''s']",
              **{f"org.gnome.system.proxy.{scheme} {key}": value for scheme in ("http", "https")
                 for key, value in (("host", "''"), ("port", "8080"))}}
    store.write_text(json.dumps(before))
    environment = {**os.environ, "HOME": str(home), "PATH": f"{programs}:{os.environ['PATH']}"}
    ccward.run("system-proxy", "enable", "--user", "--dry-run", env=environment)
    assert json.loads(store.read_text()) == before and list(home.iterdir()) == []
    told = ccward.run("system-proxy", "enable", "--user", env=environment).stdout
    assert "on: this user's programs use http://127.0.0.1:" in told
    now = json.loads(store.read_text())
    assert now["org.gnome.system.proxy mode"] == "'manual'"
    assert now["org.gnome.system.proxy.http port"] == str(ccward.proxy_port)
    assert now["org.gnome.system.proxy.https host"] == "'127.0.0.1'"
    ccward.run("system-proxy", "enable", "--user", env=environment)  # does not take ours for theirs
    (programs / "broken").touch()
    failed = ccward.run("system-proxy", "disable", "--user", env=environment, check=False)
    assert failed.returncode == 1 and json.loads(store.read_text()) == now
    (programs / "broken").unlink()
    ccward.run("system-proxy", "disable", "--user", env=environment)  # still knows what there was
    assert json.loads(store.read_text()) == before
    environment["PATH"] = "/nonexistent"
    told = ccward.run("system-proxy", "enable", "--user", env=environment).stdout
    assert "none are changed" in told


def test_wrong_calls_say_what_is_wrong(machine):
    for words, told in ((["frobnicate"], "no 'frobnicate'"), ([], "enable, disable or status?"),
                        (["enable", "now"], "one word too many"), (["enable", "--color"], "not known")):
        assert told in machine.run(*words, code=2).stderr
    result = subprocess.run([BINARY, "system-proxy", "status", "--root", "/nonexistent"], capture_output=True, text=True)
    assert result.returncode == 2 and "/nonexistent is no folder" in result.stderr
