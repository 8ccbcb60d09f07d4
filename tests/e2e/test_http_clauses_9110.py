"""What RFC 9110 says that a forward proxy MUST do, a test per clause, the section in its name."""
import pytest

from http_clauses import OK, bad_answer, client, exchange, proxy, refused, request, site  # noqa: F401
from http_peers import client_of, field

# URLs and fields

@pytest.mark.parametrize("url", ["http:///x", "http://:80/x", "http://?q", "http://"])
def test_9110_4_2_1_an_empty_host_is_refused(client, site, url):
    refused(client, site, f"GET {url} HTTP/1.1\r\nHost: a\r\n\r\n".encode())


@pytest.mark.parametrize("user", ["user@", "user:secret@", "@", "a%40b@", "127.0.0.1:80@"])
def test_h12_9110_4_2_4_userinfo_is_refused_and_so_never_sent_on(client, site, user):
    refused(client, site, f"GET http://{user}127.0.0.1:{site.port}/ HTTP/1.1\r\nHost: a\r\n\r\n".encode())


@pytest.mark.parametrize("line", [": no name", "no colon", "(x): 1", "X Y: 1", "\xe9: 1", "X\0: 1"])
def test_h9_9110_5_1_a_field_has_a_token_for_its_name(client, site, line):
    refused(client, site, request(site, line + "\r\n"))


def test_9110_5_1_fields_that_nobody_knows_are_passed_on(client, site):
    fields = "x-NEW-thing: 1\r\n!#$%&'*+.^_`|~09: odd name\r\nX-Empty: \r\n"
    seen, head, _ = exchange(client, site, request(site, fields),
                             OK.replace(b"\r\n\r\n", b"\r\n" + fields.encode() + b"\r\n"))
    for message in (seen, head):
        assert b"x-NEW-thing: 1\r\n" in message and b"!#$%&'*+.^_`|~09: odd name\r\n" in message
        assert field(message, b"X-Empty") == [b""]


def test_9110_5_3_fields_of_one_name_keep_their_order(client, site):
    fields = "X-A: 1\r\nCookie: a\r\nX-A: 2\r\nX-B: 3\r\nX-A: 1\r\n"
    seen, head, _ = exchange(client, site, request(site, fields),
                             OK.replace(b"\r\n\r\n", b"\r\nSet-Cookie: b\r\nSet-Cookie: a\r\nSet-Cookie: c\r\n\r\n"))
    assert field(seen, b"X-A") == [b"1", b"2", b"1"]
    assert field(head, b"Set-Cookie") == [b"b", b"a", b"c"]


@pytest.mark.parametrize("byte", ["\0", "\1", "\x0b", "\x1f", "\x7f"])
def test_h10_9110_5_5_control_bytes_in_a_value_are_refused(client, site, byte):
    refused(client, site, request(site, f"X: a{byte}b\r\n"))


@pytest.mark.parametrize("byte", [b"\0", b"\1", b"\x0b", b"\x1f", b"\x7f"])
def test_h10_9110_5_5_control_bytes_in_a_value_of_a_response_are_502(client, site, byte):
    bad_answer(client, site, b"HTTP/1.1 200 OK\r\nX: forged" + byte + b"\r\nContent-Length: 0\r\n\r\n")


def test_9110_6_6_1_a_date_is_added_where_there_is_none(client, site):
    _, head, _ = exchange(client, site, request(site))
    assert len(field(head, b"Date")) == 1 and field(head, b"Date")[0].endswith(b" GMT")


def test_9110_6_6_1_a_date_that_is_there_stays(client, site):
    _, head, _ = exchange(client, site, request(site), OK.replace(b"\r\n\r\n", b"\r\nDate: whenever\r\n\r\n"))
    assert field(head, b"Date") == [b"whenever"]


# Forwarding

def test_h15_9110_7_6_a_request_that_was_here_before_is_not_sent_again(client, site):
    seen, _, _ = exchange(client, site, request(site))
    via = field(seen, b"Via")[0].decode()
    refused(client, site, request(site, f"Via: 1.0 fred, {via}\r\n"), b"508")


def test_9110_7_6_a_request_for_ourselves_is_not_sent(proxy, client):
    head, _ = client.send(f"GET http://127.0.0.1:{proxy.proxy_port}/ HTTP/1.1\r\nHost: a\r\n\r\n".encode()).response()
    assert head.startswith(b"HTTP/1.1 403 ")


