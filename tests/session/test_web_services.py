"""What is served on which port, host and path; documents, health, errors, metrics."""

import gzip
import logging
import re

import pytest
import trio
import trio.testing
import zstandard

from moxlite.autotls.messages import Prove
from moxlite.findings import fault
from moxlite.net import metrics as net_metrics
from moxlite.net.exposition import REGISTRY
from tests.logs import kv
from tests.store_mail import deliver_mail
from tests.tools import eventually, settled
from tests.web_rig import Rig, http_exchange

pytestmark = pytest.mark.served


async def test_the_webmail_is_one_document_with_a_strict_policy(rig: Rig) -> None:
    """WEBMAIL-4, WEBMAIL-11, WEB-29, WEB-30."""
    answer = await rig.browser().fetch("/webmail/")
    assert answer.status == 200
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self' 'sha256-")
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["x-frame-options"] == "deny"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "same-origin"
    assert answer.headers["cross-origin-opener-policy"] == "same-origin"
    assert answer.headers["cache-control"] == "no-cache"
    assert b"/*script*/" not in answer.body
    assert b"moxliteBeforeDisplay" in answer.body


async def test_the_document_is_compressed_and_kept_by_browsers(rig: Rig) -> None:
    """WEBMAIL-4, WEB-9."""
    browser = rig.browser()
    plain = await browser.fetch("/webmail/")
    squeezed = await browser.fetch("/webmail/", headers={"accept-encoding": "gzip"})
    assert gzip.decompress(squeezed.body) == plain.body
    assert squeezed.headers["etag"] != plain.headers["etag"]
    for headers in (
        {"if-none-match": plain.headers["etag"]},
        {"if-none-match": squeezed.headers["etag"], "accept-encoding": "gzip"},
        {"if-modified-since": plain.headers["last-modified"]},
    ):
        again = await browser.fetch("/webmail/", headers=headers)
        assert (again.status, again.body) == (304, b"")
    assert (await browser.fetch("/webmail/", method="HEAD")).headers["content-length"] == str(len(plain.body))
    assert (await browser.fetch("/webmail/", method="POST")).status == 405


async def test_the_document_comes_in_the_language_of_the_reader(rig: Rig) -> None:
    """WEBMAIL-143: as the browser prefers, or as the user has chosen; its texts are a part that never changes."""
    browser = rig.browser()
    english = await browser.fetch("/webmail/")
    assert english.headers["vary"] == "Accept-Encoding, Accept-Language, Cookie"
    assert b'<html lang="en">' in english.body
    assert b"part/lang-" not in english.body
    german = await browser.fetch("/webmail/", headers={"accept-language": "de-AT,de;q=0.9"})
    assert b'<html lang="de">' in german.body
    assert german.headers["etag"] != english.headers["etag"]
    found = re.search(rb'<script src="\./(part/lang-de\.[0-9a-f]+\.js)"></script>\n<script>', german.body)
    assert found is not None
    texts = await browser.fetch(f"/webmail/{found[1].decode()}")
    assert "immutable" in texts.headers["cache-control"]
    assert b"Posteingang" in texts.body
    chosen = await browser.fetch("/webmail/", headers={"accept-language": "de", "cookie": "moxlite-language=fr"})
    assert b'<html lang="fr">' in chosen.body
    assert "<noscript>Schalten Sie JavaScript ein" in german.body.decode()
    nothing = await browser.fetch("/webmail/nothing", headers={"accept-language": "de"})
    assert (nothing.status, nothing.headers["content-language"]) == (404, "de")
    assert nothing.body.decode() == "Unter dieser Adresse gibt es nichts.\n"
    account = await browser.fetch("/", headers={"accept-language": "de"})
    assert b'<html lang="de">' in account.body


async def test_the_document_stays_within_its_budget(rig: Rig) -> None:
    """WEBMAIL-5."""
    answer = await rig.browser().fetch("/webmail/")
    assert len(answer.body) <= 230_000
    assert len(gzip.compress(answer.body)) <= 60_000


