"""The web API of a running server: log-in, bodies, errors, pages, messages and suppressions."""

import json
from pathlib import Path
from typing import Any

import pytest
import trio

from moxlite.store.auth.apppasswords import add_app_password
from moxlite.store.content.prepare import prepare
from moxlite.store.content.spool import Spool
from moxlite.store.delivery.perform import append
from moxlite.store.mail.adding import Append
from moxlite.store.mail.facts import MessageFacts, SMTPFacts
from moxlite.store.rows.mailboxes import mailbox_by_name
from tests.store_mail import deliver_mail
from tests.web_rig import DOMAINS, STATIC, Rig, open_rig
from tests.webapi import Client, Refused, every_field

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
API = """
[listeners.api]
ips = ["127.0.0.1"]
webapi_http = { enabled = true, port = 82 }
"""

pytestmark = [pytest.mark.served, pytest.mark.rig(static=STATIC + API, domains=DOMAINS)]


def client(rig: Rig, *args: str) -> Client:
    return Client(rig, *args, port=82)


async def add(rig: Rig, octets: bytes, mailbox: str = "Inbox") -> int:
    """Put a message into a mailbox; its id."""
    async with rig.account() as account:
        box = await account.read(lambda r: mailbox_by_name(r, mailbox), op="test")
        assert box is not None
        prepared = await prepare(Spool.of(octets))
        [added] = await append(account, box.id, [Append(prepared)])
        return added.message_id


MAIL = (
    b"From: J\xc3\xb6 <jo@else.example>\r\nTo: mia@example.org\r\nSubject: =?utf-8?q?Gr=C3=B6=C3=9Fe?=\r\n"
    b"Message-ID: <a@else.example>\r\nReferences: <b@x> <c@x>\r\nDate: Sat, 21 Nov 2026 10:00:00 +0100\r\n"
    b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nhi\r\nthere\r\n--b\r\n"
    b"Content-Type: image/png; name=a.png\r\nContent-Transfer-Encoding: base64\r\n\r\nQUJD\r\n--b--\r\n"
)


async def test_the_recipient_has_its_detail(rig: Rig) -> None:
    """WEB-96: as the sender wrote it."""
    facts = MessageFacts(smtp=SMTPFacts(rcptto="mia+lists", rcptto_domain="example.org"))
    async with rig.account() as account:
        added = await deliver_mail(account, MAIL, facts=facts)
    assert (await client(rig).call("MessageGet", MsgID=added.message_id))["Meta"]["RcptTo"] == "mia+lists@example.org"


async def test_a_message_is_read_and_changed(rig: Rig) -> None:
    """WEB-94, WEB-95, WEB-103: all methods on messages, with every field given."""
    api = client(rig)
    number = await add(rig, MAIL)
    found = await api.call("MessageGet", MsgID=number)
    message, structure, meta = found["Message"], found["Structure"], found["Meta"]
    assert message["From"] == [{"Name": "Jö", "Address": "jo@else.example"}]
    assert (message["Subject"], message["Text"], message["HTML"]) == ("Größe", "hi\nthere", "")
    assert message["References"] == ["<b@x>", "<c@x>"]
    assert message["Date"] == "2026-11-21T10:00:00+01:00"
    assert [one["ContentType"] for one in structure["Parts"]] == ["text/plain", "image/png"]
    assert (structure["Parts"][1]["Filename"], structure["Parts"][1]["DecodedSize"]) == ("a.png", 3)
    assert (meta["Size"], meta["MailboxName"], meta["Flags"], meta["RemoteIP"]) == (len(MAIL), "Inbox", [], "")
    raw = await api.answer("MessageRawGet", {"MsgID": number})
    assert (raw.body, raw.headers["content-type"]) == (MAIL, "text/plain")
    part = await api.answer("MessagePartGet", {"MsgID": number, "PartPath": [1]})
    assert (part.body, part.headers["content-type"]) == (b"ABC", "image/png")
    await api.call("MessageFlagsAdd", MsgID=number, Flags=["\\Seen", "$junk", "Work"])
    assert (await api.call("MessageGet", MsgID=number))["Meta"]["Flags"] == ["\\seen", "$junk", "work"]
    await api.call("MessageFlagsRemove", MsgID=number, Flags=["\\seen", "work", "other"])
    assert (await api.call("MessageGet", MsgID=number))["Meta"]["Flags"] == ["$junk"]
    await api.call("MessageMove", MsgID=number, DestMailboxName="Archive")
    await api.call("MessageMove", MsgID=number, DestMailboxName="Archive")  # it is there: nothing happens
    assert (await api.call("MessageGet", MsgID=number))["Meta"]["MailboxName"] == "Archive"
    await api.call("MessageDelete", MsgID=number)
    assert await api.code("MessageDelete", MsgID=number) == "messageNotFound"
    assert await api.code("MessageRawGet", MsgID=number) == "messageNotFound"


