"""Where queries go: upstreams of each kind, domains with servers of their own, servers learned from the machine."""
import contextlib
import json
import signal
import socket
import threading
import time

import dns.edns
import dns.exception
import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.rrset
import pytest

from harness import Authority, EncryptedUpstream, free_port, port_answers, wait_for

TEST_HOST = "ca91-1.winshipway.com"


def ask(ccward, name, rdtype="A", **options):
    query = dns.message.make_query(name, rdtype, **options)
    return dns.query.udp(query, "127.0.0.1", port=ccward.dns_port, timeout=8)


def addresses(response):
    return sorted(rdata.to_text() for rrset in response.answer for rdata in rrset)


class FakeServer(threading.Thread):
    """Answers every A query with ADDRESS, by UDP; `names` has what it was asked."""

    def __init__(self, address, ip="127.0.0.1", port=0):
        super().__init__(daemon=True)
        self.address, self.names = address, []
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((ip, port))
        self.port = self.socket.getsockname()[1]
        self.start()

    def run(self):
        with contextlib.suppress(OSError):
            while True:
                packet, client = self.socket.recvfrom(4096)
                query = dns.message.from_wire(packet)
                name = query.question[0].name.to_text().lower().rstrip(".")
                if "ccward-loop" not in name:
                    self.names.append(name)
                response = dns.message.make_response(query)
                response.answer.append(dns.rrset.from_text(query.question[0].name, 300, "IN", "A", self.address))
                self.socket.sendto(response.to_wire(), client)


@pytest.fixture
def fakes():
    made = []

    def make(address, **options):
        made.append(FakeServer(address, **options))
        return made[-1]

    yield make
    for fake in made:
        fake.socket.close()


def test_a_domain_can_have_servers_of_its_own(make_ccward, fakes):
    router, office = fakes("192.0.2.1"), fakes("192.0.2.2")
    ccward = make_ccward(forwards=[
        {"domains": ["lan", "168.192.in-addr.arpa"], "upstreams": [f"127.0.0.1:{router.port}"]},
        {"domains": ["office.lan"], "upstreams": [f"udp://127.0.0.1:{office.port}"]},
    ])
    assert addresses(ask(ccward, "printer.lan")) == ["192.0.2.1"]
    assert addresses(ask(ccward, "Mail.Office.LAN")) == ["192.0.2.2"]
    assert addresses(ask(ccward, "good.example")) == ["192.0.2.10"]
    ask(ccward, "1.1.168.192.in-addr.arpa", "PTR")
    assert set(router.names) == {"printer.lan", "1.1.168.192.in-addr.arpa"}
    assert office.names == ["mail.office.lan"]
    assert "3 domains to servers of their own" in ccward.banner


def test_the_machines_servers_are_followed_when_they_change(make_ccward, fakes, tmp_path):
    """resolv.conf has no place for a port: two servers at port 53 of loopback addresses nobody else has."""
    try:
        home, hotel = (fakes(f"192.0.2.{i}", ip=f"127.77.0.{i}", port=53) for i in (1, 2))
    except PermissionError:
        pytest.skip("port 53 is not for this user")
    resolv_conf = tmp_path / "resolv.conf"
    resolv_conf.write_text("nameserver 127.77.0.1\n")
    ccward = make_ccward(dns={"upstreams": [], "resolv-conf": str(resolv_conf)}, daemon={"workers": 2})
    assert "127.77.0.1:53" in ccward.banner
    assert addresses(ask(ccward, "a.example")) == ["192.0.2.1"]

    new = tmp_path / "new"
    new.write_text("nameserver 127.77.0.2\n")
    new.rename(resolv_conf)
    wait_for(lambda: "other DNS servers" in ccward.errors, what="the change")
    for i in range(8):
        assert addresses(ask(ccward, f"b{i}.example")) == ["192.0.2.2"]
    assert home.names == ["a.example"]

    resolv_conf.write_text("# offline\n")
    wait_for(lambda: "no upstream DNS server" in ccward.errors, what="the warning")
    wait_for(lambda: ask(ccward, "c.example").rcode() == dns.rcode.SERVFAIL, what="the end of forwarding")
    assert addresses(ask(ccward, TEST_HOST))


