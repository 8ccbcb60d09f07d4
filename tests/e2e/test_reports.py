"""Reports of false positives: from the block page's form to `ccward reports`."""
import html.parser
import json
import re
import socket
import ssl
import subprocess
import urllib.parse

from harness import wait_for

TEST_HOST = "ca91-1.winshipway.com"
PATH = "/.well-known/ccward-report"


class Form(html.parser.HTMLParser):
    """The fields of a page's form, and where it goes."""

    def __init__(self, page):
        super().__init__()
        self.action, self.method, self.fields = None, None, {}
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if tag == "form":
            self.action, self.method = attributes["action"], attributes["method"]
        elif tag == "input":
            self.fields[attributes["name"]] = attributes.get("value", "")


def curl(ccward, *arguments):
    return subprocess.run(["curl", "-s", "-S", "-i", "-m", "20", "-x", ccward.proxy, *arguments], capture_output=True,
                          text=True, timeout=30).stdout


def form_of(ccward, host=TEST_HOST):
    form = Form(curl(ccward, "-H", "Accept: text/html", f"http://{host}/gate?secret=1"))
    assert form.action == PATH and form.method == "post" and set(form.fields) == {"token", "ref", "comment"}
    return form


def send(ccward, form, comment="", host=TEST_HOST, extra=()):
    fields = [word for name, value in {**form.fields, "comment": comment}.items()
              for word in ("--data-urlencode", f"{name}={value}")]
    return curl(ccward, "-H", "Accept: text/html", *fields, *extra, f"http://{host}{form.action}")


def reports(ccward, *arguments):
    return json.loads(ccward.run("reports", "--json", *arguments).stdout)["reports"]


def test_a_report_lands_in_the_queue_and_unblocks_nothing(ccward):
    form = form_of(ccward)
    answer = send(ccward, form, "私はここで\nwork <b>")
    assert answer.startswith("HTTP/1.1 202 ") and "Your report was taken" in answer and "form-action 'none'" in answer
    report = wait_for(lambda: reports(ccward), what="the report")[0]
    assert report["host"] == TEST_HOST and report["client"] == "127.0.0.1" and report["state"] == "open"
    assert report["comment"] == "私はここで work <b>" and report["category"] == "c2"
    assert report["reference"] == form.fields["ref"] and report["id"] == 1
    assert (ccward.state / "reports.jsonl").read_text().count("\n") == 1
    assert curl(ccward, f"http://{TEST_HOST}/").startswith("HTTP/1.1 403 ")
    shown = ccward.run("reports").stdout
    assert TEST_HOST in shown and "私はここで" in shown
    assert f"incident   {form.fields['ref']}" in ccward.run("reports", "show", "1").stdout
    assert "wait" not in ccward.errors.split("in force")[-1]


def test_a_report_is_no_contact_but_a_forged_one_is(ccward):
    form = form_of(ccward)
    before = ccward.wait_for_callback(channel="http", method="GET")
    send(ccward, form)
    wait_for(lambda: reports(ccward), what="the report")
    form.fields["token"] = form.fields["token"][:-1] + ("0" if form.fields["token"][-1] != "0" else "1")
    answer = send(ccward, form)
    assert answer.startswith("HTTP/1.1 403 ") and "too old" in answer
    line = ccward.wait_for_callback(channel="http", method="POST")
    assert line["subject"].endswith(PATH) and before["incident"] == line["incident"]
    assert len(reports(ccward)) == 1 and reports(ccward)[0]["times"] == 1


def test_only_what_comes_from_our_page_is_taken(ccward):
    for extra, status in [
        (["-H", "Sec-Fetch-Site: cross-site"], 403), (["-H", "Sec-Fetch-Site: same-site"], 403),
        (["-H", "Origin: http://other.example"], 403), (["-H", f"Origin: https://{TEST_HOST}"], 403),
        (["-H", "Content-Type: text/plain"], 400), (["--data", "ref=again"], 400), (["--data", "x=%zz"], 202),
        (["--data", "x=" + "y" * 3000], 413), (["-X", "PUT"], 403), (["-H", f"Origin: http://{TEST_HOST}"], 202),
        (["-H", "Sec-Fetch-Site: same-origin", "-H", "Origin: null"], 202), (["-H", "Transfer-Encoding: chunked"], 202),
        (["-H", "Expect: 100-continue"], 202),
    ]:
        answers = send(ccward, form_of(ccward), extra=extra)
        assert re.findall(r"^HTTP/1.1 (\d+)", answers, re.M)[-1] == str(status), (extra, answers[:400])
        assert "location:" not in answers.lower()


