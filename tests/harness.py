"""Programs that the end-to-end and browser tests start: ccward, an upstream DNS server, an origin."""
import contextlib
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
BINARY = os.environ.get("CCWARD_BINARY", str(ROOT / "build/release/ccward"))
OUTPUT = pathlib.Path(os.environ.get("CCWARD_TEST_OUTPUT", str(ROOT / "build/test-output")))


_given_ports = set()


def free_port():
    """A port that was free for TCP and UDP on loopback a moment ago, another each time."""
    while True:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tcp, socket.socket(
                socket.AF_INET, socket.SOCK_DGRAM) as udp:
            tcp.bind(("127.0.0.1", 0))
            with contextlib.suppress(OSError):
                port = tcp.getsockname()[1]
                udp.bind(("127.0.0.1", port))
                if port not in _given_ports:
                    _given_ports.add(port)
                    return port


def wait_for(condition, seconds=10, what="it"):
    """Polls until CONDITION() is true; returns what it returned."""
    deadline = time.monotonic() + seconds
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} did not happen within {seconds} s")
        time.sleep(0.02)


def port_answers(port):
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Program:
    """A server process that is ended with its context."""

    def __init__(self):
        self.process = None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self, number=signal.SIGTERM, seconds=20):
        if self.process and self.process.poll() is None:
            self.process.send_signal(number)
            try:
                self.process.wait(seconds)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                raise


def yaml(value):
    """JSON is YAML."""
    return json.dumps(value, ensure_ascii=False)


class Ccward(Program):
    """A ccward of its own: ports, state directory, configuration. Sections given are merged over those for the test."""

    def __init__(self, folder, upstream, **sections):
        super().__init__()
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True)
        self.dns_port, self.proxy_port = free_port(), free_port()
        self.page_port, self.tls_port, self.console_port = free_port(), free_port(), free_port()
        self.config = {
            "dns": {"listen": [f"127.0.0.1:{self.dns_port}"], "upstreams": [f"127.0.0.1:{upstream.port}"]},
            "proxy": {"listen": [f"127.0.0.1:{self.proxy_port}"], "allow-destinations": ["127.0.0.0/8"]},
            "blockpage": {"listen": [f"127.0.0.1:{self.page_port}"], "tls-listen": [f"127.0.0.1:{self.tls_port}"]},
            "console": {"listen": [f"127.0.0.1:{self.console_port}"]},
            "names": {"hosts-file": "", "rebinding-allow": ["example"]},
        }
        for name, section in sections.items():
            if isinstance(section, dict):
                self.config.setdefault(name, {}).update(section)
            else:
                self.config[name] = section
        self.config_path = self.folder / "ccward.yaml"
        self.state = self.folder / "var"
        self.errors_path = self.folder / "stderr"
        self.wrapper = []  # what it is started by, such as prlimit
        self.write_config()

    def write_config(self):
        self.config_path.write_text("".join(f"{name}: {yaml(section)}\n" for name, section in self.config.items()))

    @property
    def proxy(self):
        return f"http://127.0.0.1:{self.proxy_port}"

    @property
    def errors(self):
        return self.errors_path.read_text(errors="replace")

    def start(self):
        with open(self.errors_path, "ab") as errors:
            self.process = subprocess.Popen([*self.wrapper, BINARY, "run", "-c", str(self.config_path)], stdout=subprocess.PIPE,
                                            stderr=errors, cwd=self.folder)
        banner = []
        for line in self.process.stdout:
            banner.append(line.decode())
            if "Ctrl-C" in banner[-1]:
                self.banner = "".join(banner)
                return self
        self.process.wait()
        raise RuntimeError(f"ccward did not start:\n{''.join(banner)}{self.errors}")

    def stop(self, number=signal.SIGTERM, seconds=20):
        super().stop(number, seconds)
        if self.process and number == signal.SIGTERM:
            assert self.process.returncode == 0, f"ccward ended with {self.process.returncode}:\n{self.errors}"
        if self.process:
            self.process.stdout.close()
            self.process = None

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self.process = None

    def run(self, *arguments, check=True, text=True, **more):
        """A sub-command with this configuration."""
        result = subprocess.run([BINARY, *arguments, "-c", str(self.config_path)], capture_output=True, text=text,
                                timeout=120, **more)
        if check and result.returncode != 0:
            raise AssertionError(f"{arguments}: exit {result.returncode}\n{result.stdout}{result.stderr}")
        return result

    def import_feed(self, name, text, form="domains", **options):
        path = self.folder / f"{name}.{form}"
        path.write_text(text)
        extra = [word for key, value in options.items() for word in (f"--{key}", value)]
        return self.run("feeds", "import", str(path), "--feed", name, "--format", form, *extra)

    def log_lines(self):
        path = self.state / "callbacks.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def wait_for_callback(self, seconds=10, **fields):
        """The first line of the callback log with these fields."""
        def find():
            return next((line for line in self.log_lines() if all(line.get(k) == v for k, v in fields.items())), None)

        return wait_for(find, seconds, f"a callback with {fields}")


