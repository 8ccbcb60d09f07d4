"""The block page in a browser whose proxy is ccward: what it says, how it looks, that everyone can read it."""
import os
import shutil
import time

import pytest
from harness import OUTPUT, ROOT, wait_for

TEST_HOST = "ca91-1.winshipway.com"
URL = f"http://{TEST_HOST}/"
PHONE, DESKTOP = ("phone", 390, 844, True), ("desktop", 1280, 900, False)
WORDS = {
    "en": {"title": "Blocked: contact with a malware control server",
           "heading": "This computer tried to contact a server that controls malware",
           "first": "Contact stopped", "repeated": "Contact stopped again", "scan": "Run a scan",
           "help": "Ask for help"},
    "ja": {"title": "ブロックしました: マルウェアの指令サーバーへの接続",
           "heading": "このコンピューターが、マルウェアを操る指令サーバーに接続しようとしました",
           "first": "接続を止めました", "repeated": "今回も接続を止めました", "scan": "スキャン", "help": "助けを求める"},
}

# Each text with its size, and its contrast (WCAG 2.2, 1.4.3) with what is painted behind it.
CONTRASTS = """
const channels = text => text.match(/[\\d.]+/g).map(Number);
const paint = (over, under) => { const a = over[3] ?? 1; return [0, 1, 2].map(i => over[i] * a + under[i] * (1 - a)); };
const linear = v => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
const luminance = c => 0.2126 * linear(c[0]) + 0.7152 * linear(c[1]) + 0.0722 * linear(c[2]);
const ground = e => paint(channels(getComputedStyle(e).backgroundColor), e.parentElement ? ground(e.parentElement)
                                                                                        : [255, 255, 255]);
const contrast = (text, behind) => { const [low, high] = [luminance(text), luminance(behind)].sort((a, b) => a - b);
                                     return (high + 0.05) / (low + 0.05); };
const found = [];
for (const e of document.querySelectorAll("body, body *")) {
  if (e.closest("svg") || !e.checkVisibility()) continue;
  const style = getComputedStyle(e), mark = getComputedStyle(e, "::before");
  for (const node of e.childNodes)
    if (node.nodeType == Node.TEXT_NODE && node.data.trim())
      found.push({text: node.data.trim(), ratio: contrast(paint(channels(style.color), ground(e)), ground(e)),
                  size: parseFloat(style.fontSize)});
  if (mark.content != "none") {
    const behind = paint(channels(mark.backgroundColor), ground(e));
    found.push({text: "mark of " + e.tagName, ratio: contrast(paint(channels(mark.color), behind), behind),
                size: parseFloat(mark.fontSize)});
  }
}
return found;
"""

WIDER_THAN_SCREEN = """
return [...document.querySelectorAll("body *")].filter(e => e.checkVisibility() &&
    (e.getBoundingClientRect().right > innerWidth + 0.5 || e.getBoundingClientRect().left < -0.5 ||
     (getComputedStyle(e).display != "inline" && !e.closest("svg") && e.scrollWidth > e.clientWidth + 1)))
  .map(e => e.outerHTML.slice(0, 80));
"""


def check_words(chromium, ccward, language, stage):
    words, text = WORDS[language], chromium.text
    line = ccward.wait_for_callback(channel="http", subject=URL, action="block")
    assert chromium.driver.title == words["title"]
    assert chromium.run("return [...document.querySelectorAll('h1')].map(h => h.innerText)") == [words["heading"]]
    assert chromium.run("return document.documentElement.lang") == language
    assert chromium.run("return document.querySelector('.label').innerText") == words[stage]
    assert words["scan" if stage == "first" else "help"] in text
    assert line["incident"] in text and f"hxxp://{TEST_HOST.replace('.', '[.]')}/" in text
    assert URL not in chromium.run("return document.documentElement.outerHTML"), "nothing may turn it into a link"


def check_contrasts(chromium):
    texts = chromium.run(CONTRASTS)
    assert len(texts) > 30
    assert [text for text in texts if text["ratio"] < 7] == []
    assert [text for text in texts if text["size"] < 14] == []


def look_at(chromium, language, stage):
    """In both colour schemes and on both screens: keeps a picture, checks contrast and width."""
    for screen, width, height, mobile in (DESKTOP, PHONE):
        for scheme in ("light", "dark"):
            chromium.show(width, height, scheme, mobile)
            check_contrasts(chromium)
            assert chromium.run(WIDER_THAN_SCREEN) == []
            chromium.keep_picture(f"block-page-{stage}-{language}-{screen}-{scheme}")