def test_upstreams_and_forwards_are_reloaded(make_ccward, fakes):
    other = fakes("192.0.2.3")
    ccward = make_ccward()
    assert addresses(ask(ccward, "good.example")) == ["192.0.2.10"]
    ccward.config["dns"]["upstreams"] = [f"127.0.0.1:{other.port}"]
    ccward.config["forwards"] = [{"domains": ["void"], "upstreams": [f"127.0.0.1:{free_port()}"]}]
    ccward.write_config()
    ccward.process.send_signal(signal.SIGHUP)
    wait_for(lambda: "read again" in ccward.errors, what="the reload")
    assert "only when ccward is started again" not in ccward.errors
    assert addresses(ask(ccward, "new.example")) == ["192.0.2.3"]
    assert ask(ccward, "x.void").rcode() == dns.rcode.SERVFAIL


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def encrypted(tmp_path_factory, authority):
    with EncryptedUpstream(tmp_path_factory.mktemp("encrypted"), authority) as server:
        yield server


def test_dns_over_tls_with_a_real_server(make_ccward, encrypted, authority):
    ccward = make_ccward(dns={"upstreams": [f"tls://127.0.0.1:{encrypted.tls_port}#dns.example"],
                              "upstream-ca": str(authority.path)}, daemon={"workers": 1})
    assert addresses(ask(ccward, "good.example")) == ["192.0.2.10"]
    big = dns.query.tcp(dns.message.make_query("big.example", "TXT"), "127.0.0.1", port=ccward.dns_port, timeout=8)
    assert len(big.answer[0]) == 40 and len(big.to_wire()) > 8000
    assert many(ccward, 200) == set(range(200))


def test_dns_over_tls_by_address_alone(make_ccward, encrypted, authority):
    ccward = make_ccward(dns={"upstreams": [f"tls://127.0.0.1:{encrypted.tls_port}"],
                              "upstream-ca": str(authority.path)})
    assert addresses(ask(ccward, "good.example")) == ["192.0.2.10"]


@pytest.mark.parametrize("name, trusted, why", [
    ("other.example", True, "hostname mismatch"),
    ("dns.example", False, "unable to get local issuer"),
], ids=["wrong-name", "unknown-authority"])
def test_a_server_that_is_not_who_it_should_be_gets_no_query(make_ccward, encrypted, authority, name, trusted, why):
    own = {"upstream-ca": str(authority.path)} if trusted else {}
    ccward = make_ccward(dns={"upstreams": [f"tls://127.0.0.1:{encrypted.tls_port}#{name}"], **own})
    assert ask(ccward, f"secret-{trusted}.example").rcode() == dns.rcode.SERVFAIL
    assert f"secret-{trusted}" not in encrypted.log()
    assert why in ccward.errors


def test_a_dead_tls_upstream_gives_way_to_the_next_and_is_taken_again_when_it_is_back(
        make_ccward, authority, upstream, tmp_path):
    server = EncryptedUpstream(tmp_path, authority)
    ccward = make_ccward(dns={
        "upstreams": [f"tls://127.0.0.1:{server.tls_port}#dns.example", f"127.0.0.1:{upstream.port}"],
        "upstream-ca": str(authority.path)}, daemon={"workers": 1})
    for i in range(3):
        assert ask(ccward, f"a{i}.good.example").rcode() == dns.rcode.NXDOMAIN
    with server:
        wait_for(lambda: port_answers(server.tls_port), what="the TLS server")

        def comes_through():
            comes_through.count += 1
            ask(ccward, f"b{comes_through.count}.good.example")
            return any(f" b{i}.good.example." in server.log().lower() for i in range(comes_through.count + 1))

        comes_through.count = 0
        wait_for(comes_through, what="a query by TLS")
    for i in range(3):
        assert ask(ccward, f"c{i}.good.example").rcode() == dns.rcode.NXDOMAIN


@pytest.fixture(scope="module")
def names(tmp_path_factory):
    """Who knows the address of dns.example."""
    server = FakeServer("127.0.0.1")
    yield server
    server.socket.close()


