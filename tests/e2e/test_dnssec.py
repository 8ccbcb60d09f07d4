"""A client that validates by itself (delv of BIND) gets through ccward all that it needs, and nothing that is forged."""
import re
import shutil
import subprocess

import pytest

from harness import Program, free_port, port_answers, wait_for

ZONE = "signed.example"


class SigningPrimary(Program):
    """BIND with one zone that it signs itself."""

    def __init__(self, folder):
        super().__init__()
        self.folder, self.port = folder, free_port()

    def start(self):
        (self.folder / "zone").write_text("$TTL 300\n@ SOA ns host 1 3600 600 86400 60\n@ NS ns\nns A 127.0.0.1\n"
                                          "www A 192.0.2.80\nalias CNAME www\n*.wild A 192.0.2.81\n")
        config = self.folder / "named.conf"
        config.write_text(f"""options {{
  directory "{self.folder}"; pid-file "{self.folder}/pid"; session-keyfile "{self.folder}/session.key"; lock-file none;
  listen-on port {self.port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }}; recursion no; empty-zones-enable no;
}};
controls {{ }};
zone "{ZONE}" {{ type primary; file "{self.folder}/zone"; dnssec-policy default; inline-signing yes; }};
""")
        self.process = subprocess.Popen([shutil.which("named") or "/usr/sbin/named", "-f", "-c", str(config)],
                                        stderr=subprocess.DEVNULL)
        wait_for(lambda: port_answers(self.port), what="named's start")
        self.key = wait_for(self.signing_key, 30, "the zone's key")

    def signing_key(self):
        said = subprocess.run(["dig", "+short", "@127.0.0.1", "-p", str(self.port), ZONE, "DNSKEY", "+tries=1"],
                              capture_output=True, text=True).stdout
        key = re.match(r"(257) (\d+) (\d+) (.+)", said)
        signed = subprocess.run(["dig", "+short", "+dnssec", "@127.0.0.1", "-p", str(self.port), f"www.{ZONE}", "A"],
                                capture_output=True, text=True).stdout
        return key if key and len(signed.splitlines()) == 2 else None


@pytest.fixture(scope="module")
def primary(tmp_path_factory):
    with SigningPrimary(tmp_path_factory.mktemp("signing")) as server:
        yield server


@pytest.fixture
def delv(make_ccward, primary, tmp_path):
    """What delv says of a name that it asks ccward for."""
    ccward = make_ccward(forwards=[{"domains": [ZONE], "upstreams": [f"127.0.0.1:{primary.port}"]}])
    flags, protocol, algorithm, key = primary.key.groups()
    anchor = tmp_path / "anchor"
    anchor.write_text(f'trust-anchors {{ {ZONE}. static-key {flags} {protocol} {algorithm} "{key.replace(" ", "")}"; }};\n')

    def ask(name, kind="A"):
        return subprocess.run(["delv", "@127.0.0.1", "-p", str(ccward.dns_port), "-a", str(anchor), f"+root={ZONE}", name,
                               kind], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60).stdout

    ask.ccward = ccward
    return ask


@pytest.mark.parametrize("name, kind", [("www", "A"), ("alias", "A"), ("any.wild", "A"), ("ns", "A")])
def test_answers_are_validated_fresh_and_from_the_cache(delv, name, kind):
    for _ in range(2):
        assert "; fully validated" in delv(f"{name}.{ZONE}", kind)


@pytest.mark.parametrize("name, kind, words", [("none", "A", "$NXDOMAIN"), ("www", "TXT", "$NXRRSET")])
def test_what_is_not_there_is_proved(delv, name, kind, words):
    for _ in range(2):
        said = delv(f"{name}.{ZONE}", kind)
        assert "; negative response, fully validated" in said and words in said


def test_a_blocked_name_is_not_taken_for_the_zones_word(delv):
    delv.ccward.import_feed("bad", f"www.{ZONE}\n")
    wait_for(lambda: "fully validated" not in delv(f"www.{ZONE}"), 20, "the block")
    assert "192.0.2.80" not in delv(f"www.{ZONE}")
