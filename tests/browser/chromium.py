"""Chromium, headless and with a fresh profile, as the tests drive it. It keeps the habits of a browser that a person
uses (it tries https first, for one), but calls nobody by itself, and can't reach anything outside loopback: names that
no proxy resolves for it are not found, unless RESOLVE says where on loopback they are, or a network of the test's own
(own_network.py) holds it."""
import base64
import contextlib
import json
import os
import pathlib
import shutil
import time

from harness import OUTPUT
from selenium import webdriver
from selenium.common.exceptions import WebDriverException
from selenium.webdriver.chrome.service import Service

LIMIT_SECONDS = 60
QUIET = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-quic",
         "--no-first-run", "--no-default-browser-check", "--disable-background-networking",
         "--disable-component-update", "--disable-sync", "--disable-default-apps", "--disable-extensions",
         "--metrics-recording-only", "--hide-scrollbars", "--force-color-profile=srgb"]


class Chromium:
    def __init__(self, profile, *arguments, languages="en", resolve=None, home=None):
        self.profile, self.languages = pathlib.Path(profile), languages
        self.environment = {**os.environ, "HOME": str(home)} if home else None
        self.arguments = [*QUIET, f"--user-data-dir={self.profile}", *arguments]
        if resolve is not None:
            rules = [f"MAP {name} {address}" for name, address in resolve.items()]
            rules += ["MAP * ~NOTFOUND", "EXCLUDE 127.0.0.1"]
            self.arguments.append("--host-resolver-rules=" + ", ".join(rules))

    def __enter__(self):
        options = webdriver.ChromeOptions()
        options.binary_location = shutil.which("chromium") or "/usr/bin/chromium"
        for argument in self.arguments:
            options.add_argument(argument)
        options.add_experimental_option("prefs", {"intl.accept_languages": self.languages})
        options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
        options.set_capability("unhandledPromptBehavior", "ignore")
        driver = shutil.which("chromedriver") or "/usr/bin/chromedriver"
        self.driver = webdriver.Chrome(service=Service(driver, env=self.environment), options=options)
        self.driver.set_page_load_timeout(LIMIT_SECONDS)
        self.driver.set_script_timeout(LIMIT_SECONDS)
        self.driver.get("about:blank")
        self.forget()
        return self

    def __exit__(self, *_):
        with contextlib.suppress(WebDriverException):
            self.driver.quit()

    def open(self, url):
        self.driver.get(url)

    def error_of(self, url):
        """What the browser itself says instead of a page, such as ERR_TUNNEL_CONNECTION_FAILED."""
        try:
            self.driver.get(url)
        except WebDriverException as error:
            return error.msg
        return f"no error, but the page {self.driver.title!r}"

    def run(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    def wait(self, script, what):
        """Polls until SCRIPT returns something true; returns it."""
        deadline = time.monotonic() + LIMIT_SECONDS
        while not (result := self.run(script)):
            assert time.monotonic() < deadline, f"{what} did not happen within {LIMIT_SECONDS} s"
            time.sleep(0.05)
        return result

    def command(self, name, **arguments):
        return self.driver.execute_cdp_cmd(name, arguments)

    @property
    def text(self):
        return self.run("return document.body.innerText")

    def show(self, width, height, scheme="light", mobile=False):
        """Gives the page a screen of WIDTH x HEIGHT and a reader who prefers the colour scheme."""
        self.command("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1,
                     mobile=mobile)
        self.command("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def picture(self, whole=False):
        """PNG of what the screen shows, or of the WHOLE page."""
        more = {}
        if whole:
            size = self.command("Page.getLayoutMetrics")["cssContentSize"]
            more = {"captureBeyondViewport": True, "clip": {"x": 0, "y": 0, "width": size["width"],
                                                            "height": size["height"], "scale": 1}}
        return base64.b64decode(self.command("Page.captureScreenshot", format="png", **more)["data"])

    def keep_picture(self, name, whole=True):
        folder = OUTPUT / "screenshots"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}.png").write_bytes(self.picture(whole))

    def forget(self):
        """Takes away what requests() and complaints() would tell."""
        self.requests()
        self.complaints()

    def requests(self):
        """URLs that pages asked for since the last call."""
        messages = [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]
        return [message["params"]["request"]["url"] for message in messages
                if message["method"] == "Network.requestWillBeSent"]

    def complaints(self):
        """What the console says since the last call."""
        return [entry["message"] for entry in self.driver.get_log("browser")]