def many(ccward, count, pattern="n{}.good.example"):
    """Asks COUNT names at once; the ids that were answered."""
    queries = [dns.message.make_query(pattern.format(i), "A", id=i) for i in range(count)]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(8)
        for query in queries:
            client.sendto(query.to_wire(), ("127.0.0.1", ccward.dns_port))
        return {dns.message.from_wire(client.recv(4096)).id for _ in queries}


@pytest.mark.parametrize("url", ["https://dns.example:{port}/dns-query", "https://127.0.0.1:{port}/dns-query#dns.example",
                                 "https://127.0.0.1:{port}/dns-query"], ids=["by-name", "both", "by-address"])
def test_dns_over_https_with_a_real_server(make_ccward, encrypted, authority, names, url):
    ccward = make_ccward(dns={"upstreams": [url.format(port=encrypted.https_port)],
                              "bootstrap": [f"127.0.0.1:{names.port}"], "upstream-ca": str(authority.path)},
                         daemon={"workers": 1})
    assert addresses(ask(ccward, "good.example")) == ["192.0.2.10"]
    big = dns.query.tcp(dns.message.make_query("big.example", "TXT"), "127.0.0.1", port=ccward.dns_port, timeout=8)
    assert len(big.answer[0]) == 40
    assert many(ccward, 100) == set(range(100))


def test_dns_over_tls_by_name(make_ccward, encrypted, authority, names):
    ccward = make_ccward(dns={"upstreams": [f"tls://dns.example:{encrypted.tls_port}"],
                              "bootstrap": [f"127.0.0.1:{names.port}"], "upstream-ca": str(authority.path)})
    assert addresses(ask(ccward, "good.example")) == ["192.0.2.10"]
    assert "dns.example" in names.names and "good.example" not in names.names


def test_a_name_that_cannot_be_looked_up_leaves_the_next_upstream(make_ccward, upstream, fakes):
    nobody = free_port()
    ccward = make_ccward(dns={"upstreams": ["https://dns.example/dns-query", f"127.0.0.1:{upstream.port}"],
                              "bootstrap": [f"127.0.0.1:{nobody}"]})
    assert addresses(ask(ccward, "good.example")) == ["192.0.2.10"]


class Relay(threading.Thread):
    """Passes datagrams on to a server that may be set later, as a rule that redirects port 53 does; counts them."""

    def __init__(self):
        super().__init__(daemon=True)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.port, self.target, self.passed = self.socket.getsockname()[1], None, 0
        self.start()

    def run(self):
        with contextlib.suppress(OSError):
            while True:
                packet, client = self.socket.recvfrom(4096)
                if not self.target:
                    continue
                self.passed += 1
                threading.Thread(target=self.carry, args=(packet, client), daemon=True).start()

    def carry(self, packet, client):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out, contextlib.suppress(OSError):
            out.settimeout(8)
            out.sendto(packet, ("127.0.0.1", self.target))
            self.socket.sendto(out.recv(4096), client)


def test_d24_a_query_that_comes_back_to_us_is_not_sent_again(make_ccward):
    relay = Relay()
    ccward = make_ccward(dns={"upstreams": [f"127.0.0.1:{relay.port}"]}, daemon={"workers": 1})
    relay.target = ccward.dns_port
    assert ask(ccward, "round.example").rcode() == dns.rcode.SERVFAIL
    assert relay.passed <= 3
    assert "leads back to ccward" in ccward.errors
    relay.socket.close()


class StreamRelay(threading.Thread):
    """The same for connections; `connections` counts them."""

    def __init__(self):
        super().__init__(daemon=True)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port, self.target, self.connections = self.listener.getsockname()[1], None, 0
        self.start()

    def run(self):
        with contextlib.suppress(OSError):
            while True:
                client = self.listener.accept()[0]
                wait_for(lambda: self.target, what="a server to lead to")
                self.connections += 1
                server = socket.create_connection(("127.0.0.1", self.target))
                for ends in ((client, server), (server, client)):
                    threading.Thread(target=self.carry, args=ends, daemon=True).start()

    def carry(self, source, sink):
        with contextlib.suppress(OSError):
            while data := source.recv(4096):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)


