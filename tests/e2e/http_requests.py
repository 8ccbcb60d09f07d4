"""Well-formed requests made at random, and any bytes damaged at random. The same SEED makes the same ones."""
import string

METHODS = ("GET", "GET", "GET", "HEAD", "POST", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND", "SEARCH")
TOKEN = string.ascii_letters + string.digits + "!#$%&'*+-.^_`|~"
PATH = string.ascii_letters + string.digits + "-._~%!$&'()*+,;=:@/?\"<>[]{}|^`\\"
VALUE = "".join(map(chr, range(0x20, 0x7F))) + "\t\x80\xe9\xff"
KNOWN = ("Accept", "Accept-Encoding", "Accept-Language", "Authorization", "Cache-Control", "Cookie", "If-None-Match",
         "Origin", "Pragma", "Range", "Referer", "User-Agent", "X-Forwarded-For", "Via", "Content-Type", "DNT")


def text(seed, letters, least, most):
    return "".join(seed.choices(letters, k=seed.randrange(least, most + 1)))


def field(seed):
    name = seed.choice(KNOWN) if seed.random() < 0.7 else "X" + text(seed, TOKEN, 1, 20)
    value = text(seed, VALUE, 0, seed.choice((5, 30, 200))).strip()
    return f"{name}:{seed.choice(('', ' ', '  ', chr(9)))}{value}{seed.choice(('', '', ' '))}"


def connection(seed):
    return seed.choice(("Connection: keep-alive", "Connection: X-Gone\r\nX-Gone: 1", "Proxy-Connection: keep-alive",
                        "TE: trailers", "Connection: TE\r\nTE: gzip", "Keep-Alive: 5", "Upgrade: h2c"))


def chunked(seed, body):
    out = b""
    while body:
        n = seed.randrange(1, min(len(body), 5000) + 1)
        size = seed.choice((f"{n:x}", f"{n:X}", f"{n:06x}"))
        out += (size + seed.choice(("", "", ";a", ';a="b;c"', ";a=b;d"))).encode() + b"\r\n" + body[:n] + b"\r\n"
        body = body[n:]
    return out + b"0\r\n" + seed.choice((b"", b"", b"X-Trailer: 1\r\n", b"Content-Length: 5\r\nHost: b\r\n")) + b"\r\n"


def request(seed, url, tag):
    """(method, path, body) and the bytes of a request for URL, whose path begins with /TAG."""
    method = seed.choice(METHODS)
    path = f"/{tag}" + ("/" + text(seed, PATH, 0, 60) if seed.random() < 0.5 else "")
    fields = [field(seed) for _ in range(seed.randrange(12))]
    if seed.random() < 0.3:
        fields.append(connection(seed))
    body, framed = b"", b""
    if method in ("POST", "PUT", "PATCH", "SEARCH") or seed.random() < 0.1:
        framed = body = seed.randbytes(seed.choice((0, 1, 10, 300, 5000, 70000)))
        if seed.random() < 0.1:
            framed = body = b"GET http://smuggled/ HTTP/1.1\r\nHost: a\r\n\r\n0\r\n\r\n"
        if seed.random() < 0.5:
            fields.append("Transfer-Encoding: chunked")
            framed = chunked(seed, body)
        else:
            fields.append(f"Content-Length: {len(body)}")
        if seed.random() < 0.1:
            fields.append("Expect: 100-continue")
    fields.append(f"{seed.choice(('Host', 'host', 'HOST'))}: {seed.choice(('other.example', url.split('/')[2]))}")
    seed.shuffle(fields)
    head = f"{method} {url}{path} HTTP/1.1\r\n" + "".join(line + "\r\n" for line in fields) + "\r\n"
    return (method.encode(), path.encode(), body), head.encode("latin-1") + framed


WORDS = (b"\r\n", b"\r", b"\n", b"\0", b" ", b"\t", b":", b",", b";", b"0", b"-1", b"\r\n\r\n", b"chunked", b"\xff",
         b"ffffffff", b"Transfer-Encoding: chunked\r\n", b"Content-Length: 5\r\n", b"HTTP/1.1", b"Host: a\r\n",
         b"Connection: close\r\n", b"99999999999999999999", b"0\r\n\r\n", b"GET ", b"/", b"%00", b"[::1]",
         b"Upgrade: websocket\r\n", b"x" * 9000)


def damaged(seed, data, most=8):
    """DATA with one to MOST changes of the kinds that find faults in parsers."""
    data = bytearray(data)
    for _ in range(seed.choice((1, 1, 1, 2, 3, most))):
        at, how = seed.randrange(len(data)) if data else 0, seed.randrange(8)
        if not data or how <= 1:
            data[at:at] = seed.choice(WORDS)
        elif how == 2:
            del data[at:at + seed.randrange(1, 20)]
        elif how == 3:
            data[at] ^= 1 << seed.randrange(8)
        elif how == 4:
            data[at] = seed.randrange(256)
        elif how == 5:
            data[at:at + 1] = seed.choice(WORDS)
        elif how == 6:
            data[at:at] = data[at:at + seed.randrange(1, 64)]
        elif seed.random() < 0.5:
            del data[at:]
    return bytes(data)
