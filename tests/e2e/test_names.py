"""Names that ccward answers itself: special ones, those of the configuration and of the hosts file."""
import signal
import time

import dns.message
import dns.query
import dns.rcode


def ask(ccward, name, rdtype="A"):
    return dns.query.udp(dns.message.make_query(name, rdtype), "127.0.0.1", port=ccward.dns_port, timeout=5)


def addresses(response):
    return [record.to_text() for rrset in response.answer for record in rrset]


def wait_for(ccward, name, expected):
    """What is followed is in force within a second or so, but the machine may be busy."""
    for _ in range(200):
        if addresses(ask(ccward, name)) == expected:
            return
        time.sleep(0.1)
    assert addresses(ask(ccward, name)) == expected


def test_special_names_are_answered_without_an_upstream(ccward):
    assert addresses(ask(ccward, "localhost")) == ["127.0.0.1"]
    for name in ("a.invalid", "a.onion", "printer.local", "use-application-dns.net", "mask.icloud.com"):
        assert ask(ccward, name).rcode() == dns.rcode.NXDOMAIN, name


def test_a_hosts_file_is_followed(make_ccward, tmp_path):
    hosts = tmp_path / "hosts"
    hosts.write_text("192.0.2.1 printer.lan\nnonsense\n")
    ccward = make_ccward(names={"hosts-file": str(hosts)}, hosts=[{"name": "nas.lan", "addresses": ["192.0.2.9"]}])
    assert addresses(ask(ccward, "printer.lan")) == ["192.0.2.1"]
    assert addresses(ask(ccward, "1.2.0.192.in-addr.arpa", "PTR")) == ["printer.lan."]
    assert addresses(ask(ccward, "nas.lan")) == ["192.0.2.9"]
    assert "1 line(s) are no entry" in ccward.errors and "line 2" in ccward.errors
    hosts.write_text("192.0.2.2 printer.lan\n")
    wait_for(ccward, "printer.lan", ["192.0.2.2"])


def test_names_of_the_configuration_change_while_it_runs(make_ccward):
    ccward = make_ccward(hosts=[{"name": "nas.lan", "addresses": ["192.0.2.9"]}])
    ccward.config["hosts"] = [{"name": "nas.lan", "addresses": ["192.0.2.10"]}]
    ccward.write_config()
    ccward.process.send_signal(signal.SIGHUP)
    wait_for(ccward, "nas.lan", ["192.0.2.10"])
