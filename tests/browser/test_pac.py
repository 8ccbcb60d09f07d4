"""A browser that is set up by ccward's /proxy.pac."""
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