async def test_domains_of_a_message_are_as_people_write_them(rig: Rig) -> None:
    """WEB-94, SMTP-2c: whichever spelling the header has."""
    for domain in ("else.example", "münchen.example", "xn--mnchen-3ya.example"):
        number = await add(rig, MAIL.replace(b"else.example", domain.encode()))
        found = await client(rig).call("MessageGet", MsgID=number)
        address = found["Message"]["From"][0]["Address"]
        assert address == found["Meta"]["MsgFrom"]
        assert address.partition("@")[2] == ("else.example" if domain == "else.example" else "münchen.example")


async def test_messages_of_others_are_unknown(rig: Rig) -> None:
    """WEB-94: an id of another account, 0 and negative ones are not found; a missing part and mailbox have codes."""
    api = client(rig)
    number = await add(rig, MAIL)
    for method in ("MessageGet", "MessageRawGet", "MessagePartGet", "MessageDelete", "MessageFlagsAdd", "MessageMove"):
        for bad in (number + 1, 0, -1, 2**63 - 1):
            assert await api.code(method, MsgID=bad) == "messageNotFound"
    assert await api.code("MessagePartGet", MsgID=number, PartPath=[1, 0]) == "partNotFound"
    assert await api.code("MessageMove", MsgID=number, DestMailboxName="Nowhere") == "mailboxNotFound"
    assert await api.code("MessageMove", MsgID=number, DestMailboxName="") == "mailboxNotFound"
    assert await api.code("MessageFlagsAdd", MsgID=number, Flags=["a b"]) == "user"
    assert await api.code("MessageFlagsAdd", MsgID=number, Flags=["\\recent"]) == "user"


async def test_changes_are_told_to_the_webmail(rig: Rig) -> None:
    """WEB-103: a change by the API reaches the event stream of the webmail."""
    number = await add(rig, MAIL)
    browser = rig.browser()
    await browser.log_in()
    events = await browser.events()
    with trio.fail_after(20):
        await events.next()
        await client(rig).call("MessageFlagsAdd", MsgID=number, Flags=["\\flagged"])
        while "\\\\flagged" not in json.dumps(await events.next()):
            pass


async def test_a_result_is_never_larger_than_clients_read(rig: Rig) -> None:
    """WEB-103: escapes make a text grow; it is cut between characters, and the JSON stays within 3 MiB."""
    api = client(rig)
    head = b"Subject: x\r\nMIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\n"
    text = b"\x01\xf0\x9f\x98\x80" * 300_000
    kind = b"Content-Type: text/%s; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
    lines = b"\r\n".join(text[at : at + 500] for at in range(0, len(text), 500))
    octets = head + kind % b"plain" + lines + b"\r\n--b\r\n" + kind % b"html" + lines + b"\r\n--b--\r\n"
    number = await add(rig, octets)
    answer = await api.answer("MessageGet", {"MsgID": number})
    assert 2 << 20 < len(answer.body) <= 3 << 20
    found = answer.json["Message"]
    assert len(found["Text"]) > 100_000
    assert len(found["HTML"]) > 100_000
    addresses = b", ".join(b'"' + b"\\\\" * 50 + b'" <a%d@example.org>' % n for n in range(2000))
    many = b"".join(b"--b\r\nContent-Type: text/x; a*=utf-8''%%01%%02; b=%d\r\n\r\n\r\n" % n for n in range(5000))
    wide = b"To: " + addresses.replace(b", ", b",\r\n ") + b"\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
    number = await add(rig, wide + many + b"--b--\r\n")
    await api.answer("MessageGet", {"MsgID": number})


