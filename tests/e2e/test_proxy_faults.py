"""What may go wrong around the proxy while it serves: sites, clients, descriptors, the store, reload and stop. That the
signer may be killed is tested in test_https_page.py."""
import concurrent.futures
import contextlib
import os
import pathlib
import resource
import select
import shutil
import signal
import socket
import subprocess
import threading
import time

import dns.message
import dns.query
import dns.rcode
import pytest

from harness import Ccward, wait_for
from http_peers import Site, client_of, field

MANY = {"max-clients-per-address": 20000}


@pytest.fixture
def site():
    with Site() as site:
        yield site


@pytest.fixture(scope="module")
def proxy(tmp_path_factory, upstream):
    with Ccward(tmp_path_factory.mktemp("faults") / "ccward", upstream) as ccward:
        yield ccward


@pytest.fixture(scope="module")
def impatient(tmp_path_factory, upstream):
    with Ccward(tmp_path_factory.mktemp("impatient") / "ccward", upstream, proxy={"response-timeout": "1s"}) as ccward:
        yield ccward


def get(url, path="/", fields=""):
    return f"GET {url}{path} HTTP/1.1\r\nHost: a\r\n{fields}\r\n".encode()


def status(ccward, url):
    with client_of(ccward) as client:
        return client.send(get(url)).response()[0][9:12]


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def dns_answers(ccward):
    query = dns.message.make_query("good.example", "A")
    return dns.query.udp(query, "127.0.0.1", port=ccward.dns_port, timeout=10).rcode() == dns.rcode.NOERROR


# Sites

def test_a_silent_site_is_504(impatient, site):
    with client_of(impatient) as client:
        client.send(get(site.url))
        with site.accept() as origin:
            assert client.response()[0].startswith(b"HTTP/1.1 504 ")
            origin.to_end()


def test_h27_a_site_that_falls_silent_in_mid_body_is_cut_off(impatient, site):
    with client_of(impatient) as client:
        client.send(get(site.url))
        with site.accept() as origin:
            origin.until(b"\r\n\r\n")
            origin.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
            assert not client.to_end().endswith(b"0\r\n\r\n")


def test_a_slow_site_s_answer_arrives_whole(proxy, site):
    with client_of(proxy) as client:
        client.send(get(site.url))
        with site.accept() as origin:
            origin.until(b"\r\n\r\n")
            for byte in b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n":
                origin.send(bytes((byte,)))
                time.sleep(0.01)
            client.until(b"0\r\n\r\n")
    assert "".join(client.got.decode().partition("\r\n\r\n")[2].split("\r\n")[1::2]) == "abc"


