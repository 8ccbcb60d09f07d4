"""Firefox, headless and with a profile of the test's own, driven by Marionette, the protocol that is built in. It calls
nobody by itself; names that no proxy resolves for it are not found, unless RESOLVE names them: those are on loopback."""
import base64
import json
import pathlib
import shutil
import socket
import subprocess

from harness import OUTPUT, Program, free_port, wait_for

LIMIT_SECONDS = 60
QUIET = {
    "app.update.enabled": False, "app.normandy.enabled": False, "browser.shell.checkDefaultBrowser": False,
    "browser.aboutwelcome.enabled": False, "browser.safebrowsing.malware.enabled": False,
    "browser.safebrowsing.phishing.enabled": False, "browser.newtabpage.enabled": False,
    "browser.startup.page": 0, "datareporting.policy.dataSubmissionEnabled": False,
    "datareporting.policy.dataSubmissionPolicyBypassNotification": True, "dom.push.connection.enabled": False,
    "extensions.getAddons.cache.enabled": False, "extensions.systemAddon.update.enabled": False,
    "media.gmp-manager.updateEnabled": False, "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False, "network.dns.disablePrefetch": True,
    "network.trr.mode": 5, "services.settings.server": "data:,#remote-settings-dummy/v1",
    "toolkit.telemetry.enabled": False,
}


class Refused(Exception):
    """What Firefox says instead of doing it."""


class Firefox(Program):
    def __init__(self, profile, proxy_port=None, languages="en", resolve=(), any_certificate=False, arguments=()):
        super().__init__()
        self.arguments = arguments
        self.profile, self.port = pathlib.Path(profile), free_port()
        self.any_certificate, self.last = any_certificate, 0
        self.preferences = QUIET | {"marionette.port": self.port, "intl.accept_languages": languages,
                                    "network.dns.localDomains": ",".join(resolve),
                                    "network.proxy.type": 1 if proxy_port else 0}
        if proxy_port:
            self.preferences |= {f"network.proxy.{key}": value for scheme in ("http", "ssl") for key, value in
                                 ((scheme, "127.0.0.1"), (f"{scheme}_port", proxy_port))}
            self.preferences |= {"network.proxy.no_proxies_on": "", "network.proxy.allow_hijacking_localhost": True}

    def start(self):
        self.profile.mkdir(parents=True, exist_ok=True)
        (self.profile / "user.js").write_text(
            "".join(f"user_pref({json.dumps(key)}, {json.dumps(value)});\n" for key, value in self.preferences.items()))
        self.process = subprocess.Popen(
            [shutil.which("firefox-esr") or "/usr/bin/firefox-esr", "--headless", "--no-remote", "--marionette",
             "--profile", str(self.profile), *self.arguments, "about:blank"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env={"HOME": str(self.profile), "PATH": "/usr/bin:/bin"})
        self.connection = wait_for(self.connect, LIMIT_SECONDS, "Firefox's start")
        self.connection.settimeout(LIMIT_SECONDS)
        self.receive()  # its greeting
        self.command("WebDriver:NewSession", {"acceptInsecureCerts": self.any_certificate,
                                              "timeouts": {"pageLoad": LIMIT_SECONDS * 1000}})
        self.open("about:blank")

    def connect(self):
        try:
            return socket.create_connection(("127.0.0.1", self.port), 1)
        except OSError:
            return None

    def stop(self, *arguments):
        self.connection.close()
        super().stop(*arguments)

    def receive(self):
        """A message is its length in decimal, a colon and JSON."""
        length = b""
        while not length.endswith(b":"):
            length += self.connection.recv(1)
        message = b""
        while len(message) < int(length[:-1]):
            message += self.connection.recv(65536)
        return json.loads(message)

    def command(self, name, parameters=None):
        self.last += 1
        message = json.dumps([0, self.last, name, parameters or {}]).encode()
        self.connection.sendall(b"%d:%b" % (len(message), message))
        _, number, error, result = self.receive()
        assert number == self.last
        if error:
            raise Refused(f"{error['error']}: {error['message']}")
        return result

    def open(self, url):
        self.command("WebDriver:Navigate", {"url": url})

    def error_of(self, url):
        try:
            self.open(url)
        except Refused as error:
            return str(error)
        return f"no error, but the page {self.run('return document.title')!r}"

    def run(self, script):
        return self.command("WebDriver:ExecuteScript", {"script": script, "args": []})["value"]

    def wait(self, script, what):
        return wait_for(lambda: self.run(script), LIMIT_SECONDS, what)

    @property
    def text(self):
        return self.run("return document.body.innerText")

    def keep_picture(self, name):
        folder = OUTPUT / "screenshots"
        folder.mkdir(parents=True, exist_ok=True)
        picture = self.command("WebDriver:TakeScreenshot", {"full": True})["value"]
        (folder / f"{name}.png").write_bytes(base64.b64decode(picture))