async def test_documents_and_parts_come_in_the_coding_that_is_smallest(rig: Rig) -> None:
    """WEB-10, WEBMAIL-5: zstd for browsers that take it, else gzip, else as they are; each has its own entity tag."""
    browser = rig.browser()
    plain = (await browser.fetch("/webmail/")).body
    ((name, tag), *_) = re.findall(r'(\w+): "([0-9a-f]{8})"', plain.decode())
    for path in ("/webmail/", f"/webmail/part/{name}.{tag}.js"):
        tags = set()
        whole = (await browser.fetch(path)).body
        for accepted, decode in (
            ("gzip, br, zstd", zstandard.ZstdDecompressor().decompress),
            ("gzip, br", gzip.decompress),
            ("br", bytes),
        ):
            answer = await browser.fetch(path, headers={"accept-encoding": accepted})
            assert decode(answer.body) == whole
            tags.add(answer.headers["etag"])
        assert len(tags) == 3


async def test_a_lazy_part_is_kept_for_ever_under_the_name_that_the_page_knows(rig: Rig) -> None:
    """WEBMAIL-5."""
    browser = rig.browser()
    page = (await browser.fetch("/webmail/")).body.decode()
    ((part, tag), *_) = re.findall(r'(\w+): "([0-9a-f]{8})"', page)
    path = f"/webmail/part/{part}.{tag}.js"
    answer = await browser.fetch(path, headers={"accept-encoding": "gzip"})
    assert (answer.status, answer.headers["content-type"]) == (200, "text/javascript; charset=utf-8")
    assert "immutable" in answer.headers["cache-control"]
    assert len(answer.body) <= 20_000
    assert b"export {" in gzip.decompress(answer.body)
    assert (await browser.fetch(path.replace(tag, "0" * 12))).status == 404
    assert (await browser.fetch(path, method="POST")).status == 405


async def test_files_of_the_administrator_count_from_the_next_load_on(rig: Rig) -> None:
    """WEBMAIL-7, WEB-31."""
    browser = rig.browser()
    before = await browser.fetch("/webmail/")
    folder = rig.holder.path.parent
    (folder / "webmail.css").write_text(":root { --accent: teal }")
    (folder / "webmail.js").write_text("/* mine */ let a = '</script>';")
    after = await browser.fetch("/webmail/")
    assert after.headers["etag"] != before.headers["etag"]
    assert after.headers["content-security-policy"] != before.headers["content-security-policy"]
    text = after.body.decode()
    assert text.index("--accent: #14746a") < text.index("--accent: teal")
    assert text.index("/* mine */") < text.index("moxliteBeforeDisplay")
    assert text.count("</script>") == 1
    (folder / "webmail.css").unlink()
    (folder / "webmail.js").write_text("// no line end")
    assert "// no line end\n" in (await browser.fetch("/webmail/")).body.decode()
    (folder / "webmail.js").unlink()
    assert (await browser.fetch("/webmail/")).headers["etag"] == before.headers["etag"]


async def test_a_custom_file_that_cannot_be_read_is_an_error_that_names_it(
    rig: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    """WEBMAIL-7."""
    (rig.holder.path.parent / "webmail.css").mkdir()
    answer = await rig.browser().fetch("/webmail/")
    assert answer.status == 500
    assert "webmail.css" in str([getattr(record, "kv", "") for record in caplog.records])


async def test_the_account_app_is_at_the_root_and_tells_where_the_webmail_is(rig: Rig) -> None:
    """WEB-22, WEB-30, WEB-31."""
    browser = rig.browser(app="/")
    answer = await browser.fetch("/")
    assert (answer.status, b"<title>Account" in answer.body) == (200, True)
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert b"moxliteBeforeDisplay" in answer.body
    assert await browser.call("apps") == {"webmail": "/webmail/"}
    (rig.holder.path.parent / "webaccount.css").write_text(":root { --accent: teal }")
    assert b"--accent: teal" in (await browser.fetch("/")).body


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("mail.example.org", 200),
        ("MAIL.example.org:1080", 200),
        ("localhost:1080", 200),
        ("127.0.0.1", 200),
        ("[::1]:1080", 200),
        ("imap.example.org", 200),
        ("www.example.org", 404),
        ("admin.evil.example", 404),
        ("mail.example.org.evil.example", 404),
        ("a b", 404),
    ],
)
async def test_only_our_own_hosts_reach_a_service(rig: Rig, host: str, status: int) -> None:
    """WEB-23, WEB-132, WEBMAIL-2."""
    browser = rig.browser()
    browser.host = host
    assert (await browser.fetch("/webmail/")).status == status