HOP_BY_HOP = ("Connection: X-One, close-not, x-TWO\r\nX-One: 1\r\nX-Two: 2\r\nConnection: X-Three\r\nX-Three: 3\r\n"
              "Keep-Alive: timeout=5\r\nProxy-Connection: keep-alive\r\nProxy-Authorization: Basic eA==\r\n"
              "TE: trailers\r\nTrailer: X-T\r\nUpgrade: h2c\r\nProxy-Authenticate: Basic\r\nX-Kept: yes\r\n")


def test_h14_9110_7_6_1_fields_for_one_hop_stay_behind_in_requests(client, site):
    seen, _, _ = exchange(client, site, request(site, HOP_BY_HOP))
    names = [line.partition(b":")[0].lower() for line in seen.split(b"\r\n")[1:] if line]
    assert names == [b"host", b"x-kept", b"via"]


def test_h14_9110_7_6_1_fields_for_one_hop_stay_behind_in_responses(client, site):
    _, head, _ = exchange(client, site, request(site), OK.replace(b"\r\n\r\n", b"\r\n" + HOP_BY_HOP.encode() + b"\r\n"))
    names = [line.partition(b":")[0].lower() for line in head.split(b"\r\n")[1:] if line]
    assert names == [b"content-length", b"x-kept", b"date", b"via"]


@pytest.mark.parametrize("name", ["Host", "Content-Length", "Via", "Cache-Control", "Max-Forwards"])
def test_h14_9110_7_6_1_connection_does_not_take_out_what_others_go_by(client, site, name):
    fields = f"Connection: {name}\r\nContent-Length: 3\r\nCache-Control: no-cache\r\nMax-Forwards: 7\r\n"
    client.send(request(site, fields, "POST", body=b"abc"))
    with site.accept() as origin:
        assert field(origin.until(b"abc"), name.encode())


@pytest.mark.parametrize("given,forwarded", [("7", b"6"), ("1", b"0"), ("x", b"x")])
def test_9110_7_6_2_max_forwards_of_options_counts_down(client, site, given, forwarded):
    seen, _, _ = exchange(client, site, request(site, f"Max-Forwards: {given}\r\n", "OPTIONS"))
    assert field(seen, b"Max-Forwards") == [forwarded]


def test_h15_9110_7_6_2_options_without_forwards_left_and_trace_are_answered_here(proxy, site):
    for method, status in (("OPTIONS", b"200"), ("TRACE", b"405")):
        with client_of(proxy) as client:
            head, _ = client.send(request(site, "Max-Forwards: 0\r\n", method)).response()
            assert head.startswith(b"HTTP/1.1 " + status)
            assert method == "OPTIONS" or b"OPTIONS" in field(head, b"Allow")[0]
    assert site.is_untouched()


def test_9110_7_6_3_each_message_that_is_passed_on_has_via(client, site):
    client.send(request(site, "Via: 1.0 fred, 1.1 ken\r\n"))
    with site.accept() as origin:
        seen = origin.until(b"\r\n\r\n")
        origin.send(b"HTTP/1.1 103 Early Hints\r\nVia: 1.1 abe\r\n\r\n")
        interim = client.until(b"\r\n\r\n")
        client.got = b""
        origin.send(OK.replace(b"/1.1", b"/1.0"))
        final = client.until(b"\r\n\r\n")
    assert field(seen, b"Via")[0] == b"1.0 fred, 1.1 ken" and field(seen, b"Via")[1].startswith(b"1.1 ccward (")
    assert field(interim, b"Via") == [b"1.1 abe", b"1.1 ccward"] and field(final, b"Via") == [b"1.0 ccward"]


def test_9110_7_6_3_via_says_the_version_of_the_client(client, site):
    seen, _, _ = exchange(client, site, request(site, version="1.0"))
    assert field(seen, b"Via")[0].startswith(b"1.0 ccward (")


@pytest.mark.parametrize("path", ["/%7e/%7E/%2f/./../a//b/;c=d?e=f&g?/../%", "/?", "/a?b?c", "/\"<>[]{}|^`\\",
                                  "/a%00b"])