@pytest.mark.parametrize("workers", [1, 3])
def test_d24_a_query_that_comes_back_by_tcp_is_known_too(make_ccward, workers):
    relay = StreamRelay()
    ccward = make_ccward(dns={"upstreams": [f"tcp://127.0.0.1:{relay.port}"]}, daemon={"workers": workers})
    relay.target = ccward.dns_port
    answer = ask(ccward, "round.example", use_edns=0)
    assert answer.rcode() == dns.rcode.SERVFAIL
    assert [option.code for option in answer.options if isinstance(option, dns.edns.EDEOption)] == [23]
    wait_for(lambda: "leads back to ccward" in ccward.errors, what="the loop's discovery")
    assert relay.connections <= 3  # the query, and those that look for a loop
    relay.listener.close()


def test_d24_two_daemons_that_ask_each_other_end_it_with_a_few_packets(make_ccward):
    """Before either has found out: the relays lead nowhere while both look at their upstreams."""
    there, back = Relay(), Relay()
    one = make_ccward(dns={"upstreams": [f"127.0.0.1:{there.port}"]}, daemon={"workers": 1})
    other = make_ccward(dns={"upstreams": [f"127.0.0.1:{back.port}"]}, daemon={"workers": 1})
    there.target, back.target = other.dns_port, one.dns_port
    assert ask(one, "round.example").rcode() == dns.rcode.SERVFAIL
    assert there.passed <= 8 and back.passed <= 8  # with those that look for a loop once it is in trouble
    assert addresses(ask(one, TEST_HOST)) and addresses(ask(other, TEST_HOST))
    for relay in (there, back):
        relay.socket.close()


def errors_of(response):
    return [(option.code, option.text) for option in response.options if isinstance(option, dns.edns.EDEOption)]


def problems_of(ccward):
    return json.loads(ccward.run("status", "--json", check=False).stdout)["problems"]


LOOP = (23, "an upstream leads back to this server")


def ring(make_ccward, upstreams, **more):
    """As many daemons as UPSTREAMS, each asking the next, the last the first; a function gives the address for one."""
    daemons = [make_ccward(start=False, **more) for _ in upstreams]
    for i, ccward in enumerate(daemons):
        following = daemons[(i + 1) % len(daemons)]
        ccward.config["dns"]["upstreams"] = [upstreams[i](following)]
        ccward.write_config()
        ccward.start()
    return daemons


def expect_loop(ccward):
    wait_for(lambda: "leads back to ccward" in ccward.errors, seconds=30, what="the loop's discovery")
    response = ask(ccward, f"n{time.monotonic_ns()}.example", use_edns=0)
    assert response.rcode() == dns.rcode.SERVFAIL and errors_of(response) == [LOOP]
    told = [problem for problem in problems_of(ccward) if "leads back to ccward" in problem["reason"]]
    assert [problem["kind"] for problem in told] == ["upstreams"]
    assert ccward.errors.count("leads back to ccward") == 1
    assert addresses(ask(ccward, TEST_HOST))


@pytest.mark.parametrize("count, workers", [(2, 1), (2, 3), (3, 1)])
def test_d24_daemons_that_ask_each_other_find_the_loop_and_say_so(make_ccward, count, workers):
    for ccward in ring(make_ccward, [lambda following: f"127.0.0.1:{following.dns_port}"] * count,
                       daemon={"workers": workers}):
        expect_loop(ccward)


@pytest.mark.parametrize("kind", ["tls", "https"])
def test_d24_daemons_that_ask_each_other_by_tls_or_https_find_it_too(make_ccward, authority, kind):
    key, certificate = authority.issue(f"ring-{kind}", "IP:127.0.0.1")
    ports = {}

    def address(following):
        path = "/dns-query" if kind == "https" else ""
        return f"{kind}://127.0.0.1:{ports[following]}{path}"

    daemons = [make_ccward(start=False, daemon={"workers": 2}) for _ in range(2)]
    for ccward in daemons:
        ports[ccward] = free_port()
        ccward.config["dns"].update({f"{kind}-listen": [f"127.0.0.1:{ports[ccward]}"], "tls-key": str(key),
                                     "tls-certificate": str(certificate), "upstream-ca": str(authority.path)})
    for ccward, following in zip(daemons, reversed(daemons)):
        ccward.config["dns"]["upstreams"] = [address(following)]
        ccward.write_config()
        ccward.start()
    for ccward in daemons:
        expect_loop(ccward)