async def test_a_path_without_its_slash_leads_to_the_service(rig: Rig) -> None:
    """WEB-25."""
    answer = await rig.browser().fetch("/webmail")
    assert (answer.status, answer.headers["location"]) == (308, "/webmail/")


@pytest.mark.parametrize(
    "path",
    [
        "/nothing",
        "/webmail/nothing",
        "/webmail/msg",
        "/admin/",
        "/%00",
        "/webmail/%ff",
        "/%ff",
        "/account/%ff/",
        "/jmap/download/%ff",
    ],
)
async def test_what_is_not_there_is_not_found(rig: Rig, path: str) -> None:
    """WEB-24, WEB-6."""
    browser = rig.browser()
    await browser.log_in()
    assert (await browser.fetch(path)).status == 404


async def test_monitors_learn_whether_the_server_lives_and_works(rig: Rig) -> None:
    """WEB-155, WEB-22."""
    browser = rig.browser(port=8010)
    browser.host = "whatever.example"
    assert (await browser.fetch("/healthz")).body == b"ok\n"
    assert (await browser.fetch("/readyz")).status == 200
    rig.house.faults.append(fault("data", "the disk is full"))
    answer = await browser.fetch("/readyz")
    assert (answer.status, answer.body) == (503, b"the disk is full\n")
    assert b"/metrics" in (await browser.fetch("/")).body
    assert b"moxlite_httpserver_request_duration_seconds" in (await browser.fetch("/metrics")).body


async def test_metrics_are_not_on_other_ports(rig: Rig) -> None:
    """WEB-22."""
    assert (await rig.browser().fetch("/metrics")).status == 404


async def test_requests_are_measured_with_bounded_labels(rig: Rig) -> None:
    """WEB-16."""

    def count(handler: str, method: str, code: str) -> float:
        labels = {"handler": handler, "proto": "http", "method": method, "code": code}
        return REGISTRY.get_sample_value("moxlite_httpserver_request_duration_seconds_count", labels) or 0.0

    before = count("webmail", "GET", "200"), count("(nomatch)", "(other)", "404")
    browser = rig.browser()
    await browser.fetch("/webmail/")
    await browser.fetch("/nothing", method="BREW")
    assert (count("webmail", "GET", "200"), count("(nomatch)", "(other)", "404")) >= (before[0] + 1, before[1])


async def test_a_network_that_sends_too_much_is_slowed_down(rig: Rig) -> None:
    """WEB-13."""
    browser = rig.browser(remote="203.0.113.9")
    octets = b"GET /nothing HTTP/1.1\r\nHost: localhost\r\n\r\n" * 1001
    answer = await http_exchange(rig.connect(remote="203.0.113.9"), octets + b"GET / HTTP/1.0\r\n\r\n")
    assert answer.count(b"HTTP/1.1 404 ") == 1000
    limited = await browser.fetch("/webmail/")
    assert (limited.status, limited.headers["retry-after"]) == (429, "60")
    assert (await rig.browser(remote="203.0.113.130").fetch("/webmail/")).status == 200