def test_five_an_hour_are_taken_of_one_client(ccward):
    form = form_of(ccward)
    answers = [send(ccward, form, str(i)) for i in range(6)]
    assert [answer[9:12] for answer in answers] == ["202"] * 5 + ["429"]
    assert "retry-after: 3600" in answers[5].lower() and "several reports" in answers[5]
    report = wait_for(lambda: [r for r in reports(ccward) if r["times"] == 5], what="all of them")[0]
    assert report["comment"] == "4", "the same host and incident again is one entry"
    assert sorted(comment["text"] for comment in report["comments"]) == list("01234")
    shown = ccward.run("reports", "show", str(report["id"])).stdout
    assert all(re.search(rf"T\S+Z  {i}$", shown, re.M) for i in range(5)) and "\ncomments   2" in shown
    assert "4 (and 4 before)" in ccward.run("reports").stdout


def test_the_path_is_the_origins_where_the_host_is_not_blocked(ccward, origin):
    answer = curl(ccward, "-d", "token=x", origin.url("www.example", PATH))
    assert answer.startswith("HTTP/1.1 404 ") and "Server: nginx" in answer
    assert any(PATH in line for line in origin.requests())


def test_a_page_for_a_url_alone_has_no_form(ccward, origin):
    ccward.import_feed("urls", f"http://shared.example:{origin.port}/bad\n", "urls")
    wait_for(lambda: curl(ccward, origin.url("shared.example", "/bad")).startswith("HTTP/1.1 403 "), what="the block")
    page = curl(ccward, "-H", "Accept: text/html", origin.url("shared.example", "/bad"))
    assert "<html" in page and "<form" not in page and "form-action 'none'" in page


def test_frames_and_programs_get_no_form(ccward):
    for field in ("Sec-Fetch-Dest: iframe", "Accept: application/json", "Accept: text/plain"):
        answer = curl(ccward, "-H", field, f"http://{TEST_HOST}/")
        assert "<form" not in answer and "form-action 'none'" in answer, field
    assert "form-action 'self'" in curl(ccward, "-H", "Accept: text/html", f"http://{TEST_HOST}/")


def test_the_page_server_takes_reports_of_those_who_come_by_dns(ccward):
    def ask(*arguments):
        return subprocess.run(["curl", "-s", "-i", "-m", "20", "--resolve", f"{TEST_HOST}:{ccward.page_port}:127.0.0.1",
                               "-H", "Accept: text/html", "-H", "Accept-Language: ja", *arguments],
                              capture_output=True, text=True, timeout=30).stdout

    url = f"http://{TEST_HOST}:{ccward.page_port}"
    form = Form(ask(url + "/"))
    body = "&".join(f"{name}={value}" for name, value in form.fields.items())
    answer = ask("-d", body, "-H", f"Origin: {url}", url + PATH)
    assert answer.startswith("HTTP/1.1 202 ") and "報告を受け付けました" in answer
    assert ask("-d", body, "-H", "Origin: http://www.example", url + PATH).startswith("HTTP/1.1 403 ")
    assert wait_for(lambda: reports(ccward), what="the report")[0]["port"] == ccward.page_port


def test_what_is_done_is_allowed_or_stays_blocked(ccward):
    for host in ("one.example", "two.example"):
        ccward.run("deny", host)
        wait_for(lambda: curl(ccward, f"http://{host}/").startswith("HTTP/1.1 403 "), what="the block")
        send(ccward, form_of(ccward, host), host=host)
    wait_for(lambda: len(reports(ccward)) == 2, what="two reports")
    told = ccward.run("reports", "done", "1", "--allow", "--for", "1h", "--exact").stdout
    assert told == "report 1 is done: allow =one.example\n"
    entry = next(e for e in json.loads(ccward.run("lists", "--json").stdout)["entries"] if e["verb"] == "allow")
    assert entry["subject"] == "=one.example" and entry["note"] == "report 1" and entry["expires"]
    wait_for(lambda: not curl(ccward, "http://one.example/").startswith("HTTP/1.1 403 "), what="the approval")
    assert ccward.run("reports", "done", "2").stdout == "report 2 is done: two.example stays blocked\n"
    assert curl(ccward, "http://two.example/").startswith("HTTP/1.1 403 ")
    assert reports(ccward) == [] and len(reports(ccward, "--all")) == 2
    assert "No report is open" in ccward.run("reports").stdout


