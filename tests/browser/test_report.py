"""The form of the block page in browsers: pressed, it brings a report to the administrator."""
import json

from firefox import Firefox
from harness import wait_for

TEST_HOST = "ca91-1.winshipway.com"
URL = f"http://{TEST_HOST}/"


def reports(ccward):
    return json.loads(ccward.run("reports", "--json").stdout)["reports"]


def press(browser):
    browser.open(URL)
    browser.run("document.getElementById('comment').value = 'a school page: 学校'")
    browser.run("document.querySelector('form button').click()")
    browser.wait("return document.body?.className.startsWith('report')", "the answer")
    assert "Your report was taken" in browser.text


def check(ccward):
    report = wait_for(lambda: reports(ccward), what="the report")[0]
    assert report["comment"] == "a school page: 学校" and report["host"] == TEST_HOST


def test_chromium_sends_the_form(ccward, browse_through):
    chromium = browse_through(ccward)
    press(chromium)
    check(ccward)
    chromium.keep_picture("report")


def test_firefox_sends_the_form(ccward, tmp_path):
    with Firefox(tmp_path / "profile", ccward.proxy_port) as firefox:
        press(firefox)
        check(ccward)


def test_another_site_cannot_send_it(ccward, browse_through, origin):
    page = (f'<!doctype html><title>evil</title><form id="f" method="post" action="http://{TEST_HOST}/.well-known/'
            'ccward-report"><input name="token" value="1-2"><input name="ref" value=""></form>')
    (origin.folder / "site" / "forge.html").write_text(page)
    chromium = browse_through(ccward)
    chromium.open(origin.url("www.example", "/forge.html"))
    chromium.run("document.getElementById('f').submit()")
    chromium.wait("return document.body?.className.startsWith('report')", "the answer")
    assert "was not taken" in chromium.text and reports(ccward) == []