async def test_a_trusted_proxy_says_who_the_client_is(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    """WEB-28: the last address that is not a proxy's counts; elsewhere the field means nothing."""
    caplog.set_level(logging.DEBUG, "moxlite.web")

    async def client() -> tuple[object, object]:
        await settled()  # a request is logged after its answer
        line = [kv(record) for record in caplog.records if record.message == "http request"][-1]
        return line.get("clientip"), line["remoteaddr"]

    fields = {"x-forwarded-for": "198.51.100.1, 203.0.113.5, 10.0.0.3", "x-forwarded-proto": "https"}
    proxied = rig.browser(port=81, remote="127.0.0.1")
    answer = await proxied.fetch(
        "/webmail/api/login_prep", method="POST", headers={**fields, "content-type": "application/json"}
    )
    assert await client() == ("203.0.113.5", "127.0.0.1")
    assert "Secure" in answer.cookies[0]
    stranger = rig.browser(port=81, remote="192.0.2.99")
    await stranger.fetch("/webmail/", headers=fields)
    assert await client() == (None, "192.0.2.99")
    direct = rig.browser(remote="127.0.0.1")
    await direct.fetch("/webmail/", headers=fields)
    assert await client() == (None, "127.0.0.1")
    await proxied.fetch("/webmail/", headers={"x-forwarded-for": "198.51.100.1, rubbish"})
    assert await client() == (None, "127.0.0.1")


async def test_a_crash_of_a_handler_is_counted_and_gets_an_id(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """WEB-8, WEB-18."""

    async def crash(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("moxlite.web.health.Health._ready", crash)
    before = net_metrics.panics.labels(pkg="web").value
    answer = await rig.browser(port=8010).fetch("/readyz")
    assert answer.status == 500
    assert b"(id " in answer.body
    assert net_metrics.panics.labels(pkg="web").value == before + 1
    assert any(record.exc_info for record in caplog.records)
    assert (await rig.browser(port=8010).fetch("/healthz")).status == 200


async def test_credentials_and_queries_are_not_in_the_access_log(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    """WEB-15."""
    caplog.set_level(logging.DEBUG, "moxlite.web")
    browser = rig.browser()
    await browser.log_in()
    events = await browser.events()
    await events.until("start")
    await events.stream.aclose()
    await settled()
    lines = [str(getattr(record, "kv", "")) for record in caplog.records if record.message == "http request"]
    assert lines
    assert not any("token=" in line for line in lines)


async def test_methods_that_change_the_connection_are_refused(rig: Rig) -> None:
    """WEB-5."""
    assert (await rig.browser().fetch("/webmail/", method="TRACE")).status == 405


async def test_a_connection_with_a_session_is_kept(rig: Rig) -> None:
    """ADMIN-39b, WEB-14: the stream of a webmail tab is not closed to make room, one without a log-in is."""
    browser = rig.browser()
    await browser.log_in()
    events = await browser.events()
    await events.until("start")
    admission = rig.house.network.admission
    await eventually(lambda: not admission.make_room())  # the connections of the log-in have ended
    async with rig.connect() as silent:
        await eventually(admission.make_room, what="the silent connection has a seat")
        assert await silent.receive_some() == b""
    async with rig.account() as account:
        await deliver_mail(account, b"Subject: still here\r\n\r\n")
    await events.change("msg_add")
    await events.aclose()


async def test_a_network_has_a_bounded_number_of_connections(rig: Rig) -> None:
    """WEB-14: a trusted proxy, which stands for many clients, is not counted."""
    held = [rig.connect(remote="203.0.113.9") for _ in range(200)]
    await trio.testing.wait_all_tasks_blocked()
    with trio.fail_after(25):  # less than a server waits for a request
        assert await rig.connect(remote="203.0.113.9").receive_some() == b""
    assert (await rig.browser(remote="203.0.113.200").fetch("/webmail/")).status == 200
    await held[0].aclose()
    await trio.testing.wait_all_tasks_blocked()
    assert (await rig.browser(remote="203.0.113.9").fetch("/webmail/")).status == 200
    proxied = [rig.connect(port=81, remote="127.0.0.1") for _ in range(201)]
    await trio.testing.wait_all_tasks_blocked()
    browser = rig.browser(port=81, remote="127.0.0.1")
    assert (await browser.fetch("/webmail/")).status == 200
    for stream in (*held, *proxied):
        await stream.aclose()


async def test_a_ca_finds_the_answer_of_an_order_and_nothing_else(rig: Rig) -> None:
    """WEB-113: http-01 (RFC 8555 §8.3), for the host of the order alone, and before all other services."""
    proof = Prove("http-01", "asked.example", "token", "token.key")
    with rig.house.network.challenges.showing(()) as show:
        show(proof)
        for host, path, status in (
            ("asked.example", "/.well-known/acme-challenge/token", 200),
            ("asked.example", "/.well-known/acme-challenge/other", 404),
            ("other.example", "/.well-known/acme-challenge/token", 404),
        ):
            answer = await rig.browser().fetch(path, headers={"host": host})
            assert answer.status == status
            assert status != 200 or answer.body == b"token.key"