def update_readme_picture(chromium):
    """CCWARD_UPDATE_PICTURES=1 takes the picture that README.md shows anew:

        CCWARD_UPDATE_PICTURES=1 CCWARD_BINARY=$PWD/build/release/ccward \\
            /usr/bin/python3 -m pytest -q -p no:cacheprovider tests/browser -k 'each_language and en'
    """
    chromium.show(1280, 1010)  # ends below the reference
    chromium.keep_picture("README", whole=False)
    picture = OUTPUT / "screenshots" / "README.png"
    assert picture.stat().st_size < 200 * 1024
    if os.environ.get("CCWARD_UPDATE_PICTURES") == "1":
        shutil.copy(picture, ROOT / "docs" / "block-page.png")


@pytest.mark.parametrize("language", WORDS)
def test_the_page_in_each_language_first_and_again(ccward, browse_through, language):
    chromium = browse_through(ccward, languages="ja,en" if language == "ja" else "en-GB,en")
    chromium.open(URL)
    first_seen = time.monotonic()
    check_words(chromium, ccward, language, "first")
    requests, complaints = chromium.requests(), chromium.complaints()
    assert {request.partition("://")[2] for request in requests} == {f"{TEST_HOST}/"}, "nothing else is loaded"
    assert [complaint for complaint in complaints if "403 (Forbidden)" not in complaint] == []
    look_at(chromium, language, "first")
    if language == "en":
        update_readme_picture(chromium)

    time.sleep(max(0, first_seen + 10 - time.monotonic()))  # repeats within 10 s are one contact
    wait_for(lambda: chromium.open(URL) or chromium.run("return document.body.classList.contains('repeated')"), 60,
             "the page for a repeated contact")
    check_words(chromium, ccward, language, "repeated")
    look_at(chromium, language, "repeated")


def test_every_kind_of_page_can_be_read(ccward, browse_through):
    chromium = browse_through(ccward)
    for category in ("malware", "phishing", "adult"):
        ccward.import_feed(f"{category}-list", f"{category}.example\n", category=category)
    for category in ("malware", "phishing", "adult"):
        wait_for(lambda: chromium.open(f"http://{category}.example/") or f"{category}[.]example" in chromium.text, 60,
                 "a page for what was imported")
        for scheme in ("light", "dark"):
            chromium.show(1280, 900, scheme)
            check_contrasts(chromium)
            chromium.keep_picture(f"block-page-{category}-en-desktop-{scheme}")


@pytest.mark.parametrize("language", WORDS)
def test_a_narrow_screen_needs_no_scrolling_sideways(ccward, browse_through, language):
    chromium = browse_through(ccward, languages=language)
    chromium.show(320, 568, mobile=True)
    chromium.open(f"{URL}{'a-long-path-without-a-place-to-break-' * 5}")
    assert chromium.run("return [innerWidth, document.documentElement.scrollWidth, visualViewport.width]") == [320] * 3
    assert chromium.run(WIDER_THAN_SCREEN) == []
    chromium.keep_picture(f"block-page-narrow-{language}")


def test_the_page_makes_sense_without_its_style(ccward, browse_through):
    chromium = browse_through(ccward)
    chromium.open(URL)
    chromium.run("document.querySelectorAll('style').forEach(s => s.remove())")
    assert chromium.run("return getComputedStyle(document.querySelector('ol li')).listStyleType") == "decimal"
    position, text = 0, chromium.text
    for words in ("Contact stopped", "This computer tried", "ccward stopped", "hxxp://", "What to do now",
                  "Close this page", "Run a scan", "Report", "Reference", "CC-", "Details", "Why", "Listed by", "Time",
                  "Machine", "Whom to ask", "It never asks"):
        assert words in text[position:], f"{words!r} is missing or comes too early in\n{text}"
        position = text.index(words, position) + len(words)
    chromium.keep_picture("block-page-without-style")


def test_headings_and_landmarks_tell_the_structure(ccward, browse_through):
    chromium = browse_through(ccward)
    chromium.open(URL)
    levels = chromium.run("return [...document.querySelectorAll('h1,h2,h3,h4,h5,h6')].map(h => +h.tagName[1])")
    assert levels[0] == 1 and all(after - before <= 1 for before, after in zip(levels, levels[1:])), levels
    assert chromium.run("return document.querySelectorAll('main').length") == 1
    tree = chromium.command("Accessibility.getFullAXTree")["nodes"]
    names = {(node["role"]["value"], node.get("name", {}).get("value")) for node in tree if not node["ignored"]}
    assert ("region", "What to do now") in names and ("region", "Reference") in names
    assert not {role for role, _ in names} & {"link", "image", "img"}
    controls = {(role, bool(name)) for role, name in names if role in ("button", "textbox", "checkbox", "combobox")}
    assert controls == {("button", True), ("textbox", True)}, "the form for a report alone, and each has a name"
