"""`ccward ca`: the authority of block pages over HTTPS, judged by openssl."""
import base64
import json
import os
import pathlib
import shutil
import signal
import ssl
import stat
import subprocess

import pytest

from harness import wait_for


def openssl(*arguments, **more):
    return subprocess.run(["openssl", *arguments], capture_output=True, text=True, check=True, timeout=30, **more).stdout


def text_of(path):
    return openssl("x509", "-in", str(path), "-noout", "-text")


def test_an_authority_is_made_once_and_openssl_reads_its_limits(make_ccward):
    ccward = make_ccward(start=False)
    made = ccward.run("ca", "init", "--exclude", "Bank.Example", "--exclude", "*.health.example")
    assert "fingerprint" in made.stdout
    key, certificate = ccward.state / "ca.key", ccward.state / "ca.pem"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    text = text_of(certificate)
    assert "CA:TRUE, pathlen:0" in text and "Certificate Sign" in text and "CRL Sign" not in text
    assert text.count("critical") == 3
    excluded = text.split("X509v3 Name Constraints: critical")[1]
    for name in "DNS:bank.example", "DNS:health.example", "DNS:localhost", "DNS:local", "IP:0.0.0.0/0.0.0.0":
        assert name in excluded
    before = key.read_bytes(), certificate.read_bytes()
    again = ccward.run("ca", "init", check=False)
    assert again.returncode == 1 and "there is an authority already" in again.stderr
    assert (key.read_bytes(), certificate.read_bytes()) == before


def test_export_gives_the_certificate_alone(make_ccward):
    ccward = make_ccward(start=False)
    ccward.run("ca", "init")
    pem = ccward.run("ca", "export").stdout
    assert pem == (ccward.state / "ca.pem").read_text() and "PRIVATE" not in pem
    der = ccward.run("ca", "export", "--der", text=False).stdout
    assert ssl.PEM_cert_to_DER_cert(pem) == der
    out = ccward.folder / "out.der"
    ccward.run("ca", "export", str(out), "--der")
    assert out.read_bytes() == der


def test_status_says_what_it_is_or_that_there_is_none(make_ccward):
    ccward = make_ccward(start=False)
    none = ccward.run("ca", "status", check=False)
    assert none.returncode == 1 and "ccward ca init" in none.stderr
    ccward.run("ca", "init", "--exclude", "bank.example")
    status = json.loads(ccward.run("ca", "status", "--json").stdout)
    printed = openssl("x509", "-in", str(ccward.state / "ca.pem"), "-noout", "-fingerprint", "-sha256")
    assert printed.strip().split("=")[1].replace(":", "").lower() == status["fingerprint"]
    assert "bank.example" in status["excluded"] and status["trusted_by"] == [] and status["key"] == "private"
    (ccward.state / "ca.key").chmod(0o644)
    assert json.loads(ccward.run("ca", "status", "--json").stdout)["key"] == "open to others"
    assert "nothing on this machine" in ccward.run("ca", "status").stdout


def test_bad_calls_say_what_is_wrong(make_ccward):
    ccward = make_ccward(start=False)
    for arguments, words in ((["init", "--exclude", "a,DNS:b"], "no name of a domain"), ([], "trust, untrust or status?"),
                             (["export", "--exclude", "a.example"], "--exclude does not go with `ccward ca export`"), (["make"], "there is no 'make' here"),
                             (["status", "x"], "one word too many"),
                             (["trust", "--der"], "--der does not go with `ccward ca trust`")):
        result = ccward.run("ca", *arguments, check=False)
        assert result.returncode == 2 and words in result.stderr


def signers(ccward):
    """The signer processes of this daemon."""
    children = pathlib.Path(f"/proc/{ccward.process.pid}/task/{ccward.process.pid}/children").read_text().split()
    return [int(pid) for pid in children if pathlib.Path(f"/proc/{pid}/comm").read_text() == "ccward-signer\n"]


def signer_other_than(ccward, *old):
    return wait_for(lambda: next((pid for pid in signers(ccward) if pid not in old), None), 30, "a new signer")