def test_wrong_calls_say_what_is_wrong(ccward):
    for words, code, told in [
        (["show", "7"], 1, "no report 7"), (["done", "x"], 2, "no number"), (["done"], 2, "which report"),
        (["frobnicate"], 2, "show or done"), (["--allow"], 2, "does not go with"), (["done", "1", "--deny"], 2, "blocked already"),
    ]:
        result = ccward.run("reports", *words, check=False)
        assert result.returncode == code and told in result.stderr, words


def test_a_queue_that_was_damaged_is_told_and_left_alone(ccward):
    (ccward.state / "reports.jsonl").write_text("{}\n")
    result = ccward.run("reports", check=False)
    assert result.returncode == 1 and "reports.jsonl:1" in result.stderr
    send(ccward, form_of(ccward))
    wait_for(lambda: "reports of false positives wait" in ccward.errors, what="the daemon's word of it")
    assert (ccward.state / "reports.jsonl").read_text() == "{}\n"
    (ccward.state / "reports.jsonl").unlink()
    wait_for(lambda: reports(ccward), what="the report that waited")


def test_h23_a_hostile_report_is_one_quiet_line(ccward):
    form = form_of(ccward)
    hostile = urllib.parse.quote("<script>\r\n\x1b[31m\x00\u2028\"'\\ \x7f") + "%ff"
    answer = curl(ccward, "-H", "Accept: text/html", "-d",
                  f"token={form.fields['token']}&ref={form.fields['ref']}&comment={hostile}", f"http://{TEST_HOST}{PATH}")
    assert answer.startswith("HTTP/1.1 202 ") and "<script" not in answer
    wait_for(lambda: reports(ccward), what="the report")
    raw = (ccward.state / "reports.jsonl").read_bytes()
    assert raw.count(b"\n") == 1 and not any(byte < 32 and byte != 10 for byte in raw)
    shown = ccward.run("reports", text=False).stdout
    assert b"\x1b" not in shown and b"\\x1b[31m" in shown


def test_reports_by_tls_within_a_connect(ccward):
    ccward.run("ca", "init")
    authority = ccward.folder / "ca.pem"
    ccward.run("ca", "export", str(authority))

    def ask(*arguments):
        return subprocess.run(["curl", "-s", "-i", "-m", "20", "-x", ccward.proxy, "--cacert", str(authority),
                               "-H", "Accept: text/html", *arguments], capture_output=True, text=True,
                              timeout=30).stdout.partition("\n\n")[2]

    page = wait_for(lambda: ask(f"https://{TEST_HOST}/"), what="the page")
    form = Form(page)
    body = "&".join(f"{name}={value}" for name, value in form.fields.items())
    answer = ask("-d", body, "-H", "Sec-Fetch-Site: same-origin", "-H", f"Origin: https://{TEST_HOST}",
                 f"https://{TEST_HOST}{PATH}")
    assert answer.startswith("HTTP/1.1 202 ")
    assert wait_for(lambda: reports(ccward), what="the report")[0]["https"] is True


def test_the_tls_port_takes_them_too(ccward):
    ccward.run("ca", "init")
    authority = ccward.folder / "ca.pem"
    ccward.run("ca", "export", str(authority))

    def ask(request):
        context = ssl.create_default_context(cafile=str(authority))
        try:
            with socket.create_connection(("127.0.0.1", ccward.tls_port), timeout=10) as plain:
                with context.wrap_socket(plain, server_hostname=TEST_HOST) as client:
                    client.sendall(request.encode())
                    return b"".join(iter(lambda: client.recv(65536), b"")).decode()
        except OSError:  # there is no certificate yet
            return ""

    head = f"Host: {TEST_HOST}\r\nAccept: text/html\r\nConnection: close\r\n"
    form = Form(wait_for(lambda: ask(f"GET / HTTP/1.1\r\n{head}\r\n"), what="the page"))
    body = "&".join(f"{name}={value}" for name, value in form.fields.items())
    answer = ask(f"POST {PATH} HTTP/1.1\r\n{head}Content-Type: application/x-www-form-urlencoded\r\n"
                 f"Content-Length: {len(body)}\r\n\r\n{body}")
    assert answer.startswith("HTTP/1.1 202 ")
    assert wait_for(lambda: reports(ccward), what="the report")[0]["https"] is True
