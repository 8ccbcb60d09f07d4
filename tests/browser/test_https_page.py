"""The block page over https in browsers that trust ccward's authority, as `ccward ca trust` has made them."""
import subprocess

import pytest
from firefox import Firefox
from harness import wait_for

TEST_HOST = "ca91-1.winshipway.com"
URL = f"https://{TEST_HOST}/some/where?with=query"
HEADING = {"en": "This computer tried to contact a server that controls malware",
           "ja": "このコンピューターが、マルウェアを操る指令サーバーに接続しようとしました"}


@pytest.fixture
def home(tmp_path):
    """A home with a database for Chromium and a profile for Firefox, in a system of its own in a folder."""
    home = tmp_path / "root" / "home" / "mika"
    for folder in ("usr/local/share/ca-certificates", "usr/share/ca-certificates", "etc/ssl/certs",
                   "etc/ca-certificates/update.d"):
        (tmp_path / "root" / folder).mkdir(parents=True)
    (tmp_path / "root/etc/ca-certificates.conf").write_text("")
    for folder in (".pki/nssdb", ".mozilla/firefox/x.default"):
        (home / folder).mkdir(parents=True)
        subprocess.run(["certutil", "-N", "--empty-password", "-d", f"sql:{home / folder}"], check=True)
    return home


@pytest.fixture
def signing(make_ccward):
    ccward = make_ccward(start=False)
    ccward.run("ca", "init")
    return ccward.start()


def signs(ccward):
    """Whether the signer is there yet."""
    pem = ccward.state / "ca.pem"
    said = subprocess.run(["curl", "-sS", "--cacert", pem, "-x", ccward.proxy, URL], capture_output=True, text=True)
    return "<html" in said.stdout


@pytest.fixture
def trusted(signing, home):
    signing.run("ca", "trust", "--root", str(home.parent.parent))
    wait_for(lambda: signs(signing), 30, "the first page")
    return signing


@pytest.fixture
def browser(request, home, make_chromium):
    """Call it with a ccward for a browser of the home, whose proxy it is."""
    running = []

    def make(ccward, languages="en"):
        if request.param == "chromium":
            return make_chromium(f"--proxy-server={ccward.proxy}", languages=languages, resolve={}, home=home)
        running.append(Firefox(home / ".mozilla/firefox/x.default", ccward.proxy_port, languages))
        running[-1].start()
        return running[-1]

    yield make
    for firefox in running:
        firefox.stop()


both = pytest.mark.parametrize("browser", ["chromium", "firefox"], indirect=True)


@both
@pytest.mark.parametrize("language", HEADING)
def test_the_page_stands_under_the_address_that_was_asked_for(trusted, browser, language, request):
    seen = browser(trusted, "ja,en" if language == "ja" else "en-GB,en")
    seen.open(URL)
    assert seen.run("return [...document.querySelectorAll('h1')].map(h => h.innerText)") == [HEADING[language]]
    assert seen.run("return location.href") == URL and seen.run("return isSecureContext")
    line = trusted.wait_for_callback(channel="connect", action="block")
    assert line["incident"] in seen.text
    seen.keep_picture(f"https-page-{request.node.callspec.id}")


@both
def test_without_trust_the_browser_warns(signing, browser):
    wait_for(lambda: signs(signing), 30, "the first page")
    seen = browser(signing)
    said = seen.error_of(URL)
    assert "insecure certificate" in said or "ERR_CERT_AUTHORITY_INVALID" in seen.text
    assert HEADING["en"] not in seen.text


def test_who_comes_by_dns_gets_it_at_the_page_servers_port(trusted, home, make_chromium):
    chromium = make_chromium("--no-proxy-server", home=home, resolve={TEST_HOST: f"127.0.0.1:{trusted.tls_port}"})
    chromium.open(URL)
    assert chromium.run("return document.querySelector('h1').innerText") == HEADING["en"]
    trusted.wait_for_callback(channel="tls", subject=TEST_HOST, action="block")