class Upstream(Program):
    """unbound with a zone of our own and nothing else."""

    RECORDS = [
        "good.example. 300 IN A 192.0.2.10",
        "good.example. 300 IN AAAA 2001:db8::10",
        "good.example. 300 IN MX 10 mail.good.example.",
        "good.example. 300 IN TXT 'some text'",
        "good.example. 300 IN HTTPS 1 . alpn=h2",
        "short.example. 2 IN A 192.0.2.11",
        "www.example. 300 IN A 127.0.0.1",
        "innocent.example. 300 IN A 127.0.0.1",
        "shared.example. 300 IN A 127.0.0.1",
        "evil-below.example. 300 IN A 127.0.0.1",
        "private.example. 300 IN A 127.0.0.2",
        "linklocal.example. 300 IN A 169.254.169.254",
        "cloaked.example. 300 IN CNAME tracker.evil.example.",
        "tracker.evil.example. 300 IN A 192.0.2.66",
        "listed-address.example. 300 IN A 192.0.2.99",
    ]

    # A zone by itself, since unbound follows no alias in records that are given one by one.
    ZONE = """$ORIGIN cloak.example.
@       300 IN SOA ns hostmaster 1 3600 600 86400 60
@       300 IN NS ns
www     300 IN CNAME cdn
cdn     300 IN CNAME tracker
tracker 300 IN A 127.0.0.1
fresh   300 IN CNAME tracker
"""

    def __init__(self, folder):
        super().__init__()
        self.folder, self.port = pathlib.Path(folder), free_port()

    def more_config(self):
        return ""

    def start(self):
        big = [f"big.example. 300 IN TXT '{i:03d}{'x' * 200}'" for i in range(40)]
        records = "\n".join(f'  local-data: "{record}"' for record in self.RECORDS + big)
        (self.folder / "cloak.zone").write_text(self.ZONE)
        config = self.folder / "unbound.conf"
        config.write_text(f"""server:
  username: ""
  chroot: ""
  directory: "{self.folder}"
  pidfile: ""
  use-syslog: no
  logfile: "{self.folder}/log"
  interface: 127.0.0.1@{self.port}
{self.more_config()}  do-ip6: no
  do-not-query-localhost: no
  access-control: 127.0.0.0/8 allow
  module-config: "iterator"
  local-zone: "." static
  local-zone: "example." static
  local-data: "example. 300 IN SOA ns.example. hostmaster.example. 1 3600 600 86400 60"
{records}
  local-zone: "cloak.example." transparent
auth-zone:
  name: "cloak.example."
  zonefile: "{self.folder}/cloak.zone"
remote-control:
  control-enable: no
""")
        self.process = subprocess.Popen([shutil.which("unbound") or "/usr/sbin/unbound", "-d", "-c", str(config)],
                                        stderr=subprocess.DEVNULL)
        wait_for(lambda: port_answers(self.port), what="unbound's start")


class Authority:
    """A certificate authority of the test's own; `path` is its certificate."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.path = self.folder / "ca.pem"
        self._openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                      "-subj", "/CN=an authority for tests", "-keyout", "ca.key", "-out", "ca.pem")

    def _openssl(self, *arguments):
        subprocess.run(["openssl", *arguments], check=True, capture_output=True, cwd=self.folder)

    def issue(self, name, names):
        """A certificate for NAMES ("DNS:dns.example,IP:127.0.0.1"); returns the paths of key and certificate."""
        self._openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}",
                      "-addext", f"subjectAltName={names}", "-keyout", f"{name}.key", "-out", f"{name}.csr")
        self._openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
                      "-days", "2", "-copy_extensions", "copy", "-out", f"{name}.pem")
        return self.folder / f"{name}.key", self.folder / f"{name}.pem"


class EncryptedUpstream(Upstream):
    """The same by TLS and HTTPS as well, with a certificate of AUTHORITY."""

    def __init__(self, folder, authority, names="DNS:dns.example,IP:127.0.0.1"):
        super().__init__(folder)
        self.tls_port, self.https_port = free_port(), free_port()
        self.key, self.certificate = authority.issue(self.folder.name, names)

    def more_config(self):
        return f"""  interface: 127.0.0.1@{self.tls_port}
  interface: 127.0.0.1@{self.https_port}
  tls-port: {self.tls_port}
  https-port: {self.https_port}
  tls-service-key: "{self.key}"
  tls-service-pem: "{self.certificate}"
  log-queries: yes
"""

    def log(self):
        path = self.folder / "log"
        return path.read_text() if path.exists() else ""


class Origin(Program):
    """nginx with a small site; any host name."""

    def __init__(self, folder):
        super().__init__()
        self.folder, self.port = pathlib.Path(folder), free_port()

    def start(self):
        site = self.folder / "site"
        (site / "dir").mkdir(parents=True)
        (site / "upload").mkdir()
        (site / "index.html").write_text("<!doctype html><title>site</title><h1>a small site</h1>")
        (site / "dir" / "page.html").write_text("<!doctype html><title>page</title><p>a page</p>")
        (site / "big.bin").write_bytes(bytes(range(256)) * 40960)
        config = self.folder / "nginx.conf"
        # The root of a user namespace has no other user to give files to.
        user = "user root;" if os.geteuid() == 0 else ""
        config.write_text(f"""{user} daemon off; master_process off; pid {self.folder}/pid; error_log {self.folder}/error.log;
