"""Odd and malformed HTTP messages that other projects publish, sent through the proxy: requests by a client, answers by
a site. What becomes of each is written down here, in the groups below; tests/unit/message/test_http_published.c holds
the parser against what the projects themselves expect. Skipped by name where the collections are absent."""
import collections
import os
import pathlib
import re

import pytest

from harness import Ccward
from http_oracle import RecordingSite, read_by_h11, response_by_h11
from http_peers import Site, client_of

SHARED = pathlib.Path(os.environ.get("CCWARD_SHARED_DATA",
                                     pathlib.Path(__file__).resolve().parents[3] / "shared/data")) / "http"


@pytest.fixture(scope="module")
def proxy(tmp_path_factory, upstream):
    with Ccward(tmp_path_factory.mktemp("published") / "ccward", upstream) as ccward:
        yield ccward


def table(name):
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"{path} is not there")
    rows = [line.split("\t") for line in path.read_text(errors="replace").splitlines()]
    return [row for row in rows if row[0] != "id"]


def files(folder):
    if not (SHARED / folder).is_dir():
        pytest.skip(f"{SHARED / folder} is not there")
    return sorted((SHARED / folder).iterdir())


def for_a_proxy(data, site):
    """The first request's target in absolute form, where it is in origin form or names the server it was written for;
    nothing else is touched, so that the lengths in it stay true. Later requests of the same bytes stay in origin form:
    whoever takes them for requests is told 400."""
    url = f"http://127.0.0.1:{site.port}".encode()
    return re.sub(rb"\A((?:\r?\n)*[^ \r\n]+[ \t]+)(?:http://127\.0\.0\.1:8081|(?=/))", rb"\1" + url, data)


def with_host(data):
    """Some collections leave Host out, which would hide what they are about."""
    return data if b"host:" in data.lower() else re.sub(rb"\A(\r\n)?([^\r\n]*\r\n)", rb"\1\2Host: a\r\n", data)


