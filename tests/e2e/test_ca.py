"""`ccward ca`: the authority of block pages over HTTPS, judged by openssl."""
import json
import os
import pathlib
import signal
import ssl
import stat
import subprocess

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
    for arguments, words in ((["init", "--exclude", "a,DNS:b"], "no name of a domain"), ([], "say what"),
                             (["export", "--exclude", "a.example"], "by init"), (["make"], "not known"),
                             (["status", "x"], "too much")):
        result = ccward.run("ca", *arguments, check=False)
        assert result.returncode == 2 and words in result.stderr


def signers(ccward):
    """The signer processes of this daemon."""
    children = pathlib.Path(f"/proc/{ccward.process.pid}/task/{ccward.process.pid}/children").read_text().split()
    return [int(pid) for pid in children
            if b"signer" in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")]


def signer_other_than(ccward, *old):
    return wait_for(lambda: next((pid for pid in signers(ccward) if pid not in old), None), 30, "a new signer")


def test_a_signer_runs_where_there_is_an_authority(make_ccward):
    ccward = make_ccward()
    assert signers(ccward) == []
    ccward.run("ca", "init")
    pid = signer_other_than(ccward)
    wait_for(lambda: "Seccomp:\t2" in pathlib.Path(f"/proc/{pid}/status").read_text(), what="the filter")
    assert "NoNewPrivs:\t1" in pathlib.Path(f"/proc/{pid}/status").read_text()
    assert "Max core file size        0                    0" in pathlib.Path(f"/proc/{pid}/limits").read_text()
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


def test_a_signer_does_not_use_a_key_that_others_can_read(make_ccward):
    ccward = make_ccward(start=False)
    ccward.run("ca", "init")
    (ccward.state / "ca.key").chmod(0o644)
    ccward.start()
    wait_for(lambda: "ca.key is open to others" in ccward.errors, what="the complaint")
