"""Chromium and Firefox on a site that does what sites do: through the proxy nothing differs from without it."""
import json

import pytest
from firefox import Firefox
from varied_site import Http2Site, VariedSite


@pytest.fixture
def browse(request, tmp_path, make_chromium):
    """Call it with a ccward, or None, to get a browser that goes through it."""
    running = []

    def make(ccward):
        if request.param == "chromium":
            proxy = [f"--proxy-server={ccward.proxy}", "--proxy-bypass-list=<-loopback>"] if ccward else ["--no-proxy-server"]
            return make_chromium(*proxy, "--ignore-certificate-errors",
                                 resolve={} if ccward else {"www.example": "127.0.0.1"})
        running.append(Firefox(tmp_path / f"firefox{len(running)}", ccward and ccward.proxy_port, any_certificate=True,
                               resolve=() if ccward else ("www.example",)))
        running[-1].start()
        return running[-1]

    yield make
    for firefox in running:
        firefox.stop()


@pytest.mark.parametrize("browse", ["chromium", "firefox"], indirect=True)
def test_nothing_differs_through_the_proxy(make_ccward, browse, tmp_path):
    with VariedSite() as site, Http2Site(tmp_path) as second:
        # Browsers send ws:// through a proxy by CONNECT as well.
        ccward = make_ccward(proxy={"connect-ports": [site.port, second.port]})
        seen = []
        for way in (ccward, None):
            browser = browse(way)
            browser.open(f"http://www.example:{site.port}/page")
            browser.wait("return document.title == 'done'", "the end of all that the page does")
            told = json.loads(browser.text)
            browser.open(f"https://www.example:{second.port}/")
            told["second"] = browser.text, browser.run(
                "return performance.getEntriesByType('navigation')[0].nextHopProtocol")
            seen.append(told)
    assert not [f"{name}: {value}" for name, value in seen[1].items() if "failed" in str(value)]
    assert seen[0] == seen[1]
    assert seen[0]["second"] == ("by HTTP/2", "h2")
    assert ccward.log_lines() == []