@pytest.mark.parametrize("kind", ["tls", "https"])
def test_d24_a_query_that_comes_back_by_tls_or_https_is_known_too(make_ccward, authority, kind):
    """Over a relay, which the check of the configuration cannot see through; also by its cookie, before that is known."""
    relay, port = StreamRelay(), free_port()
    key, certificate = authority.issue(f"self-{kind}", "IP:127.0.0.1")
    path = "/dns-query" if kind == "https" else ""
    ccward = make_ccward(dns={
        "upstreams": [f"{kind}://127.0.0.1:{relay.port}{path}"], f"{kind}-listen": [f"127.0.0.1:{port}"],
        "tls-key": str(key), "tls-certificate": str(certificate), "upstream-ca": str(authority.path)},
        daemon={"workers": 2})
    relay.target = port
    response = ask(ccward, "round.example", use_edns=0)
    assert response.rcode() == dns.rcode.SERVFAIL and errors_of(response) == [LOOP]
    expect_loop(ccward)
    relay.listener.close()


def test_d24_only_the_upstream_that_leads_back_is_left_out(make_ccward, upstream):
    relay = Relay()
    ccward = make_ccward(start=False, dns={"upstreams": [f"127.0.0.1:{relay.port}", f"127.0.0.1:{upstream.port}"]},
                         daemon={"workers": 1})
    relay.target = ccward.dns_port
    ccward.start()
    wait_for(lambda: "leads back to ccward" in ccward.errors, what="the loop's discovery")
    before = relay.passed
    assert addresses(ask(ccward, "good.example")) == ["192.0.2.10"]
    assert relay.passed == before
    assert f"127.0.0.1:{relay.port}" in problems_of(ccward)[0]["reason"]
    relay.socket.close()


def test_d24_other_upstreams_end_a_loop_at_once(make_ccward, upstream):
    relay = Relay()
    ccward = make_ccward(start=False, dns={"upstreams": [f"127.0.0.1:{relay.port}"]}, daemon={"workers": 2})
    relay.target = ccward.dns_port
    ccward.start()
    expect_loop(ccward)
    ccward.config["dns"]["upstreams"] = [f"127.0.0.1:{upstream.port}"]
    ccward.write_config()
    ccward.process.send_signal(signal.SIGHUP)
    wait_for(lambda: not problems_of(ccward), what="the end of the problem")
    assert addresses(ask(ccward, "good.example")) == ["192.0.2.10"]
    relay.socket.close()


def test_d24_a_router_that_asks_us_for_names_it_does_not_know_is_told_of_and_still_asked(make_ccward, upstream):
    """The usual house: its router asks ccward, and ccward the router for the names of the house."""
    class Router(FakeServer):
        target = None

        def run(self):
            with contextlib.suppress(OSError):
                while True:
                    packet, client = self.socket.recvfrom(4096)
                    threading.Thread(target=self.answer, args=(packet, client), daemon=True).start()

        def answer(self, packet, client):
            query = dns.message.from_wire(packet)
            response = dns.message.make_response(query)
            if query.question[0].name.to_text().lower() == "printer.lan.":
                response.answer.append(dns.rrset.from_text(query.question[0].name, 300, "IN", "A", self.address))
            else:
                with contextlib.suppress(dns.exception.Timeout):
                    response = dns.query.udp(query, "127.0.0.1", port=self.target, timeout=4)
            with contextlib.suppress(OSError):
                self.socket.sendto(response.to_wire(), client)

    router = Router("192.0.2.1")
    ccward = make_ccward(start=False, forwards=[{"domains": ["lan"], "upstreams": [f"127.0.0.1:{router.port}"]}],
                         daemon={"workers": 1})
    router.target = ccward.dns_port
    ccward.start()
    wait_for(lambda: "leads back to ccward" in ccward.errors, what="the loop's discovery")
    answer = ask(ccward, "printer.lan", use_edns=0)
    assert addresses(answer) == ["192.0.2.1"], answer
    assert addresses(ask(ccward, "good.example")) == ["192.0.2.10"]
    assert "names of lan that it does not know" in problems_of(ccward)[0]["reason"]
    router.socket.close()