def outcome(proxy, data):
    """The statuses that a client gets for DATA, after which it sends no more, and the requests that reach the site."""
    with RecordingSite() as site:
        with client_of(proxy) as client:
            reply = client.send(for_a_proxy(data, site)).finish().to_end()
        site.close()
        whole, broken = [], 0
        for record in site.connections:
            try:
                whole += read_by_h11(bytes(record))
            except ValueError:
                broken += 1  # which h11 knows: it answered nothing
    statuses = [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", reply)]
    return "+".join(map(str, statuses)) or "closed", whole, broken


def expand(names):
    """Words, of which `name-01..03` stands for three."""
    for name in names.split():
        first, dots, last = name.partition("..")
        stem, _, number = first.rpartition("-")
        yield from (f"{stem}-{i:02}" for i in range(int(number), int(last) + 1)) if dots else (name,)


def compare(proxy, cases, count_of_400, others, at_the_site=lambda name, got: got.split("+").count("200")):
    """OTHERS: outcome -> names; what does not stand there is refused with 400. As many requests reach the site as say
    AT_THE_SITE: those that it answered."""
    where = {name: key for key, names in others.items() for name in expand(names)}
    wrong, seen = [], collections.defaultdict(list)
    for name, data in cases:
        got, whole, _ = outcome(proxy, data)
        seen[got].append(name)
        if where.pop(name, "400") != got or len(whole) != at_the_site(name, got):
            wrong.append((name, got, whole))
    if os.environ.get("CCWARD_SHOW_OUTCOMES"):
        for key, names in seen.items():
            print(f'    "{key}": """{" ".join(names)}""",')
    assert not wrong and not where and len(seen["400"]) == count_of_400


def http11probe():
    for row in table("http11probe.tsv"):
        path = SHARED / "http11probe" / f"{row[0]}.req"
        if path.exists():
            yield row, path.read_bytes()


PROBES = {
    "closed": """COMP-CHUNKED-NO-FINAL COMP-POST-CL-UNDERSEND MAL-INCOMPLETE-REQUEST MAL-POST-CL-HUGE-NO-BODY""",
    "505": """MAL-H2-PREFACE RFC9112-2.3-INVALID-VERSION""",
    "200": """CAP-IMS-FUTURE CAP-IMS-INVALID CAP-INM-WILDCARD COMP-405-ALLOW COMP-ABSOLUTE-FORM COMP-ACCEPT-NONSENSE
        COMP-BASELINE COMP-CHUNKED-BODY COMP-CHUNKED-EMPTY COMP-CHUNKED-EXTENSION COMP-CHUNKED-HEX-UPPERCASE
        COMP-CHUNKED-MULTI COMP-CHUNKED-TRAILER-VALID COMP-CONNECTION-CLOSE COMP-CONTENT-TYPE COMP-DATE-FORMAT
        COMP-DATE-HEADER COMP-DUPLICATE-CT COMP-GET-WITH-CL-BODY COMP-HEAD-NO-BODY COMP-HTTP10-DEFAULT-CLOSE
        COMP-HTTP10-NO-HOST COMP-HTTP12-VERSION COMP-LONG-URL-OK COMP-METHOD-CASE COMP-NO-1XX-HTTP10
        COMP-NO-CL-IN-204 COMP-OPTIONS-ALLOW COMP-OPTIONS-STAR COMP-POST-CL-BODY COMP-POST-CL-ZERO
        COMP-POST-NO-CL-NO-TE COMP-POST-UNSUPPORTED-CT COMP-RANGE-INVALID COMP-RANGE-POST COMP-UNKNOWN-METHOD
        COMP-UPGRADE-HTTP10 COMP-UPGRADE-INVALID-VER COMP-UPGRADE-MISSING-CONN COMP-UPGRADE-POST
        COMP-UPGRADE-UNKNOWN COOK-ECHO COOK-EMPTY COOK-MALFORMED COOK-MULTI-HEADER COOK-PARSED-BASIC
        COOK-PARSED-EMPTY-VAL COOK-PARSED-MULTI COOK-PARSED-SPECIAL MAL-CL-TAB-BEFORE-VALUE MAL-URL-BACKSLASH
        MAL-URL-PERCENT-CRLF MAL-URL-PERCENT-NULL NORM-UNDERSCORE-CL NORM-UNDERSCORE-TE
        SMUG-CHUNK-INVALID-SIZE-DESYNC SMUG-CL-EXTRA-LEADING-SP SMUG-CL-TRAILING-SPACE SMUG-CL0-BODY-POISON
        SMUG-CLTE-CONN-CLOSE SMUG-CLTE-DESYNC SMUG-EXPECT-100-CL SMUG-EXPECT-100-CL-DESYNC
        SMUG-GET-CL-BODY-DESYNC SMUG-GET-CL-PREFIX-DESYNC SMUG-HEAD-CL-BODY SMUG-OPTIONS-CL-BODY
        SMUG-OPTIONS-CL-BODY-DESYNC SMUG-OPTIONS-TE-OBS-FOLD SMUG-PIPELINE-SAFE SMUG-TECL-CONN-CLOSE
        SMUG-TECL-DESYNC SMUG-TRAILER-AUTH SMUG-TRAILER-CL SMUG-TRAILER-CONTENT-TYPE SMUG-TRAILER-HOST
        SMUG-TRAILER-TE SMUG-TRANSFER_ENCODING""",
    "502": """COMP-METHOD-CONNECT SMUG-ABSOLUTE-URI-HOST-MISMATCH""",
    "417": """COMP-EXPECT-UNKNOWN""",
    "405": """COMP-METHOD-TRACE COMP-TRACE-SENSITIVE COMP-TRACE-WITH-BODY""",
}


def test_each_probe_of_http11probe_has_its_outcome(proxy):
    # `OPTIONS *` is answered by the proxy itself.
    compare(proxy, ((row[0], data) for row, data in http11probe()), 98, PROBES,
            lambda name, got: 0 if name == "COMP-OPTIONS-STAR" else got.split("+").count("200"))


def test_of_56_messages_that_must_be_rejected_56_are(proxy):
    """Level Must, and nothing is right but 400 (or 501 for a coding) or to hang up."""
    must = [(row, data) for row, data in http11probe()
            if row[1] == "Must" and row[3] in ("Exact 400", "Exact 400 or close", "400/501 or close")]
    assert len(must) == 56
    for row, data in must:
        got, whole, _ = outcome(proxy, data)
        assert got == "400" and not whole, (row, got, whole)


DESYNC = {
    "200": """acceptable-04 acceptable-05 acceptable-08 ambiguous-07 ambiguous-08 ambiguous-30 ambiguous-31
        rfc-compliant-00 rfc-compliant-04..07 rfc-compliant-12 uri-specific-test-cases-10..13""",
    "closed": """ambiguous-12..15 more-compliant-tests-00..04 more-compliant-tests-06 real-life-test-cases-00
        real-life-test-cases-01 rfc-compliant-01..03""",
}


def test_each_head_of_desync_guardian_has_its_outcome(proxy):
    compare(proxy, ((path.stem, with_host(path.read_bytes())) for path in files("desync-guardian")), 127, DESYNC)


LLHTTP_REQUESTS = {
    "200": """request-connection-01 request-connection-03 request-connection-04 request-connection-07..12
        request-connection-14 request-connection-18..21 request-content-length-09 request-finish-01
        request-invalid-04 request-invalid-14 request-method-01 request-method-06..11 request-method-16
        request-pausing-01..13 request-sample-01 request-sample-02 request-sample-05..09 request-sample-15..17
        request-transfer-encoding-02..06 request-uri-01 request-uri-02 request-uri-05""",
    "200+400": """request-connection-02 request-connection-05 request-lenient-headers-02 request-pipelining-01""",
    "closed": """request-content-length-10 request-content-length-11 request-content-length-16 request-finish-02
        request-finish-03 request-invalid-19 request-transfer-encoding-01 request-transfer-encoding-07
        request-transfer-encoding-10""",
    "505": """request-lenient-version-01""",
    "502": """request-method-02 request-method-03 request-uri-03 request-uri-04 request-uri-06 request-uri-09""",
}


def test_nothing_severe_of_desync_guardian_reaches_a_site(proxy):
    severe = [row[0] for row in table("desync-guardian.tsv") if row[2] == "Severe"]
    assert len(severe) >= 58
    for name in severe:
        got, whole, broken = outcome(proxy, with_host((SHARED / "desync-guardian" / name).read_bytes()))
        assert got == "400" and not whole and not broken, name


def test_each_request_of_llhttp_has_its_outcome(proxy):
    compare(proxy, ((path.stem, with_host(path.read_bytes())) for path in files("llhttp-request")), 89, LLHTTP_REQUESTS)


# Answers

CHUNKED = re.compile(rb"\r\ntransfer-encoding: chunked\r\n", re.IGNORECASE)


def unchunked(data):
    """The payload of chunks as the proxy writes them, and whether their end is there."""
    payload = b""
    while True:
        size, found, data = data.partition(b"\r\n")
        if not found:
            return payload, False
        if size == b"0":
            return payload, data == b"\r\n"
        payload, data = payload + data[:int(size, 16)], data[int(size, 16) + 2:]


def read_reply(reply):
    """Status and payload of the final response in REPLY, all that the proxy sent, and whether it is whole."""
    while reply.startswith(b"HTTP/1.1 1"):
        reply = reply.partition(b"\r\n\r\n")[2]
    head, found, body = reply.partition(b"\r\n\r\n")
    if not found:
        return None, b"", False
    status = int(head[9:12])
    if CHUNKED.search(head + b"\r\n"):
        body, whole = unchunked(body)
        return status, body, whole
    length = re.search(rb"\r\ncontent-length: (\d+)", head, re.IGNORECASE)
    return status, body, status in (204, 304) or (bool(length) and len(body) == int(length[1]))


def answer_outcome(proxy, answer):
    """What a client is told when a site sends ANSWER and hangs up: `502`, `cut`, or `whole`. Whatever is passed on as
    whole is what h11 reads in the same bytes: nothing is made up."""
    with Site() as site, client_of(proxy) as client:
        client.send(f"GET {site.url}/ HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        with site.accept() as origin:
            origin.until(b"\r\n\r\n")
            origin.send(answer)
            origin.finish()
            client.finish()
            reply = client.to_end()
    status, body, whole = read_reply(reply)
    if status == 502 and b"Proxy-Status: ccward; error=" in reply:
        return "502"
    if not whole:
        return "cut"
    assert (status, body) == response_by_h11(answer), reply[:500]
    return "whole"


def compare_answers(proxy, cases, expected):
    where = {name: key for key, names in expected.items() for name in expand(names)}
    wrong, seen = [], collections.defaultdict(list)
    for name, answer in cases:
        got = answer_outcome(proxy, answer)
        seen[got].append(name)
        if where.get(name, "whole") != got:
            wrong.append((name, got))
    if os.environ.get("CCWARD_SHOW_OUTCOMES"):
        for key, names in seen.items():
            print(f'    "{key}": """{" ".join(names)}""",')
    assert not wrong and len(seen["whole"]) > 10


LLHTTP_RESPONSES = {
    "502": """response-connection-10 response-connection-11 response-connection-17 response-invalid-01..13
        response-invalid-15..19 response-lenient-version-01 response-sample-02..04 response-sample-11
        response-sample-12 response-sample-16 response-sample-18 response-sample-20
        response-transfer-encoding-02..04 response-transfer-encoding-10""",
    "cut": """response-connection-18 response-content-length-03 response-content-length-04 response-sample-06
        response-transfer-encoding-01 response-transfer-encoding-06..09""",
}


def test_h27_each_response_of_llhttp_has_its_outcome(proxy):
    compare_answers(proxy, ((path.stem, path.read_bytes()) for path in files("llhttp-response")), LLHTTP_RESPONSES)


CURL_RESPONSES = {
    "502": """test1033 test1122 test1124 test1274 test1431 test1433 test1475 test1482 test1493 test1495 test1539
        test1540 test1546 test164 test1665 test1723 test1801 test1971 test2058 test2060 test2119 test246 test262
        test266 test281 test341 test387 test393 test415 test565 test768 test770 test798""",
    "cut": """test1116 test1416 test1484 test1909 test207 test278 test34 test36 test376 test457 test514 test693""",
}


def test_h27_each_odd_answer_of_curls_tests_has_its_outcome(proxy):
    compare_answers(proxy, ((path.stem, path.read_bytes()) for path in files("curl-responses")), CURL_RESPONSES)