async def test_all_kinds_of_bodies_are_read(rig: Rig) -> None:
    """WEB-91: JSON, both kinds of forms, pieces of any size, field names in any case, all fields null or empty."""
    api = client(rig)
    number = await add(rig, MAIL)
    request = json.dumps({"msgid": number, "PARTPATH": [0]}).encode()
    escaped = "".join(f"%{octet:02x}" for octet in request).encode()
    multi = b'--q\r\nContent-Disposition: form-data; name="request"\r\n\r\n' + request + b"\r\n--q--\r\n"
    for body, kind in (
        (request, JSON),
        (b"request=" + escaped, FORM),
        (b"a=b&request=" + request.replace(b" ", b"+") + b"&c", FORM),
        (multi, "multipart/form-data; boundary=q"),
    ):
        answer = api.checked("MessagePartGet", await api.post("MessagePartGet", body, kind))
        assert answer.body == b"hi\r\nthere"
    for empty in (False, True):
        assert (await api.answer("SuppressionList", every_field("SuppressionList", empty=empty))).json
        for method in ("MessageGet", "MessageMove"):
            with pytest.raises(Refused, match="messageNotFound"):
                await api.answer(method, every_field(method, empty=empty))


@pytest.mark.parametrize(
    ("body", "kind", "text"),
    [
        (b"", JSON, "object"),
        (b"[]", JSON, "object"),
        (b'{"MsgID":1', JSON, "octet 10"),
        (b'{"MsgID":1}x', JSON, "octet 11"),
        (b'{"MsgID":1,"msgid":1}', JSON, "duplicate"),
        (b'{"MsgID":1,"Other":1}', JSON, "Other"),
        (b'{"MsgID":NaN}', JSON, "MsgID"),
        (b'{"MsgID":1e999}', JSON, "MsgID"),
        (b'{"MsgID":99999999999999999999999}', JSON, "range"),
        (b'{"MsgID":"1"}', JSON, "MsgID"),
        (b'{"MsgID":' + b"[" * 100_000, JSON, "octet 9"),
        (b'{"MsgID":1, "\\ud800":1}', JSON, "octet 12"),
        (b'{"MsgID":1, "\xff":1}', JSON, "octet 12"),
        (b"request=%7B%7D&request=%7B%7D", FORM, "duplicate"),
        (b"other=1", FORM, "must have a"),
        (b"", FORM, "must have a"),
        (b"{}", "text/plain", "application/json"),
        (b"--q\r\nContent-Dispo", "multipart/form-data; boundary=q", "form"),
        (b"--q--\r\n", "multipart/form-data; boundary=q", "request"),
    ],
)
async def test_bad_requests_are_refused_with_their_place(rig: Rig, body: bytes, kind: str, text: str) -> None:
    """WEB-91, WEB-93, WEB-134: status 400, code protocol, and the position."""
    api = client(rig)
    with pytest.raises(Refused, match=text) as caught:
        api.checked("MessageGet", await api.post("MessageGet", body, kind))
    assert caught.value.code == "protocol"


async def test_who_may_call(rig: Rig) -> None:
    """WEB-92, WEB-132, WEB-150: an address and its password, app passwords by scope and right; pages need no log-in;
    pages of other sites cannot call.
    """
    number = await add(rig, MAIL)
    async with rig.account() as account:
        right = await add_app_password(account, "api", ["webapi"])
        reader = await add_app_password(account, "reader", ["webapi"], read_only=True)
        other = await add_app_password(account, "mail", ["imap"])
    assert await client(rig, "mia@example.org", right).call("SuppressionList") == {"Suppressions": []}
    may_read = client(rig, "büro@example.org", reader)
    await may_read.call("MessageGet", MsgID=number)
    assert await may_read.code("MessageDelete", MsgID=number) == "user"
    for username, password in (
        ("mia@example.org", "wrong"),
        ("mia", "correct horse battery"),
        ("mia@example.org", other),
        ("nobody@example.org", "x"),
    ):
        answer = await client(rig, username, password).post("SuppressionList", b"{}", JSON)
        assert answer.status == 401
        assert answer.headers["www-authenticate"].startswith("Basic realm=")
    api = client(rig)
    for bad in ("", "Basic", "Basic !!!", "Bearer x", "Basic " + "QUJD" * 5000):
        assert (await api.post("SuppressionList", b"{}", JSON, {"authorization": bad})).status == 401
    assert (await api.post("SuppressionList", b"{}", JSON, {"sec-fetch-site": "cross-site"})).status == 403
    assert (await api.post("SuppressionList", b"{}", JSON, {"origin": "https://evil.example"})).status == 403


