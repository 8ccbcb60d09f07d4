"""What RFC 9112 says that a forward proxy MUST do, a test per clause, the section in its name. Chunks, bodies and clocks
are tested in tests/unit/message and tests/unit/proxy as well, and closer."""
import socket

import pytest

from http_clauses import OK, bad_answer, client, exchange, proxy, refused, request, site  # noqa: F401
from http_peers import client_of, field

# Messages

def test_9112_2_2_a_message_is_octets_whatever_they_mean(client, site):
    odd = "X-Odd: \xff\xfe \xe9 \x80\r\n"
    seen, head, _ = exchange(client, site, request(site, odd), b"HTTP/1.1 200 \xe9\xff\r\nX-Odd: \x80\xff\r\n"
                                                               b"Content-Length: 2\r\n\r\nok")
    assert odd.encode("latin-1") in seen
    assert head.startswith(b"HTTP/1.1 200 \xe9\xff\r\n") and field(head, b"X-Odd") == [b"\x80\xff"]


@pytest.mark.parametrize("where", ["GET {url}/\r HTTP/1.1\r\nHost: a\r\n\r\n", "GET {url}/ HTTP/1.1\rHost: a\r\n\r\n",
                                   "GET {url}/ HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n",
                                   "GET {url}/ HTTP/1.1\r\nHost: a\r\nX\r: a\r\n\r\n"])
def test_9112_2_2_a_bare_cr_makes_a_request_invalid(client, site, where):
    refused(client, site, where.format(url=site.url).encode())


def test_9112_2_2_a_bare_cr_makes_a_response_invalid(client, site):
    bad_answer(client, site, b"HTTP/1.1 200 OK\r\nX: a\rSet-Cookie: forged\r\n\r\n")


@pytest.mark.parametrize("blank", [" ", "\t", " \t "])
def test_9112_2_2_a_blank_before_the_first_field_is_refused(client, site, blank):
    refused(client, site, f"GET {site.url}/ HTTP/1.1\r\n{blank}Host: a\r\n\r\n".encode())


@pytest.mark.parametrize("version", ["1.0", "1.1", "1.2"])
def test_h13_9112_2_3_requests_go_on_with_our_own_version(client, site, version):
    seen, head, _ = exchange(client, site, request(site, version=version))
    assert seen.startswith(b"GET / HTTP/1.1\r\n") and head.startswith(b"HTTP/1.1 200 OK\r\n")


@pytest.mark.parametrize("version", [b"1.0", b"1.1", b"1.3"])
def test_9112_2_3_responses_go_on_with_our_own_version(client, site, version):
    _, head, body = exchange(client, site, request(site), OK.replace(b"/1.1", b"/" + version))
    assert head.startswith(b"HTTP/1.1 200 OK\r\n") and body == b"ok"


def test_h2_9112_3_a_target_that_is_too_long_is_414(client, site):
    refused(client, site, request(site, path="/" + "x" * 20000), b"414")


def test_h2_9112_3_a_request_line_of_8000_octets_is_taken(client, site):
    path = "/" + "x" * (8000 - len(f"GET {site.url}/ HTTP/1.1"))
    seen, _, _ = exchange(client, site, request(site, path=path))
    assert seen.startswith(f"GET {path} HTTP/1.1\r\n".encode())


@pytest.mark.parametrize("line", ["GET  {url}/ HTTP/1.1", "GET {url}/  HTTP/1.1", "GET\t{url}/ HTTP/1.1",
                                  " GET {url}/ HTTP/1.1", "GET {url}/ HTTP/1.1 ", "GET {url}/", "GET {url}/ http/1.1",
                                  "GET {url}/ HTTP/1.10", "GET {url}/ HTTP/1,1", "GET {url}/a b HTTP/1.1",
                                  "G(T {url}/ HTTP/1.1", "{url}/ HTTP/1.1", "GET {url}/#a HTTP/1.1",
                                  "GET {url}/\xe9 HTTP/1.1"])
