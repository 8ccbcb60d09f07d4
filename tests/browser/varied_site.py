"""A small site with what pages do, and a page that does it all and tells what it saw: see PAGE."""
import base64
import gzip
import hashlib
import http.server
import pathlib
import struct
import subprocess
import threading

from harness import Program, free_port, port_answers, wait_for

BIG = bytes(range(256)) * 4096
TEXT = "同じ文が何度も出てくる。" * 2000

PAGE = """<!doctype html><meta charset="utf-8"><title>varied</title><pre id="told"></pre><script>
const told = {};
const text = async (url, options) => (await fetch(url, options)).text();
const digest = async bytes => [...new Uint8Array(bytes)].reduce((sum, byte) => (sum * 31 + byte) % 1000000007, 7);
const tries = {
  redirects: async () => { const got = await fetch("/redirect/5");
                           return [got.redirected, new URL(got.url).pathname, got.status, await got.text()]; },
  gzip: async () => { const got = await fetch("/gzip");
                      return [got.headers.get("content-encoding"), (await got.text()).length]; },
  chunks: async () => (await text("/chunks")).length,
  range: async () => { const got = await fetch("/big", {headers: {Range: "bytes=1000-1999"}});
                       return [got.status, got.headers.get("content-range"), await digest(await got.arrayBuffer())]; },
  big: async () => digest(await (await fetch("/big")).arrayBuffer()),
  upload: async () => text("/upload", {method: "POST", body: new Uint8Array(700000).fill(65)}),
  form: async () => { const form = new FormData(); form.append("名前", new Blob(["x".repeat(9000)]), "ファイル.txt");
                      return (await text("/fields", {method: "POST", body: form})).split(" ").length; },
  put: async () => text("/upload", {method: "PUT", body: "put"}),
  remove: async () => (await fetch("/upload", {method: "DELETE"})).status,
  empty: async () => { const got = await fetch("/nothing"); return [got.status, (await got.text()).length]; },
  missing: async () => (await fetch("/no/such/place")).status,
  cached: async () => { await text("/tagged", {cache: "reload"});
                        const got = await fetch("/tagged", {cache: "no-cache"}); return [got.status, await got.text()]; },
  cookies: async () => { await text("/cookie"); return [document.cookie, await text("/seen-cookie")]; },
  head: async () => { const got = await fetch("/big", {method: "HEAD"}); return got.headers.get("content-length"); },
  events: () => new Promise((done, fail) => {
    const seen = [], source = new EventSource("/events"); source.onerror = fail;
    source.onmessage = event => { seen.push(event.data); if (seen.length == 3) { source.close(); done(seen); } }; }),
  socket: () => new Promise((done, fail) => {
    const seen = [], socket = new WebSocket(`ws://${location.host}/socket`); socket.onerror = fail;
    socket.onopen = () => { socket.send("hello"); socket.send("x".repeat(70000)); };
    socket.onmessage = event => { seen.push(event.data.length); if (seen.length == 2) socket.close(); };
    socket.onclose = event => done([seen, event.wasClean]); }),
  many: async () => (await Promise.all([...Array(40).keys()].map(i => text(`/echo/${i}`)))).join(" "),
};
(async () => {
  for (const [name, go] of Object.entries(tries))
    told[name] = await go().catch(error => `failed: ${error}`);
  document.getElementById("told").textContent = JSON.stringify(told);
  document.title = "done";
})();
</script>
"""


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def give(self, body=b"", status=200, **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        if status not in (204, 304):
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD" and status not in (204, 304):
            self.wfile.write(body)

    def body(self):
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        parts = []
        while length := int(self.rfile.readline().split(b";")[0], 16):
            parts.append(self.rfile.read(length))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def do_POST(self):
        body = self.body()
        if self.path == "/fields":
            self.give(b" ".join(line[:40] for line in body.split(b"\r\n") if b"Content" in line))
        else:
            self.give(f"{self.command} {len(body)} {hashlib.sha256(body).hexdigest()}".encode())

    do_PUT = do_DELETE = do_POST

    def do_GET(self):
        place, _, rest = self.path[1:].partition("/")
        getattr(self, f"get_{place.replace('-', '_')}", self.missing)(rest)

    do_HEAD = do_GET

    def missing(self, _):
        self.give(b"no such place", 404)

    def get_page(self, _):
        self.give(PAGE.encode(), Content_Type="text/html; charset=utf-8")

    def get_redirect(self, left):
        if int(left):
            self.give(status=(301, 302, 303, 307, 308)[int(left) - 1], Location=f"/redirect/{int(left) - 1}")
        else:
            self.give(b"the end")

    def get_gzip(self, _):
        self.give(gzip.compress(TEXT.encode()), Content_Encoding="gzip", Content_Type="text/plain; charset=utf-8")

    def get_chunks(self, _):
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for i in range(1, 200):
            self.wfile.write(b"%x\r\n%b\r\n" % (i, b"c" * i))
        self.wfile.write(b"0\r\n\r\n")

    def get_big(self, _):
        if wanted := self.headers.get("Range"):
            first, last = map(int, wanted.removeprefix("bytes=").split("-"))
            self.give(BIG[first:last + 1], 206, Content_Range=f"bytes {first}-{last}/{len(BIG)}")
        else:
            self.give(BIG)

    def get_nothing(self, _):
        self.give(status=204)

    def get_tagged(self, _):
        if self.headers.get("If-None-Match") == '"one"':
            self.give(status=304, ETag='"one"')
        else:
            self.give(b"tagged", ETag='"one"', Cache_Control="max-age=0")

    def get_cookie(self, _):
        self.give(b"set", Set_Cookie="taste=sweet; Path=/")

    def get_seen_cookie(self, _):
        self.give((self.headers.get("Cookie") or "none").encode())

    def get_echo(self, rest):
        self.give(rest.encode())

    def get_events(self, _):
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        self.close_connection = True
        for word in ("one", "two", "three"):
            self.wfile.write(f"data: {word}\n\n".encode())

    def get_socket(self, _):
        """Gives back every message (RFC 6455)."""
        key = self.headers["Sec-WebSocket-Key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
        self.send_response(101)
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "Upgrade")
        self.send_header("Sec-WebSocket-Accept", base64.b64encode(hashlib.sha1(key.encode()).digest()).decode())
        self.end_headers()
        self.close_connection = True
        code = 0
        while code != 8:
            code, length = self.rfile.read(1)[0] & 15, self.rfile.read(1)[0] & 127
            if length > 125:
                length = int.from_bytes(self.rfile.read(2 if length == 126 else 8), "big")
            mask, data = self.rfile.read(4), self.rfile.read(length)
            data = bytes(byte ^ mask[i % 4] for i, byte in enumerate(data))
            size = bytes([length]) if length < 126 else struct.pack(">BH", 126, length) if length < 65536 else \
                struct.pack(">BQ", 127, length)
            self.wfile.write(bytes([128 | code]) + size + data)


class VariedSite:
    """Serves it on a port of its own."""

    def __enter__(self):
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


class Http2Site(Program):
    """nginx with HTTP/2 over TLS, with a certificate that nobody knows."""

    def __init__(self, folder):
        super().__init__()
        self.folder, self.port = pathlib.Path(folder), free_port()

    def start(self):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days",
                        "2", "-subj", "/CN=www.example", "-addext", "subjectAltName=DNS:www.example", "-keyout", "key.pem",
                        "-out", "certificate.pem"], check=True, capture_output=True, cwd=self.folder)
        (self.folder / "index.html").write_text("<!doctype html><title>second</title><h1>by HTTP/2</h1>")
        config = self.folder / "nginx.conf"
        config.write_text(f"""daemon off; master_process off; pid {self.folder}/pid; error_log {self.folder}/error.log;
events {{ }}
http {{
  access_log off; client_body_temp_path {self.folder}/b; proxy_temp_path {self.folder}/p; types {{ text/html html; }}
  fastcgi_temp_path {self.folder}/f; uwsgi_temp_path {self.folder}/u; scgi_temp_path {self.folder}/s;
  server {{
    listen 127.0.0.1:{self.port} ssl http2; root {self.folder};
    ssl_certificate {self.folder}/certificate.pem; ssl_certificate_key {self.folder}/key.pem;
  }}
}}
""")
        self.process = subprocess.Popen(["/usr/sbin/nginx", "-c", str(config)], stderr=subprocess.DEVNULL)
        wait_for(lambda: port_answers(self.port), what="nginx's start")