def test_a_signer_runs_where_there_is_an_authority(make_ccward):
    ccward = make_ccward()
    assert signers(ccward) == []
    ccward.run("ca", "init")
    pid = signer_other_than(ccward)
    wait_for(lambda: "Seccomp:\t2" in pathlib.Path(f"/proc/{pid}/status").read_text(), what="the filter")
    assert "NoNewPrivs:\t1" in pathlib.Path(f"/proc/{pid}/status").read_text()
    assert pathlib.Path(f"/proc/{pid}/mem").stat().st_uid == 0  # nobody else of this user may look into it
    ccward.stop()
    wait_for(lambda: not pathlib.Path(f"/proc/{pid}").exists(), what="the signer's end")


def test_a_signer_that_was_killed_is_started_again(make_ccward):
    ccward = make_ccward(start=False)
    ccward.run("ca", "init")
    ccward.start()
    first = signer_other_than(ccward)
    os.kill(first, signal.SIGKILL)
    second = signer_other_than(ccward, first)
    assert "the signer has ended (signal 9)" in ccward.errors
    os.kill(second, signal.SIGKILL)
    third = signer_other_than(ccward, first, second)
    assert "started again in 1000 ms" in ccward.errors  # twice as long as before
    ccward.process.send_signal(signal.SIGHUP)
    signer_other_than(ccward, first, second, third)
    assert ccward.errors.count("the signer has ended") == 2


def test_a_signer_dies_with_a_daemon_that_is_killed(make_ccward):
    ccward = make_ccward(start=False)
    ccward.run("ca", "init")
    ccward.start()
    pid = signer_other_than(ccward)
    ccward.kill()
    wait_for(lambda: not pathlib.Path(f"/proc/{pid}").exists(), what="the signer's end")


def test_h35_a_signer_does_not_use_a_key_that_others_can_read(make_ccward):
    ccward = make_ccward(start=False)
    ccward.run("ca", "init")
    (ccward.state / "ca.key").chmod(0o644)
    ccward.start()
    wait_for(lambda: "ca.key is open to others" in ccward.errors, what="the complaint")
    said = wait_for(lambda: "the signer has ended" in (text := ccward.run("status", check=False).stdout) and text,
                    what="the problem in the status")
    assert "the log says why" in said


@pytest.fixture
def root(tmp_path):
    """A system of its own in a folder, with Chromium, Firefox, two profiles and a policy of the administrator's."""
    root = tmp_path / "root"
    for folder in ("usr/share/ca-certificates", "usr/local/share/ca-certificates", "etc/ssl/certs", "etc/ca-certificates/update.d",
                   "etc/chromium", "etc/firefox/policies", "root"):
        (root / folder).mkdir(parents=True)
    (root / "etc/ca-certificates.conf").write_text("")
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "/dev/null",
            "-subj", "/CN=another authority", "-out", str(root / "usr/local/share/ca-certificates/another.crt"))
    subprocess.run(["/usr/sbin/update-ca-certificates", "--certsconf", str(root / "etc/ca-certificates.conf"), "--certsdir",
                    str(root / "usr/share/ca-certificates"), "--localcertsdir", str(root / "usr/local/share/ca-certificates"),
                    "--etccertsdir", str(root / "etc/ssl/certs"), "--hooksdir", str(root / "etc/ca-certificates/update.d")],
                   check=True, capture_output=True)
    (root / "etc/firefox/policies/policies.json").write_text(json.dumps(
        {"policies": {"DisableTelemetry": True, "Certificates": {"Install": ["/etc/own.pem"]}}}))
    for profile in "home/mika/.mozilla/firefox/x.default", "home/mika/.pki/nssdb":
        (root / profile).mkdir(parents=True)
        if CERTUTIL:
            subprocess.run([CERTUTIL, "-N", "--empty-password", "-d", f"sql:{root / profile}"], check=True)
    return root


CERTUTIL = shutil.which("certutil", path="/usr/bin")


def tree_of(root):
    """All files but NSS databases, which are other bytes for the same content, with their contents."""
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*")
            if path.is_file() and path.suffix not in (".db", ".txt") and "ca-certificates.crt" not in path.name}


def nss_of(root):
    return [subprocess.run([CERTUTIL, "-L", "-d", f"sql:{path.parent}"], capture_output=True, text=True).stdout
            for path in sorted(root.rglob("cert9.db"))]


