"""The page that tells how to set up a browser, and what browsers show where it leads. CCWARD_UPDATE_PICTURES=1 takes the
pictures of docs/system-proxy.md anew:

    CCWARD_UPDATE_PICTURES=1 CCWARD_BINARY=$PWD/build/release/ccward \\
        /usr/bin/python3 -m pytest -q -p no:cacheprovider tests/browser/test_setup_page.py
"""
import os
import shutil

import pytest
from firefox import Firefox
from harness import OUTPUT, ROOT, wait_for
from test_block_page import CONTRASTS, PHONE, WIDER_THAN_SCREEN

TEST_HOST = "ca91-1.winshipway.com"
MAX_BYTES = 150 * 1024


def keep(name):
    picture = OUTPUT / "screenshots" / f"{name}.png"
    assert 1000 < picture.stat().st_size < MAX_BYTES, name
    if os.environ.get("CCWARD_UPDATE_PICTURES") == "1":
        folder = ROOT / "docs" / "pictures"
        folder.mkdir(exist_ok=True)
        shutil.copy(picture, folder / f"{name}.png")


@pytest.mark.parametrize("language, words", [("en", "See whether it works"), ("ja", "正しく設定できたか確かめる")])
def test_the_page_is_for_everyone(ccward, make_chromium, language, words):
    chromium = make_chromium("--no-proxy-server", languages=language, resolve={})
    for scheme in ("light", "dark"):
        chromium.show(1280, 900, scheme)
        chromium.open(f"http://127.0.0.1:{ccward.console_port}/setup")
        assert words in chromium.text and f"http://127.0.0.1:{ccward.console_port}/proxy.pac" in chromium.text
        assert f"127.0.0.1:{ccward.proxy_port}" in chromium.text
        assert chromium.run("return document.documentElement.lang") == language
        too_faint = [found for found in chromium.run(CONTRASTS) if found["ratio"] < 7]
        assert not too_faint
    assert chromium.complaints() == [], "the page's own policy lets all of it through"
    _, width, height, mobile = PHONE
    chromium.show(width, height, mobile=mobile)
    assert chromium.run(WIDER_THAN_SCREEN) == []
    chromium.show(840, 640)
    chromium.keep_picture(f"setup-{language}", whole=False)
    keep(f"setup-{language}")


def test_what_the_page_says_of_firefox_works(ccward, origin, tmp_path):
    """Firefox's own dialog, by itself in a tab, then a look whether Firefox uses the proxy."""
    with Firefox(tmp_path / "profile", arguments=["--remote-allow-system-access"]) as firefox:
        firefox.command("WebDriver:SetWindowRect", {"width": 800, "height": 860})
        firefox.command("WebDriver:NewWindow", {"type": "tab", "focus": True})  # the dialog closes it
        firefox.command("Marionette:SetContext", {"value": "chrome"})
        firefox.run("""gBrowser.selectedBrowser.fixupAndLoadURIString(
            "chrome://browser/content/preferences/dialogs/connection.xhtml",
            {triggeringPrincipal: Services.scriptSecurityManager.getSystemPrincipal()});""")
        firefox.wait("return gBrowser.contentDocument?.getElementById('networkProxyAutoType')?.checkVisibility()",
                     "the dialog")
        firefox.run(f"""
            const dialog = gBrowser.contentDocument, Event = dialog.defaultView.Event;
            dialog.getElementById("networkProxyAutoType").click();
            const field = dialog.getElementById("networkProxyAutoconfigURL");
            field.value = "http://127.0.0.1:{ccward.console_port}/proxy.pac";
            for (const name of ["input", "change"])
                field.dispatchEvent(new Event(name, {{bubbles: true}}));""")
        firefox.keep_picture("setup-firefox")
        keep("setup-firefox")
        firefox.run("setTimeout(() => gBrowser.contentDocument.querySelector('dialog').getButton('accept').click())")
        firefox.wait("return Services.prefs.getIntPref('network.proxy.type') == 2", "the choice")
        firefox.command("Marionette:SetContext", {"value": "content"})
        wait_for(lambda: "Blocked" in firefox.error_of(f"http://{TEST_HOST}/"), what="the block page")
        firefox.open(origin.url("www.example", "/seen"))
        assert "via=1.1 ccward" in firefox.text


def test_what_the_page_says_of_chromium_is_there(make_chromium):
    chromium = make_chromium("--no-proxy-server", resolve={})
    chromium.show(1000, 480)
    chromium.open("chrome://settings/system")
    chromium.wait("""
        const find = node => node.textContent?.includes("proxy settings") ||
            [...node.querySelectorAll?.("*") ?? []].some(child => child.shadowRoot && find(child.shadowRoot));
        return find(document);""", "the entry")
    chromium.keep_picture("setup-chromium", whole=False)
    keep("setup-chromium")