def test_h13_9112_3_a_request_line_has_three_parts_and_single_blanks(client, site, line):
    refused(client, site, f"{line.format(url=site.url)}\r\nHost: a\r\n\r\n".encode("latin-1"))


@pytest.mark.parametrize("version", ["2.0", "3.1"])
def test_h13_9112_2_3_another_major_version_is_505(client, site, version):
    refused(client, site, request(site, version=version), b"505")


@pytest.mark.parametrize("data", ["GET {url}/ HTTP/1.1\nHost: a\n\n", "GET {url}/ HTTP/1.1\r\nHost: a\nX: b\r\n\r\n",
                                  "GET {url}/ HTTP/1.1\r\nHost: a\r\n\n"])
def test_h11_9112_2_2_a_bare_lf_ends_no_line(client, site, data):
    refused(client, site, data.format(url=site.url).encode())


@pytest.mark.parametrize("fields", ["X: " + "x" * 8190 + "\r\n", "X: " + "x" * 33000 + "\r\n",
                                    "".join(f"X-{i}: 1\r\n" for i in range(101)),
                                    "".join(f"X-{i}: {'x' * 700}\r\n" for i in range(60))])
def test_h1_6585_5_a_head_that_is_too_large_is_431(client, site, fields):
    refused(client, site, request(site, fields), b"431")


@pytest.mark.parametrize("host", ["", "Host: a\r\nHost: a\r\n", "Host: a\r\nHost: b\r\n", "Host: a b\r\n",
                                  "Host: u@a\r\n", "Host: a/x\r\n", "Host: a:x\r\n", "Host: a, b\r\n",
                                  "Host: [::1\r\n", "Host:\r\n"])
def test_h12_9112_3_2_a_host_field_that_is_missing_repeated_or_invalid_is_400(client, site, host):
    refused(client, site, f"GET {site.url}/ HTTP/1.1\r\n{host}\r\n".encode())


