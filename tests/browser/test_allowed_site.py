"""A site that nothing blocks, through the proxy: it is as it would be without; what it embeds of blocked hosts is not
there, and nothing else goes wrong."""
import struct
import zlib

import pytest
from harness import wait_for

TEST_HOST = "ca91-1.winshipway.com"


def png(width, height, colour):
    """A picture of one colour."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = (b"\0" + bytes(colour) * width) * height
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)) +
            chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


PAGE = """<!doctype html><meta charset="utf-8"><title>a site</title><link rel="stylesheet" href="style.css">
<h1>a site</h1><p>日本語 &amp; text</p><img id="picture" src="picture.png" alt="">
<a id="moved" href="/moved">moved</a>
<form id="form" method="post" action="/post" enctype="text/plain"><textarea name="text"></textarea>
<button>send</button></form><script src="script.js"></script>
"""

EMBEDDING = f"""<!doctype html><meta charset="utf-8"><title>embedding</title><h1>a page</h1><script>
window.seen = {{}};
const see = (what, how) => {{ seen[what] = how; }};
fetch("http://{TEST_HOST}/fetch").then(() => see("fetch", "loaded"), () => see("fetch", "failed"));
</script>
<img src="http://{TEST_HOST}/image" onload="see('image', 'loaded')" onerror="see('image', 'failed')">
<script src="http://{TEST_HOST}/script" onload="see('script', 'loaded')" onerror="see('script', 'failed')"></script>
<link rel="stylesheet" href="http://{TEST_HOST}/style" onload="see('style', 'loaded')" onerror="see('style', 'failed')">
<iframe src="http://{TEST_HOST}/iframe" onload="see('iframe', 'over')"></iframe>
<p id="last">the rest of the page</p>
"""


@pytest.fixture(scope="module")
def site(origin):
    folder = origin.folder / "site" / "browser"
    folder.mkdir()
    (folder / "page.html").write_text(PAGE)
    (folder / "embedding.html").write_text(EMBEDDING)
    (folder / "style.css").write_text("body { background: rgb(1, 60, 120); color: rgb(250, 250, 200) }")
    (folder / "script.js").write_text("document.body.append('written by a script')")
    (folder / "picture.png").write_bytes(png(120, 80, (200, 30, 90)))
    return origin


def test_a_site_looks_the_same_as_without_the_proxy(ccward, browse_through, make_chromium, site):
    pictures, texts = [], []
    for chromium in (browse_through(ccward), make_chromium("--no-proxy-server", resolve={"www.example": "127.0.0.1"})):
        chromium.show(800, 600)
        chromium.open(site.url("www.example", "/browser/page.html"))
        chromium.wait("return document.getElementById('picture').naturalWidth == 120", "the picture")
        assert chromium.run("return getComputedStyle(document.body).backgroundColor") == "rgb(1, 60, 120)"
        assert "written by a script" in chromium.text
        pictures.append(chromium.picture())
        texts.append(chromium.text)
    assert pictures[0] == pictures[1] and texts[0] == texts[1]
    assert ccward.log_lines() == [], "what is not blocked is not logged"


def test_redirects_and_forms_work(ccward, browse_through, site):
    chromium = browse_through(ccward)
    chromium.open(site.url("www.example", "/browser/page.html"))
    chromium.run("document.getElementById('moved').click()")
    chromium.wait("return document.title == 'page' && location.pathname == '/dir/page.html'", "the redirect")
    chromium.open(site.url("www.example", "/browser/page.html"))
    chromium.run("document.querySelector('textarea').value = 'x'.repeat(300000)")
    chromium.run("document.querySelector('button').click()")
    chromium.wait("return location.pathname == '/post' && document.readyState == 'complete'", "the form's answer")
    assert chromium.text.strip() == f"length={len('text=') + 300000 + len(chr(13) + chr(10))}"


def test_a_large_download_arrives_byte_for_byte(ccward, browse_through, site, tmp_path):
    chromium = browse_through(ccward)
    chromium.command("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(tmp_path / "downloads"))
    chromium.open(site.url("www.example", "/dir/page.html"))
    chromium.run("location = '/big.bin'")
    arrived = tmp_path / "downloads" / "big.bin"
    wait_for(lambda: arrived.exists() and arrived.stat().st_size == 10485760, 60, "the download")
    assert arrived.read_bytes() == bytes(range(256)) * 40960


def test_blocked_parts_of_a_page_are_missing_quietly(ccward, browse_through, site):
    chromium = browse_through(ccward)
    chromium.open(site.url("www.example", "/browser/embedding.html"))
    seen = chromium.wait("return Object.keys(window.seen).length == 5 && window.seen", "the end of all parts")
    assert seen == {"image": "failed", "script": "failed", "style": "failed", "fetch": "failed", "iframe": "over"}
    assert chromium.driver.title == "embedding" and "the rest of the page" in chromium.text
    for part in ("image", "script", "style", "fetch", "iframe"):
        ccward.wait_for_callback(channel="http", subject=f"http://{TEST_HOST}/{part}", action="block", status=403)
    chromium.keep_picture("embedding")


def test_https_to_a_blocked_host_is_the_browsers_own_error(ccward, browse_through):
    chromium = browse_through(ccward)
    assert "net::ERR_TUNNEL_CONNECTION_FAILED" in chromium.error_of(f"https://{TEST_HOST}/")
    line = ccward.wait_for_callback(channel="connect", action="block")
    assert line["subject"] == f"{TEST_HOST}:443" and line["category"] == "c2"
    chromium.keep_picture("https-blocked", whole=False)