@pytest.mark.parametrize("answer", [b"", b"H", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nX: 1\r\n\r"])
def test_h27_a_site_that_closes_before_its_head_is_whole_is_502(proxy, site, answer):
    with client_of(proxy) as client:
        client.send(get(site.url))
        with site.accept() as origin:
            origin.until(b"\r\n\r\n")
            origin.send(answer)
        assert client.response()[0].startswith(b"HTTP/1.1 502 ")


def test_h27_a_head_without_end_is_502(proxy, site):
    with client_of(proxy) as client:
        client.send(get(site.url))
        with site.accept() as origin:
            origin.until(b"\r\n\r\n")
            origin.send(b"HTTP/1.1 200 OK\r\n" + b"X: " + b"x" * 100_000)
            assert client.response()[0].startswith(b"HTTP/1.1 502 ")


def test_h27_more_than_was_promised_is_left_out(proxy, site):
    with client_of(proxy) as client:
        client.send(get(site.url))
        with site.accept() as origin:
            origin.until(b"\r\n\r\n")
            origin.send(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc" + b"too much" * 100_000)
            assert client.response()[1] == b"abc"
            client.send(get(site.url, "/next"))
            with site.accept() as second:
                second.until(b"GET /next ")
                second.send(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nxyz")
                assert client.response()[1] == b"xyz"


# Clients

@pytest.mark.parametrize("leave", ["reset", "finish"])
@pytest.mark.parametrize("way", ["download", "upload"])
def test_h26_a_client_that_goes_in_mid_body_ends_its_site_s_connection(proxy, site, way, leave):
    client = client_of(proxy)
    if way == "download":
        client.send(get(site.url))
    else:
        client.send(f"POST {site.url}/ HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nabc".encode())
    with site.accept() as origin:
        if way == "download":
            origin.until(b"\r\n\r\n")
            origin.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\nabc")
            client.until(b"abc")
        else:
            origin.until(b"abc")
        client.reset() if leave == "reset" else client.socket.close()
        # Who has only ended his direction might still read: a download shows that he does not.
        while not select.select([origin.socket], [], [], 0.01)[0]:
            origin.send(b"x")
        origin.to_end()
        assert len(origin.got) < 1000


def hold(ccward, url, count):
    """Slow clients of three kinds: in their heads, in their bodies, in reading. Returns them."""
    clients = []
    for i in range(count):
        client = client_of(ccward)
        clients.append(client)
        if i % 3 == 0:
            client.send(f"GET {url}/ HTTP/1.1\r\nHost: a\r\nX-".encode())
        elif i % 3 == 1:
            client.send(f"POST {url}/post HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\nabc".encode())
        else:
            client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.send(get(url, "/big.bin"))
    return clients


def all_are_served(ccward, url, count):
    """COUNT clients at once, each with some requests."""
    def ask(_):
        return [status(ccward, url) for _ in range(3)]

    with concurrent.futures.ThreadPoolExecutor(count) as pool:
        answers = list(pool.map(ask, range(count)))
    assert answers == [[b"200"] * 3] * count


def test_h3_100_normal_clients_are_served_while_300_are_slow(make_ccward, origin):
    ccward = make_ccward(proxy={"head-timeout": "3s", **MANY})
    url = origin.url("127.0.0.1")
    clients = hold(ccward, url, 300)
    stop = threading.Event()

    def trickle():
        while not stop.wait(1):
            for i, client in enumerate(clients):
                if i % 3 < 2:
                    client.send(b"a")

    dripping = threading.Thread(target=trickle)
    dripping.start()
    all_are_served(ccward, url, 100)
    for client in clients[::3]:  # a head has its time, whatever drips
        assert client.to_end().startswith(b"HTTP/1.1 408 ")
    all_are_served(ccward, url, 100)
    stop.set()
    dripping.join()
    for client in clients:
        client.socket.close()
    all_are_served(ccward, url, 5)


@pytest.mark.long
@pytest.mark.parametrize("kind,path", [(["-H"], "/"), (["-B"], "/post"),
                                       (["-X", "-w", "10", "-y", "20", "-z", "5"], "/big.bin")])
def test_h3_100_normal_clients_are_served_while_slowhttptest_holds_4000(make_ccward, origin, kind, path):
    if not shutil.which("slowhttptest"):
        pytest.skip("slowhttptest is not installed")
    ccward = make_ccward(proxy=MANY)
    url = origin.url("127.0.0.1")
    attack = subprocess.Popen(["slowhttptest", *kind, "-c", "4000", "-r", "2000", "-i", "2", "-l", "40", "-p", "5",
                               "-d", f"127.0.0.1:{ccward.proxy_port}", "-u", url + path], stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL)
    try:
        wait_for(lambda: len(os.listdir(f"/proc/{ccward.process.pid}/fd")) > 2000, 30, "the attack")
        while attack.poll() is None:
            all_are_served(ccward, url, 100)
    finally:
        attack.kill()
        attack.wait()


def test_one_address_has_its_share_whatever_the_worker_and_the_rest_are_told_to_come_back(make_ccward, origin):
    ccward = make_ccward(daemon={"workers": 4}, proxy={"max-clients-per-address": 5})
    kept, turned_away = [], []
    for _ in range(20):
        client = client_of(ccward)
        head, _ = client.send(get(origin.url("127.0.0.1"))).response()
        (kept if head.startswith(b"HTTP/1.1 200 ") else turned_away).append((client, head))
    assert len(kept) == 5
    for client, head in turned_away:
        assert head.startswith(b"HTTP/1.1 503 ") and field(head, b"Retry-After")
        assert field(head, b"Connection") == [b"close"]
        client.to_end()
    for client, _ in kept + turned_away:
        client.socket.close()
    wait_for(lambda: status(ccward, origin.url("127.0.0.1")) == b"200", what="a place")


def test_a_client_that_said_close_takes_no_place_once_it_was_answered(make_ccward, origin):
    ccward = make_ccward(daemon={"workers": 1}, proxy={"max-clients-per-address": 1})
    open_still = []
    for _ in range(5):
        client = client_of(ccward)
        client.send(get(origin.url("127.0.0.1"), fields="Connection: close\r\n"))
        assert client.to_end().startswith(b"HTTP/1.1 200 ")
        open_still.append(client)
    for client in open_still:
        client.socket.close()


# Descriptors

def start_download(ccward, site):
    client = client_of(ccward)
    client.send(get(site.url))
    origin = site.accept()
    origin.until(b"\r\n\r\n")
    origin.send(b"HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\n" + b"x" * 100_000)
    return client, origin


def finish_download(client, origin):
    origin.send(b"x" * 100_000)
    assert client.response()[1] == b"x" * 200_000
    client.socket.close()
    origin.socket.close()


def is_at_ease(ccward):
    """What it uses of a processor while nothing happens is far from all of one."""
    started, used = time.monotonic(), cpu_seconds(ccward.process.pid)
    time.sleep(1.5)
    return cpu_seconds(ccward.process.pid) - used < (time.monotonic() - started) / 2


def test_h31_256_descriptors_and_1000_clients(make_ccward, origin, site):
    ccward = make_ccward(start=False, proxy=MANY)
    ccward.wrapper = ["prlimit", "--nofile=256"]
    ccward.start()
    url = origin.url("127.0.0.1")
    assert "has room for 64 clients" in ccward.errors
    download = start_download(ccward, site)
    clients = []
    for _ in range(1000):
        clients.append(client_of(ccward).send(get(url)))
    assert dns_answers(ccward) and is_at_ease(ccward)
    finish_download(*download)
    assert dns_answers(ccward)
    served = [client.response()[0][9:12] for client in clients]
    assert served.count(b"200") >= 50 and served.count(b"503") >= 500 and set(served) == {b"200", b"503"}
    for client in clients:
        client.socket.close()
    wait_for(lambda: status(ccward, url) == b"200", what="a place")


def test_h31_without_any_descriptor_accepting_pauses_and_what_runs_goes_on(make_ccward, origin, site):
    ccward = make_ccward()
    pid = ccward.process.pid
    assert dns_answers(ccward)  # it is in the cache
    download = start_download(ccward, site)
    before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (len(os.listdir(f"/proc/{pid}/fd")), before[1]))
    waiting = [client_of(ccward).send(get(origin.url("127.0.0.1"))) for _ in range(100)]
    assert is_at_ease(ccward) and dns_answers(ccward)
    finish_download(*download)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, before)
    for client in waiting:
        assert client.response()[0].startswith((b"HTTP/1.1 200 ", b"HTTP/1.1 503 "))
        client.socket.close()
    assert status(ccward, origin.url("127.0.0.1")) == b"200"


# The store

def test_the_store_is_replaced_under_load_without_a_wrong_answer(make_ccward, origin):
    ccward = make_ccward()
    ccward.import_feed("mine", "evil-below.example\n")
    urls = {origin.url("evil-below.example"): b"403", origin.url("www.example"): b"200"}
    wait_for(lambda: all(status(ccward, url) == expected for url, expected in urls.items()), what="the block")
    stop, wrong, counts = threading.Event(), [], {url: 0 for url in urls}

    def keep_asking(url, expected):
        while not stop.is_set():
            got = status(ccward, url)
            counts[url] += 1
            if got != expected:
                wrong.append((url, got))

    threads = [threading.Thread(target=keep_asking, args=item) for item in urls.items()]
    for thread in threads:
        thread.start()
    for i in range(6):
        ccward.import_feed("mine", "evil-below.example\n" + "".join(f"n{i}-{k}.test\n" for k in range(20000)))
    stop.set()
    for thread in threads:
        thread.join()
    assert not wrong and min(counts.values()) > 50


# Reload and stop

class Transfers:
    """Downloads, of which half has arrived."""

    SIZE = 40_000

    def __init__(self, ccward, site, count):
        self.clients = [client_of(ccward).send(get(site.url)) for _ in range(count)]
        self.origins = [site.accept() for _ in range(count)]
        for origin in self.origins:
            origin.until(b"\r\n\r\n")
            origin.send(f"HTTP/1.1 200 OK\r\nContent-Length: {self.SIZE}\r\n\r\n".encode() + b"x" * (self.SIZE // 2))
        for client in self.clients:
            client.until(b"\r\n\r\nx")

    def finish(self):
        for origin in self.origins:
            origin.send(b"x" * (self.SIZE // 2))
        for client in self.clients:
            assert client.response()[1] == b"x" * self.SIZE

    def close(self):
        for peer in self.clients + self.origins:
            peer.socket.close()


def reload_and_stop(make_ccward, site, count):
    ccward = make_ccward(proxy=MANY)
    transfers = Transfers(ccward, site, count)
    for _ in range(3):
        ccward.process.send_signal(signal.SIGHUP)
    assert dns_answers(ccward)
    transfers.finish()
    transfers.close()
    transfers = Transfers(ccward, site, count)
    ccward.process.send_signal(signal.SIGTERM)
    wait_for(lambda: not accepts(ccward), what="the end of accepting")
    transfers.finish()
    assert ccward.process.wait(20) == 0
    transfers.close()


def accepts(ccward):
    with contextlib.closing(socket.socket()) as probe:
        return probe.connect_ex(("127.0.0.1", ccward.proxy_port)) == 0


def test_100_transfers_survive_reloads_and_finish_before_a_stop(make_ccward, site):
    reload_and_stop(make_ccward, site, 100)


@pytest.mark.long
def test_1000_transfers_survive_reloads_and_finish_before_a_stop(make_ccward, site):
    reload_and_stop(make_ccward, site, 1000)


def test_a_transfer_that_does_not_end_does_not_hold_a_stop(make_ccward, site):
    ccward = make_ccward(daemon={"stop-timeout": "500ms"})
    transfers = Transfers(ccward, site, 10)
    ccward.process.send_signal(signal.SIGTERM)
    assert ccward.process.wait(20) == 0
    for client in transfers.clients:
        assert len(client.to_end()) < Transfers.SIZE  # and is not told that it has all
    transfers.close()