async def test_a_disabled_account_hears_why(tmp_path: Path) -> None:
    """WEB-92: 401 with the configured text; 429 after too many failures."""
    domains = DOMAINS.replace("[accounts.mia]\n", '[accounts.mia]\nlogin_disabled = "Closed until Monday."\n')
    async with trio.open_nursery() as nursery:
        rig = await open_rig(tmp_path, nursery, static=STATIC + API, domains=domains)
        answer = await client(rig).post("SuppressionList", b"{}", JSON)
        assert (answer.status, answer.body) == (401, b"Closed until Monday.\n")
        statuses = set()
        async with trio.open_nursery() as calls:

            async def fail(number: int) -> None:
                wrong = client(rig, f"n{number}@example.org", "x")
                statuses.add((await wrong.post("SuppressionList", b"{}", JSON)).status)

            for number in range(15):
                calls.start_soon(fail, number)
        assert statuses == {401, 429}
        nursery.cancel_scope.cancel()


async def test_pages_describe_each_method(rig: Rig) -> None:
    """WEB-91: the list, a page with form and example for each method, redirects, other methods and unknown names."""
    api = client(rig)
    index = await api.get()
    assert index.status == 200
    for method in ("Send", "MessagePartGet", "SuppressionList"):
        assert f'href="{method}"'.encode() in index.body
        page = await api.get(method)
        assert page.headers["content-type"] == "text/html; charset=utf-8"
        assert b"<textarea" in page.body
        assert b"curl" in page.body
    browser = rig.browser(port=82)
    for path in ("/webapi/", "/webapi/v0"):
        answer = await browser.fetch(path)
        assert (answer.status, answer.headers["location"]) == (303, "/webapi/v0/")
    assert (await browser.fetch("/webapi")).status == 308
    assert (await browser.fetch("/webapi/v0/Nothing")).status == 404
    assert (await browser.fetch("/webapi/v1/Send")).status == 404
    put = await browser.fetch("/webapi/v0/Send", method="PUT", body=b"x")
    assert (put.status, put.headers["allow"]) == (405, "GET, HEAD, POST")


async def test_suppressions_are_kept(rig: Rig) -> None:
    """WEB-102, QUEUE-80, QUEUE-83: by base address; adding twice and removing an absent one is an error."""
    api = client(rig)
    await api.call("SuppressionAdd", EmailAddress="Jo.E+tag@else.example", Manual=True, Reason="asked")
    assert await api.code("SuppressionAdd", EmailAddress="jo.e@else.example") == "error"
    [entry] = (await api.call("SuppressionList"))["Suppressions"]
    assert (entry["BaseAddress"], entry["OriginalAddress"]) == ("jo.e@else.example", "Jo.E+tag@else.example")
    assert (entry["Manual"], entry["Reason"], entry["Account"]) == (True, "asked", "mia")
    assert (await api.call("SuppressionPresent", EmailAddress="jo.e+x@else.example"))["Present"] is True
    await api.call("SuppressionRemove", EmailAddress="jo.e@else.example")
    assert await api.code("SuppressionRemove", EmailAddress="jo.e@else.example") == "error"
    assert (await api.call("SuppressionPresent", EmailAddress="jo.e@else.example"))["Present"] is False
    for bad in ("", "x", "a@", "@b", "a b@c.example"):
        assert await api.code("SuppressionAdd", EmailAddress=bad) == "badAddress"
    assert await api.code("SuppressionAdd", EmailAddress="a@b.example", Reason="a\nb") == "user"


async def test_calls_are_counted(rig: Rig) -> None:
    """WEB-104: by method, result and code."""
    api = client(rig)
    await api.call("SuppressionList")
    await api.code("MessageGet", MsgID=77)
    text = (await rig.browser(port=8010).fetch("/metrics")).body.decode()
    found: dict[str, Any] = dict(line.rsplit(" ", 1) for line in text.splitlines() if line.startswith("moxlite_webapi"))
    assert float(found['moxlite_webapi_results_total{method="SuppressionList",result="ok"}']) >= 1
    assert float(found['moxlite_webapi_results_total{method="MessageGet",result="error"}']) >= 1
    assert float(found['moxlite_webapi_errors_total{error="messageNotFound"}']) >= 1
    assert float(found['moxlite_webapi_duration_seconds_count{method="MessageGet"}']) >= 1