@pytest.mark.parametrize("host", ["lie.example", "127.0.0.1", "lie.example:1"])
def test_h12_9112_3_2_2_the_host_field_is_replaced_by_the_authority_of_the_target(client, site, host):
    seen, _, _ = exchange(client, site, f"GET {site.url}/ HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
    assert field(seen, b"Host") == [f"127.0.0.1:{site.port}".encode()]
    assert b"lie" not in seen


def test_9112_3_2_2_an_http_1_0_request_without_a_host_field_gets_one(client, site):
    seen, _, _ = exchange(client, site, f"GET {site.url}/ HTTP/1.0\r\n\r\n".encode())
    assert field(seen, b"Host") == [f"127.0.0.1:{site.port}".encode()]


@pytest.mark.parametrize("target", ["{url}/", "/", "*", "127.0.0.1", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:99999",
                                    ":{port}", "127.0.0.1:{port}/", "u@127.0.0.1:{port}"])
def test_h18_9112_3_2_3_connect_takes_nothing_but_an_authority_with_a_port(client, site, target):
    refused(client, site, f"CONNECT {target.format(url=site.url, port=site.port)} HTTP/1.1\r\nHost: a\r\n\r\n".encode())


@pytest.mark.parametrize("path,forwarded", [("", b"*"), ("/", b"/"), ("?q", b"/?q"), ("/x?", b"/x?")])
def test_9112_3_2_4_options_for_a_whole_server_becomes_an_asterisk(client, site, path, forwarded):
    seen, _, _ = exchange(client, site, request(site, method="OPTIONS", path=path))
    assert seen.startswith(b"OPTIONS " + forwarded + b" HTTP/1.1\r\n")


def test_9112_3_2_4_the_asterisk_itself_is_for_us_and_for_options_alone(proxy, site):
    with client_of(proxy) as client:
        head, _ = client.send(b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n").response()
        assert head.startswith(b"HTTP/1.1 200 ")
    with client_of(proxy) as client:
        refused(client, site, b"GET * HTTP/1.1\r\nHost: a\r\n\r\n")


@pytest.mark.parametrize("name", ["Host ", "X-A ", "X-A\t", "Content-Length "])
def test_h9_9112_5_1_a_blank_between_name_and_colon_is_400(client, site, name):
    refused(client, site, f"GET {site.url}/ HTTP/1.1\r\nHost: a\r\n{name}: 1\r\n\r\n".encode())


def test_9112_5_1_a_blank_before_a_colon_is_never_passed_on_in_a_response(client, site):
    bad_answer(client, site, b"HTTP/1.1 200 OK\r\nContent-Length : 6\r\n\r\nforged")


@pytest.mark.parametrize("fold", [" ", "\t"])
def test_h10_9112_5_2_a_folded_field_is_400_in_a_request(client, site, fold):
    refused(client, site, f"GET {site.url}/ HTTP/1.1\r\nHost: a\r\nX: a\r\n{fold}b\r\n\r\n".encode())


def test_h10_9112_5_2_a_folded_field_is_502_in_a_response(client, site):
    bad_answer(client, site, b"HTTP/1.1 200 OK\r\nX: a\r\n forged\r\nContent-Length: 0\r\n\r\n")


# Bodies

@pytest.mark.parametrize("answer", [b"HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n",
                                    b"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n",
                                    b"HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n"])
def test_h28_9112_6_1_a_status_without_content_has_no_framing(client, site, answer):
    client.send(request(site) + request(site, path="/next"))
    with site.accept() as origin:
        origin.until(b"\r\n\r\n")
        origin.send(answer + OK)  # what follows is no answer to the second request
        head = client.until(b"\r\n\r\n")
        assert not field(head, b"Transfer-Encoding") and not field(head, b"Content-Length")
        with site.accept() as second:
            assert second.until(b"\r\n\r\n").startswith(b"GET /next ")
            second.send(OK.replace(b"ok", b"no"))
            client.until(b"\r\n\r\nno")
    assert b"ok" not in client.got.partition(b"\r\n\r\n")[2]


def test_9112_6_1_the_answer_to_connect_has_no_framing(make_ccward, site):
    ccward = make_ccward(proxy={"connect-ports": [site.port]})
    with client_of(ccward) as client:
        client.send(f"CONNECT 127.0.0.1:{site.port} HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n".encode())
        head = client.until(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 ")
        assert not field(head, b"Content-Length") and not field(head, b"Transfer-Encoding")
        with site.accept() as origin:
            client.send(b"anything")
            assert origin.until(b"anything") == b"anything"


def test_h8_9112_6_1_a_coding_in_http_1_0_is_faulty_framing_and_closes(client, site):
    refused(client, site, request(site, "Transfer-Encoding: chunked\r\n", "POST", version="1.0", body=b"0\r\n\r\n"))


def test_h8_9112_6_1_a_coding_in_a_response_of_http_1_0_is_502(client, site):
    bad_answer(client, site, b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nforged\r\n0\r\n\r\n")


@pytest.mark.parametrize("fields", ["Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
                                    "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"])
def test_h4_9112_6_1_and_6_2_a_length_with_a_coding_is_refused_and_the_connection_closed(client, site, fields):
    refused(client, site, request(site, fields, "POST", body=b"0\r\n\r\n") + request(site, path="/smuggled"))


def test_h28_9112_6_2_a_response_with_a_length_and_a_coding_is_502(client, site):
    bad_answer(client, site, b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n"
                             b"6\r\nforged\r\n0\r\n\r\n")


def test_h4_9112_6_3_two_lines_of_codings_are_400(client, site):
    refused(client, site, request(site, "Transfer-Encoding: chunked\r\n" * 2, "POST", body=b"0\r\n\r\n"))


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE", "OPTIONS"])
def test_9112_6_3_a_body_is_framed_by_its_fields_whatever_the_method(client, site, method):
    client.send(request(site, "Content-Length: 5\r\n", method, body=b"GET /") + request(site, path="/next"))
    with site.accept() as origin:
        origin.until(b"\r\n\r\nGET /")
        origin.send(OK.partition(b"ok")[0] + (b"ok" if method != "HEAD" else b""))
        client.until(b"\r\n\r\n")
        origin.got = b""
        assert origin.until(b"\r\n\r\n").startswith(b"GET /next ")


@pytest.mark.parametrize("coding", ["chunked, gzip", "gzip", "identity", "xchunked", "chunked, chunked",
                                    "gzip, chunked", "chunked;q=1", "\"chunked\"", "chunked,", ",chunked",
                                    "chun ked", ""])
def test_h4_9112_6_3_a_coding_that_does_not_end_in_chunked_or_is_another_is_400(client, site, coding):
    refused(client, site, request(site, f"Transfer-Encoding: {coding}\r\n", "POST", body=b"0\r\n\r\n"))


LENGTHS = ["+3", "-3", "0x3", "3 3", "3,4", "3, 3", "3;", "a", "", "03", "3.0", "99999999999999999999", "\xb3",
           "18446744073709551619"]


@pytest.mark.parametrize("length", LENGTHS)
def test_h5_9112_6_3_a_length_that_is_no_number_is_400(client, site, length):
    refused(client, site, request(site, f"Content-Length: {length}\r\n", "POST", body=b"abc"))


@pytest.mark.parametrize("length", LENGTHS)
def test_h28_9112_6_3_a_length_that_is_no_number_is_502_in_a_response(client, site, length):
    bad_answer(client, site, f"HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\nforged".encode("latin-1"))


def test_9112_6_3_a_response_without_a_length_ends_with_its_connection(client, site):
    client.send(request(site))
    with site.accept() as origin:
        origin.until(b"\r\n\r\n")
        origin.send(b"HTTP/1.1 200 OK\r\n\r\nfirst ")
        client.until(b"first ")
        origin.send(b"HTTP/1.1 200 and last")
    head, body = client.response()
    assert body == b"6\r\nfirst \r\n15\r\nHTTP/1.1 200 and last\r\n0\r\n\r\n"


def test_9112_6_3_what_follows_a_response_is_never_a_second_one(client, site):
    client.send(request(site) + request(site, path="/next"))
    with site.accept() as origin:
        origin.until(b"\r\n\r\n")
        origin.send(OK + b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged")
        assert client.response()[1] == b"ok"
        with site.accept() as second:
            second.until(b"GET /next ")
            second.send(OK.replace(b"ok", b"ha"))
            assert client.response()[1] == b"ha"


@pytest.mark.parametrize("framing,part", [("Content-Length: 10\r\n", b"abc"),
                                          ("Transfer-Encoding: chunked\r\n", b"5\r\nabc"),
                                          ("Transfer-Encoding: chunked\r\n", b"3\r\nabc\r\n")])
def test_9112_6_3_a_short_body_is_an_incomplete_message(client, site, framing, part):
    client.send(request(site, framing, "POST", body=part))
    with site.accept() as origin:
        origin.until(b"abc")
        client.finish()
        origin.to_end()  # the site must not take it for whole, nor the next request for its rest
    assert not origin.got.endswith(b"0\r\n\r\n")
    assert b"HTTP/1.1 200" not in client.to_end()


@pytest.mark.parametrize("answer", [b"Content-Length: 10\r\n\r\nabc", b"Transfer-Encoding: chunked\r\n\r\n5\r\nabc",
                                    b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
                                    b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n"])
def test_h27_9112_8_a_short_response_is_cut_off_and_never_completed(client, site, answer):
    client.send(request(site))
    with site.accept() as origin:
        origin.until(b"\r\n\r\n")
        origin.send(b"HTTP/1.1 200 OK\r\n" + answer)
        client.until(b"abc")
    assert not client.to_end().endswith(b"0\r\n\r\n") and client.got.count(b"HTTP/1.1 ") == 1


# Chunks

@pytest.mark.parametrize("size", ["0x3", "+3", "-3", " 3", "3 ", "\t3", "", "3_0", "g", "100000000000000003",
                                  "ffffffffffffffffff", "3\n", "3;", "3;=x", "3; a=b"])
def test_h6_9112_7_1_a_size_that_is_no_hexadecimal_number_is_400(client, site, size):
    client.send(request(site, "Transfer-Encoding: chunked\r\n", "POST", body=f"{size}\r\nabc\r\n0\r\n\r\n".encode()))
    with site.accept() as origin:
        seen = origin.to_end()
    assert client.to_end().startswith(b"HTTP/1.1 400 ")
    assert b"abc" not in seen and not seen.endswith(b"0\r\n\r\n")


@pytest.mark.parametrize("size,payload", [("3", b"abc"), ("0003", b"abc"), ("0a", b"0123456789"), ("A", b"0123456789"),
                                          ("0000000000000003", b"abc")])
def test_9112_7_1_chunks_are_unwrapped_and_framed_anew(client, site, size, payload):
    body = size.encode() + b"\r\n" + payload + b"\r\n1\r\nz\r\n0\r\n\r\n"
    client.send(request(site, "Transfer-Encoding: chunked\r\n", "POST", body=body))
    with site.accept() as origin:
        head, _, seen = origin.until(b"0\r\n\r\n").partition(b"\r\n\r\n")
    assert field(head, b"Transfer-Encoding") == [b"chunked"] and not field(head, b"Content-Length")
    assert seen == f"{len(payload):x}".encode() + b"\r\n" + payload + b"\r\n1\r\nz\r\n0\r\n\r\n"


def test_h6_9112_7_1_1_extensions_that_nobody_knows_are_ignored(client, site):
    client.send(request(site, "Transfer-Encoding: chunked\r\n", "POST",
                        body=b'3;a;b=c;d="x;\\"y"\r\nabc\r\n0;end\r\n\r\n'))
    with site.accept() as origin:
        assert origin.until(b"0\r\n\r\n").endswith(b"\r\n\r\n3\r\nabc\r\n0\r\n\r\n")


def test_h6_9112_7_1_1_extensions_are_bounded(client, site):
    body = b"3;" + b"a" * 16384 + b"\r\nabc\r\n0\r\n\r\n"
    client.send(request(site, "Transfer-Encoding: chunked\r\n", "POST", body=body))
    with site.accept() as origin:
        assert b"abc" not in origin.to_end()
    assert client.to_end().startswith(b"HTTP/1.1 400 ")


TRAILERS = b"Host: evil\r\nContent-Length: 9\r\nTransfer-Encoding: gzip\r\nAuthorization: Basic eA==\r\nX-T: 1\r\n"


def test_h7_9112_7_1_2_trailers_of_a_request_are_never_merged(client, site):
    client.send(request(site, "Transfer-Encoding: chunked\r\nTrailer: X-T\r\n", "POST",
                        body=b"3\r\nabc\r\n0\r\n" + TRAILERS + b"\r\n"))
    with site.accept() as origin:
        seen = origin.until(b"0\r\n\r\n")
    assert seen.endswith(b"3\r\nabc\r\n0\r\n\r\n") and not any(word in seen for word in (b"evil", b"X-T", b"Basic"))


def test_h7_9112_7_1_2_trailers_of_a_response_are_never_merged(client, site):
    _, head, body = exchange(client, site, request(site),
                             b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\n"
                             b"3\r\nabc\r\n0\r\n" + TRAILERS + b"\r\n")
    assert body == b"3\r\nabc\r\n0\r\n\r\n" and not field(head, b"Trailer") and not field(head, b"X-T")


# Connections

def test_9112_9_2_a_response_that_nobody_asked_for_is_none(client, site):
    client.send(request(site))
    with site.accept() as origin:
        origin.until(b"\r\n\r\n")
        origin.send(OK)
        client.response()
        origin.send(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged")  # on a connection that is kept
        assert origin.to_end().count(b"GET ") == 1
        client.send(request(site))
        with site.accept() as second:
            second.until(b"\r\n\r\n")
            second.send(OK)
            assert client.response()[1] == b"ok"


def test_9112_9_3_a_body_is_read_whole_before_the_next_request(client, site):
    smuggled = request(site, path="/smuggled")
    client.send(request(site, f"Content-Length: {len(smuggled)}\r\n", "POST", body=smuggled)
                + request(site, path="/next"))
    with site.accept() as origin:
        origin.until(smuggled)
        origin.send(OK)
        client.response()
        origin.got = b""
        assert origin.until(b"\r\n\r\n").startswith(b"GET /next ")


@pytest.mark.parametrize("fields", ["", "Connection: keep-alive\r\n", "Proxy-Connection: keep-alive\r\n"])
def test_9112_9_3_a_client_of_http_1_0_has_no_persistent_connection(client, site, fields):
    data = request(site, fields, version="1.0")
    client.send(data + data)
    with site.accept() as origin:
        origin.until(b"\r\n\r\n")
        origin.send(OK)
        reply = client.to_end()
    assert field(reply, b"Connection") == [b"close"] and reply.count(b"HTTP/1.1 ") == 1


def test_h17_9112_9_3_2_responses_come_in_the_order_of_their_requests(client, site):
    client.send(b"".join(request(site, path=f"/{i}") for i in range(100)))
    with site.accept() as origin:
        for i in range(100):
            origin.until(f"GET /{i} ".encode())
            origin.until(b"\r\n\r\n", i + 1)
            origin.send(OK.replace(b"2\r\n\r\nok", b"4\r\n\r\n%04d" % i))
        assert [client.response()[1] for _ in range(100)] == [b"%04d" % i for i in range(100)]


def test_h17_9112_9_3_2_a_bad_request_ends_what_is_pipelined(client, site):
    client.send(request(site, path="/1") + b"nonsense\r\n\r\n" + request(site, path="/3"))
    with site.accept() as origin:
        origin.until(b"\r\n\r\n")
        origin.send(OK)
        reply = client.to_end()
    assert reply.count(b"HTTP/1.1 ") == 2 and b"HTTP/1.1 400 " in reply
    assert site.is_untouched() and b"/3" not in origin.got


def test_h33_9112_9_6_close_is_said_and_nothing_after_it_is_read(client, site):
    client.send(request(site, "Connection: close\r\n") + request(site, path="/after"))
    with site.accept() as origin:
        origin.until(b"\r\n\r\n")
        origin.send(OK)
        reply = client.to_end()
    assert field(reply, b"Connection") == [b"close"] and reply.count(b"HTTP/1.1 ") == 1
    assert b"/after" not in origin.got and site.is_untouched()


def test_h33_9112_9_6_an_answer_on_its_way_is_not_lost_by_what_a_client_sends_after_close(client, site):
    client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
    client.send(request(site, "Content-Length: 2\r\n", "POST", version="1.0", body=b"ab"))
    with site.accept() as origin:
        origin.until(b"\r\n\r\nab")
        origin.send(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 100000\r\n\r\n" + b"x" * 100000)
        origin.to_end()  # the proxy has all of it
    client.send(b"\r\n")
    assert client.to_end().count(b"x") == 100000


def test_9112_9_6_a_site_that_says_close_is_not_asked_again_on_that_connection(client, site):
    for _ in range(2):
        with_close = OK.replace(b"OK\r\n", b"OK\r\nConnection: close\r\n")
        _, head, body = exchange(client, site, request(site), with_close)
        assert body == b"ok" and not field(head, b"Connection")  # it is between the two of them