events {{ worker_connections 16384; }}
http {{
  access_log {self.folder}/access.log; client_body_temp_path {self.folder}/body; proxy_temp_path {self.folder}/proxy;
  fastcgi_temp_path {self.folder}/fastcgi; uwsgi_temp_path {self.folder}/uwsgi; scgi_temp_path {self.folder}/scgi;
  client_max_body_size 64m;
  types {{ text/html html; text/css css; text/javascript js; image/png png; application/octet-stream bin; }}
  server {{
    listen 127.0.0.1:{self.port}; root {site};
    location /seen {{ return 200 "host=$host via=$http_via pc=$http_proxy_connection x=$http_x_test uri=$request_uri\\n"; }}
    location /moved {{ return 302 /dir/page.html; }}
    location /post {{ proxy_pass http://127.0.0.1:{self.port}/length; proxy_set_header X-Length $content_length; }}
    location /length {{ return 200 "length=$http_x_length\\n"; }}
  }}
}}
""")
        self.process = subprocess.Popen([shutil.which("nginx") or "/usr/sbin/nginx", "-c", str(config)],
                                        stderr=subprocess.DEVNULL)
        wait_for(lambda: port_answers(self.port), what="nginx's start")

    def url(self, host, path="/"):
        return f"http://{host}:{self.port}{path}"

    def requests(self):
        path = self.folder / "access.log"
        return path.read_text().splitlines() if path.exists() else []


class Primary(Program):
    """BIND with one policy zone, transferred to who has the key and changed by `add` and `remove`."""

    ZONE = "rpz.test"
    SECRETS = {"xfr.key": "c2l4dGVlbiBieXRlcyBvZiBrZXk=", "other.key": "YW5vdGhlciBrZXkgb2YgYnl0ZXM="}

    def __init__(self, folder, names=("evil.example",), refresh=3600, expire=86400, notify=(), form="many-answers"):
        super().__init__()
        self.folder, self.port, self.notify, self.form = pathlib.Path(folder), free_port(), notify, form
        self.folder.mkdir(parents=True, exist_ok=True)
        rules = "".join(f"{name} CNAME .\n*.{name} CNAME .\n" for name in names)
        (self.folder / "zone").write_text(f"$TTL 60\n@ SOA ns.rpz.test. host.rpz.test. 1 {refresh} 600 {expire} 60\n"
                                          f"@ NS ns.rpz.test.\nns A 127.0.0.1\n{rules}")

    def key_file(self, name="xfr.key", secret=None, algorithm="hmac-sha256", mode=0o600):
        path = self.folder / f"{name}-{secret is None}.conf"
        path.write_text(f'key "{name}" {{\n\talgorithm {algorithm};\n\tsecret "{secret or self.SECRETS[name]}";\n}};\n')
        path.chmod(mode)
        return path

    def url(self, scheme="ixfr"):
        return f"{scheme}://127.0.0.1:{self.port}/{self.ZONE}"

    def start(self):
        keys = "".join(f'key "{name}" {{ algorithm hmac-sha256; secret "{secret}"; }};\n'
                       for name, secret in self.SECRETS.items())
        told = "".join(f"127.0.0.1 port {port}; " for port in self.notify)
        config = self.folder / "named.conf"
        config.write_text(f"""{keys}
options {{
  directory "{self.folder}"; pid-file "{self.folder}/pid"; session-keyfile "{self.folder}/session.key"; lock-file none;
  listen-on port {self.port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }};
  recursion no; dnssec-validation no; empty-zones-enable no; transfer-format {self.form};
  notify-delay 0; startup-notify-rate 1000; notify-rate 1000;
}};
controls {{ }};
logging {{ channel log {{ file "{self.folder}/log"; severity info; }}; category default {{ log; }}; }};
zone "{self.ZONE}" {{
  type primary; file "{self.folder}/zone"; ixfr-from-differences yes; serial-update-method increment;
  allow-transfer {{ key xfr.key; }}; allow-update {{ key xfr.key; }};
  notify explicit; also-notify {{ {told}}};
}};
""")
        self.process = subprocess.Popen([shutil.which("named") or "/usr/sbin/named", "-f", "-c", str(config)],
                                        stderr=subprocess.DEVNULL)
        wait_for(lambda: port_answers(self.port) and "running" in self.log, what="named's start")
        return self

    @property
    def log(self):
        path = self.folder / "log"
        return path.read_text(errors="replace") if path.exists() else ""

    def update(self, *lines):
        """Changes the zone; its serial goes up by one."""
        script = f"server 127.0.0.1 {self.port}\nzone {self.ZONE}\n" + "\n".join(lines) + "\nsend\n"
        subprocess.run(["nsupdate", "-k", str(self.key_file())], input=script, text=True, check=True, timeout=20)

    def add(self, name):
        self.update(f"update add {name}.{self.ZONE}. 60 CNAME .")

    def remove(self, name):
        self.update(f"update delete {name}.{self.ZONE}. CNAME")