def test_9110_7_7_path_and_query_are_passed_on_byte_for_byte(client, site, path):
    seen, _, _ = exchange(client, site, request(site, path=path))
    assert seen.startswith(b"GET " + path.encode() + b" HTTP/1.1\r\n")


def test_9110_7_7_the_host_is_passed_on_as_it_was_written(client, site):
    seen, _, _ = exchange(client, site, f"GET http://wWw.eXample:{site.port}/ HTTP/1.1\r\nHost: a\r\n\r\n".encode())
    assert field(seen, b"Host") == [f"wWw.eXample:{site.port}".encode()]


@pytest.mark.parametrize("fields", ["Upgrade: websocket\r\n", "Connection: Upgrade\r\nUpgrade: h2c\r\n",
                                    "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMA\r\n",
                                    "Connection: Upgrade\r\nUpgrade: TLS/1.0\r\n"])
def test_h36_9110_7_8_no_upgrade_but_to_a_websocket_is_asked_for(client, site, fields):
    seen, _, _ = exchange(client, site, request(site, fields))
    assert not field(seen, b"Upgrade") and not field(seen, b"Connection") and not field(seen, b"HTTP2-Settings")


def test_h36_9110_7_8_a_switch_that_nobody_asked_for_is_502(client, site):
    bad_answer(client, site, b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
                             b"forged")


def test_h36_9110_7_8_an_upgrade_of_http_1_0_is_ignored(client, site):
    seen, _, _ = exchange(client, site, request(site, "Connection: Upgrade\r\nUpgrade: websocket\r\n", version="1.0"))
    assert not field(seen, b"Upgrade")


