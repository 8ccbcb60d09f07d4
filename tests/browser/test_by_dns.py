"""A browser without a proxy on a machine whose resolver is ccward: blocked names lead it to ccward's page server."""
from chromium import Chromium
from harness import Ccward, Origin, Upstream
from own_network import in_own_network

TEST_HOST = "ca91-1.winshipway.com"


@in_own_network
def test_a_blocked_name_leads_to_the_page(tmp_path):
    for name in ("upstream", "origin"):
        (tmp_path / name).mkdir()
    with Upstream(tmp_path / "upstream") as upstream, Origin(tmp_path / "origin") as origin, \
            Ccward(tmp_path / "ccward", upstream, dns={"listen": ["127.0.0.1:53"]},
                   blockpage={"listen": ["127.0.0.1:80"], "tls-listen": ["127.0.0.1:443"]}) as ccward, \
            Chromium(tmp_path / "profile", "--no-proxy-server") as chromium:
        chromium.show(1280, 900)
        chromium.open(origin.url("www.example"))
        assert chromium.text == "a small site", "a name that is not blocked is resolved as ever"

        chromium.open(f"http://{TEST_HOST}/some/where")
        ccward.wait_for_callback(channel="dns", subject=TEST_HOST, action="block")
        line = ccward.wait_for_callback(channel="page", subject=f"http://{TEST_HOST}/some/where", action="block")
        assert "This computer tried to contact a server that controls malware" in chromium.text
        assert line["incident"] in chromium.text
        chromium.keep_picture("by-dns-first-en-desktop-light")

        assert "net::ERR_SSL_" in chromium.error_of(f"https://{TEST_HOST}/")
        ccward.wait_for_callback(channel="tls", subject=TEST_HOST, action="block")
        chromium.keep_picture("by-dns-https", whole=False)