def test_trust_is_installed_once_and_taken_back_whole(make_ccward, root):
    ccward = make_ccward(start=False)
    ccward.run("ca", "init")
    before = tree_of(root)
    tell = ccward.run("ca", "trust", "--root", str(root), "--dry-run").stdout
    assert "would be trusted by" in tell and tree_of(root) == before

    said = ccward.run("ca", "trust", "--root", str(root)).stdout
    assert [line for line in said.splitlines() if line.startswith("trusted by")] == [
        line.replace("would be ", "") for line in tell.splitlines()]
    mark = json.loads(ccward.run("ca", "status", "--json").stdout)["fingerprint"][:8]
    pem = (ccward.state / "ca.pem").read_text()
    installed = root / f"usr/local/share/ca-certificates/ccward-{mark}.crt"
    assert installed.read_text() == pem and stat.S_IMODE(installed.stat().st_mode) == 0o644
    assert pem in (root / "etc/ssl/certs/ca-certificates.crt").read_text()
    policies = json.loads((root / "etc/firefox/policies/policies.json").read_text())
    assert policies["policies"] == {"DisableTelemetry": True, "Certificates": {"Install": [
        "/etc/own.pem", f"/usr/local/share/ca-certificates/ccward-{mark}.crt"]}}
    chromium = json.loads((root / f"etc/chromium/policies/managed/ccward-ca-{mark}.json").read_text())
    assert base64.b64decode(chromium["CACertificates"][0]) == ssl.PEM_cert_to_DER_cert(pem)
    places = json.loads(ccward.run("ca", "status", "--json", "--root", str(root)).stdout)["trusted_by"]
    assert len(places) == (5 if CERTUTIL else 3)

    once = tree_of(root)
    assert "trusted by" not in ccward.run("ca", "trust", "--root", str(root)).stdout
    assert tree_of(root) == once

    ccward.run("ca", "untrust", "--root", str(root))
    after = tree_of(root)
    assert {name: json.loads(data) if name.endswith(".json") else data for name, data in after.items()} == {
        name: json.loads(data) if name.endswith(".json") else data for name, data in before.items()}
    left = (root / "usr/local/share/ca-certificates/another.crt").read_text()
    assert (root / "etc/ssl/certs/ca-certificates.crt").read_text() == left
    assert "taken out" not in ccward.run("ca", "untrust", "--root", str(root)).stdout
    assert json.loads(ccward.run("ca", "status", "--json", "--root", str(root)).stdout)["trusted_by"] == []


@pytest.mark.skipif(not CERTUTIL, reason="certutil is not installed")
def test_trust_reaches_the_databases_of_nss(make_ccward, root):
    ccward = make_ccward(start=False)
    ccward.run("ca", "init")
    name = json.loads(ccward.run("ca", "status", "--json").stdout)["name"]
    ccward.run("ca", "trust", "--root", str(root))
    assert len(nss_of(root)) == 2 and all(name in text and "C,," in text for text in nss_of(root))
    ccward.run("ca", "untrust", "--root", str(root))
    assert not any(name in text for text in nss_of(root))


def test_a_policy_that_cannot_be_read_is_left_alone_and_named(make_ccward, root):
    ccward = make_ccward(start=False)
    ccward.run("ca", "init")
    for text in ("{ not json", "[]", '{"policies": {"Certificates": {"Install": "x"}}}', '{"policies": 3}'):
        path = root / "etc/firefox/policies/policies.json"
        path.write_text(text)
        result = ccward.run("ca", "trust", "--root", str(root), check=False)
        assert result.returncode == 1 and "policies.json" in result.stderr and path.read_text() == text


def test_curl_with_the_system_s_store_takes_the_page(make_ccward, root):
    ccward = make_ccward(start=False)
    ccward.run("ca", "init")
    ccward.run("ca", "trust", "--root", str(root))
    ccward.start()
    signer_other_than(ccward)
    bundle = str(root / "etc/ssl/certs/ca-certificates.crt")

    def page():
        result = subprocess.run(["curl", "-sS", "--cacert", bundle, "-x", ccward.proxy, "https://ca91-1.winshipway.com/"],
                                capture_output=True, text=True)
        return "<html" in result.stdout
    wait_for(page, 30, "the page")