def test_h36_9110_7_8_a_websocket_is_asked_for_and_switched_to(client, site):
    client.send(request(site, "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: a\r\n"))
    with site.accept() as origin:
        seen = origin.until(b"\r\n\r\n")
        assert field(seen, b"Connection") == [b"Upgrade"] and field(seen, b"Upgrade") == [b"websocket"]
        origin.send(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n\x81\x01a")
        assert client.until(b"\x81\x01a").startswith(b"HTTP/1.1 101 ")
        client.send(b"\0 not a request")
        origin.until(b"\0 not a request")


@pytest.mark.parametrize("fields", ["Content-Length: 3\r\nContent-Length: 3\r\n",
                                    "Content-Length: 3\r\nContent-Length: 4\r\n", "Content-Length: 3, 3\r\n"])
def test_h5_9110_8_6_a_length_stands_once(client, site, fields):
    refused(client, site, request(site, fields, "POST", body=b"abc"))


def test_9110_8_6_a_length_is_passed_on_as_it_is(client, site):
    client.send(request(site, "Content-Length: 3\r\n", "POST", body=b"abc"))
    with site.accept() as origin:
        assert field(origin.until(b"abc"), b"Content-Length") == [b"3"]


def test_9110_8_6_the_length_of_a_head_response_says_nothing_of_its_body(client, site):
    client.send(request(site, method="HEAD") + request(site, path="/next"))
    with site.accept() as origin:
        origin.until(b"\r\n\r\n")
        origin.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        assert field(client.until(b"\r\n\r\n"), b"Content-Length") == [b"1000"]
        origin.until(b"GET /next ")
        origin.send(OK)
        client.until(b"\r\n\r\nok")


@pytest.mark.parametrize("method", ["POST", "PATCH", "M-ODD"])
def test_9110_9_2_2_a_request_that_may_have_had_an_effect_is_not_sent_twice(client, site, method):
    exchange(client, site, request(site))
    client.send(request(site, "Content-Length: 0\r\n", method))
    with site.accept() as origin:  # one of its own, on which nothing was before
        origin.until(b"\r\n\r\n")
    head, _ = client.response()
    assert head.startswith(b"HTTP/1.1 502 ") and site.is_untouched()


@pytest.mark.parametrize("answer", [b"", b"Content-Length: 9\r\n"])
def test_h18_9110_9_3_6_connect_with_content_is_400(client, site, answer):
    framing = answer or b"Transfer-Encoding: chunked\r\n"
    refused(client, site, f"CONNECT 127.0.0.1:{site.port} HTTP/1.1\r\nHost: a\r\n".encode() + framing + b"\r\n")


@pytest.mark.parametrize("data", ["GET {url}/ HTTP/1.1\r\nHost: a\r\nExpect: banana\r\n\r\n",
                                  "GET {url}/ HTTP/1.1\r\nHost: a\r\nExpect: 100-continue, banana\r\n\r\n"])
def test_h16_9110_10_1_1_an_expectation_that_nobody_knows_is_417(client, site, data):
    refused(client, site, data.format(url=site.url).encode(), b"417")


def test_h16_9110_10_1_1_an_expectation_is_passed_on_and_so_is_its_answer(client, site):
    client.send(request(site, "Content-Length: 3\r\nExpect: 100-continue\r\n", "POST"))
    with site.accept() as origin:
        assert field(origin.until(b"\r\n\r\n"), b"Expect") == [b"100-continue"]
        origin.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        assert client.until(b"\r\n\r\n").startswith(b"HTTP/1.1 100 Continue\r\n")
        client.send(b"abc")
        origin.until(b"\r\n\r\nabc")
        origin.send(OK)
        client.until(b"\r\n\r\nok")


def test_h16_9110_10_1_1_a_final_answer_to_an_expectation_is_passed_on_as_well(client, site):
    _, head, _ = exchange(client, site, request(site, "Content-Length: 3\r\nExpect: 100-continue\r\n", "POST"),
                          b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 2\r\n\r\nno")
    assert head.startswith(b"HTTP/1.1 413 ") and field(head, b"Connection") == [b"close"]  # its body never came


def test_h16_9110_10_1_1_an_expectation_of_http_1_0_is_ignored(client, site):
    client.send(request(site, "Content-Length: 3\r\nExpect: 100-continue\r\n", "POST", version="1.0", body=b"abc"))
    with site.accept() as origin:
        assert not field(origin.until(b"abc"), b"Expect")
        origin.send(OK)
        assert client.to_end().startswith(b"HTTP/1.1 200 ")


def test_9110_11_6_2_authorization_goes_to_the_site_unchanged(client, site):
    challenge = b'Basic realm="a, b", Digest nonce="x"'
    seen, head, _ = exchange(client, site, request(site, "Authorization: Basic  eDp5,  z\r\n"),
                             OK.replace(b"\r\n\r\n", b"\r\nWWW-Authenticate: " + challenge + b"\r\n\r\n"))
    assert field(seen, b"Authorization") == [b"Basic  eDp5,  z"] and field(head, b"WWW-Authenticate") == [challenge]


def test_9110_13_2_1_conditions_and_ranges_are_the_sites_matter(client, site):
    conditions = {"If-Match": '"a"', "If-None-Match": "*", "If-Modified-Since": "never", "If-Unmodified-Since": "x",
                  "If-Range": '"b"', "Range": "bytes=0-1"}
    seen, head, _ = exchange(client, site, request(site, "".join(f"{k}: {v}\r\n" for k, v in conditions.items())),
                             b"HTTP/1.1 412 No\r\nContent-Length: 2\r\n\r\nok")
    assert all(field(seen, k.encode()) == [v.encode()] for k, v in conditions.items())
    assert head.startswith(b"HTTP/1.1 412 No\r\n")


def test_9110_15_2_interim_responses_are_passed_on(client, site):
    client.send(request(site))
    with site.accept() as origin:
        origin.until(b"\r\n\r\n")
        origin.send(b"HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + OK)
        reply = client.until(b"\r\n\r\nok")
    assert [part.split(b"\r\n")[0] for part in reply.split(b"HTTP/1.1 ")[1:]] == [b"102 Processing", b"103 Early Hints",
                                                                                 b"200 OK"]


def test_9110_15_2_interim_responses_are_not_for_http_1_0(client, site):
    client.send(request(site, version="1.0"))
    with site.accept() as origin:
        origin.until(b"\r\n\r\n")
        origin.send(b"HTTP/1.1 103 Early Hints\r\n\r\n" + OK)
        assert client.to_end().startswith(b"HTTP/1.1 200 ")


def test_h27_9110_15_2_a_hundred_interim_responses_are_the_end_of_patience(client, site):
    client.send(request(site))
    with site.accept() as origin:
        origin.until(b"\r\n\r\n")
        origin.send(b"HTTP/1.1 102 Processing\r\n\r\n" * 101 + OK)
        client.until(b"HTTP/1.1 502 ")
    assert client.got.count(b"HTTP/1.1 102") <= 100