def test_an_idle_machine_sees_by_itself_that_an_upstream_is_back(make_ccward, fakes):
    port = free_port()
    ccward = make_ccward(dns={"upstreams": [f"127.0.0.1:{port}"], "upstream-timeout": "200ms"}, daemon={"workers": 2})
    for i in range(2):
        ask(ccward, f"n{i}.example")
    wait_for(lambda: problems_of(ccward), what="the problem")
    fakes("192.0.2.9", port=port)
    wait_for(lambda: not problems_of(ccward), seconds=60, what="the end of the problem")
    assert "answers again" in ccward.errors
    assert addresses(ask(ccward, "n0.example")) == ["192.0.2.9"]  # it failed, but that was the outage


def test_authorities_that_cannot_be_read_are_refused_alike_by_check_config_start_and_reload(make_ccward):
    encrypted = {"upstreams": ["tls://127.0.0.1:1"], "upstream-ca": "/none.pem"}
    ccward = make_ccward()
    usual = dict(ccward.config["dns"])
    told = "/none.pem cannot be read: No such file or directory"
    ccward.config["dns"].update(encrypted)
    ccward.write_config()
    checked = ccward.run("check-config", check=False)
    assert checked.returncode == 1 and f"{ccward.config_path}:1: dns.upstream-ca: " in checked.stderr
    assert told in checked.stderr and "1 fault\n" in checked.stderr
    ccward.process.send_signal(signal.SIGHUP)
    wait_for(lambda: "was not read again" in ccward.errors)
    assert "the configuration was read again" not in ccward.errors
    status = json.loads(ccward.run("status", "--json", check=False).stdout)
    assert status["state"] == "degraded" and [problem["kind"] for problem in status["problems"]] == ["configuration"]
    assert told in status["reason"] and "what was in force stays in force" in status["reason"]
    assert ask(ccward, "good.example").rcode() == dns.rcode.NOERROR
    ccward.config["dns"] = usual
    ccward.write_config()
    ccward.process.send_signal(signal.SIGHUP)
    wait_for(lambda: "the configuration was read again" in ccward.errors)
    assert json.loads(ccward.run("status", "--json").stdout)["state"] == "ok"
    other = make_ccward(start=False, dns=encrypted)
    started = other.run("run", check=False)
    assert started.returncode == 78 and told in started.stderr


def test_status_tells_when_no_upstream_answers_and_when_one_does_again(make_ccward, fakes):
    port = free_port()
    ccward = make_ccward(dns={"upstreams": [f"127.0.0.1:{port}"], "upstream-timeout": "200ms", "stale-for": "0ms"},
                         daemon={"workers": 2})

    def status():
        return json.loads(ccward.run("status", "--json", check=False).stdout)

    assert status()["state"] == "ok"

    def told():
        ask(ccward, f"n{time.monotonic_ns()}.example")
        return status()["state"] == "degraded"

    wait_for(told, seconds=30, what="the problem")
    problem = status()["problems"][0]
    assert problem["kind"] == "upstreams" and f"127.0.0.1:{port}" in problem["reason"]
    assert "none of the upstream DNS servers answers" in ccward.run("status", check=False).stdout
    assert "none of the upstream DNS servers answers" in ccward.errors
    fakes("192.0.2.9", port=port)

    def gone():
        with contextlib.suppress(dns.exception.Timeout):
            ask(ccward, f"n{time.monotonic_ns()}.example")
        return status()["state"] == "ok"

    wait_for(gone, seconds=60, what="the end of the problem")
    assert "answers again" in ccward.errors
