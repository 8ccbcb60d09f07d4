"""A browser that is set up by ccward's /proxy.pac."""
import json
import urllib.request

TEST_HOST = "ca91-1.winshipway.com"


def test_the_pac_sends_names_through_the_proxy_and_plain_names_direct(ccward, make_chromium, origin):
    chromium = make_chromium(f"--proxy-pac-url=http://127.0.0.1:{ccward.console_port}/proxy.pac",
                             resolve={"intranet": "127.0.0.1"})
    chromium.open(f"http://{TEST_HOST}/")
    assert "This computer tried to contact a server that controls malware" in chromium.text
    ccward.wait_for_callback(channel="http", subject=f"http://{TEST_HOST}/", action="block")
    chromium.open(origin.url("www.example", "/seen"))
    assert "host=www.example via=1.1 ccward" in chromium.text
    for host in ("intranet", "127.0.0.1"):
        chromium.open(origin.url(host, "/seen"))
        assert f"host={host} via= " in chromium.text


def decide(chromium, ccward, hosts):
    """What the script says of each, run by the browser's own JavaScript without the helpers that a browser lends it."""
    url = f"http://127.0.0.1:{ccward.console_port}/proxy.pac"
    script = urllib.request.urlopen(url, timeout=10).read().decode()
    return chromium.run(f"""
        "use strict";
        const decide = new Function("url", "host", {json.dumps(script)} + "; return FindProxyForURL(url, host);");
        return {json.dumps(hosts)}.map(host => decide("http://" + host + "/", host));""")


def test_the_script_decides_by_the_host_alone(make_ccward, make_chromium):
    ccward = make_ccward(proxy={"pac-direct": ["lan", "Home.Arpa"]})
    chromium = make_chromium("--no-proxy-server", resolve={})
    direct = ["printer", "LOCALHOST", "a.localhost", "a.localhost.", "nas.lan", "NAS.LAN", "lan", "x.home.arpa",
              "10.0.0.1", "127.0.0.1", "192.168.7.1", "169.254.1.1", "172.16.0.1", "172.31.255.255", "::1", "[::1]",
              "fd00::1", "fe80::1", "FEBF::1"]
    proxied = ["www.example", "lan.example", "notlan.lan.example", "xlan.example", "local.evil.example", "evillocal.com",
               "10.0.0.1.example", "172.15.0.1", "172.32.0.1", "11.0.0.1", "192.169.0.1", "8.8.8.8", "2001:db8::1",
               "fec0::1", "::2", "home.arpa.evil.example", "x.local"]
    assert decide(chromium, ccward, direct) == ["DIRECT"] * len(direct)
    assert decide(chromium, ccward, proxied) == [f"PROXY 127.0.0.1:{ccward.proxy_port}"] * len(proxied)


def test_fail_open_goes_without_a_proxy_that_is_down(make_ccward, make_chromium, origin):
    for mode, loads in (("fail-open", True), ("fail-closed", False)):
        ccward = make_ccward(proxy={"pac": mode})
        chromium = make_chromium(f"--proxy-pac-url=http://127.0.0.1:{ccward.console_port}/proxy.pac",
                                 resolve={"www.example": "127.0.0.1"})
        chromium.open(origin.url("www.example", "/seen"))
        assert "via=1.1 ccward" in chromium.text
        ccward.stop()
        if loads:
            chromium.open(origin.url("www.example", "/seen"))
            assert "via= " in chromium.text
        else:
            assert "ERR_PROXY_CONNECTION_FAILED" in chromium.error_of(origin.url("www.example", "/seen"))
