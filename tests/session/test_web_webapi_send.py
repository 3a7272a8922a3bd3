"""Send of the web API: what goes out, what is refused, and what a crash or a repeated call leaves."""

import base64
import email
import email.policy
import json
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import dkim
import pytest
import trio

from moxlite.ledger import Hold, ledger, own
from moxlite.queue.queue import Queue
from moxlite.store.delivery.submission import QueueFull
from moxlite.store.errors import StorageFull
from moxlite.store.mail.delegates import Delegate, set_delegate
from moxlite.web.webapi import methods
from tests.house import soon
from tests.logs import kv
from tests.session.test_web_webapi import API
from tests.store_mail import rows as rows_of
from tests.web_rig import DOMAINS, STATIC, Rig, open_rig
from tests.webapi import Client, Refused, every_field

ME = [{"Name": "Mia", "Address": "mia@example.org"}]
PDF = base64.b64encode(bytes(70_000)).decode()
LATER = "2026-12-24T18:00:00Z"
ACCOUNT = """[accounts.mia]
full_name = "Mia Müller"
from_id_login_addresses = ["mia@example.org"]
keep_retired_message_period = "24h"
max_outgoing_messages_per_day = 1500
max_first_time_recipients_per_day = 1400
"""
MORE = """
[domains."off.example"]
disabled = true
[accounts.mia.destinations."mia@off.example"]
"""


def configured(domains: str = DOMAINS) -> str:
    domains = domains.replace("[accounts.mia]\n", ACCOUNT, 1)
    return (
        domains.replace('[domains."example.org"]\n', '[domains."example.org"]\nlocalpart_separators = ["+"]\n') + MORE
    )


pytestmark = [pytest.mark.served, pytest.mark.rig(static=STATIC + API, domains=configured())]


QUEUES: list[Queue] = []


@pytest.fixture(autouse=True)
def queues(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the queues that servers open in `QUEUES`."""
    init = Queue.__init__

    def keep(queue: Queue, *args: Any) -> None:
        init(queue, *args)
        QUEUES.append(queue)

    monkeypatch.setattr(Queue, "__init__", keep)


def client(rig: Rig, *args: str) -> Client:
    return Client(rig, *args, port=82)


async def rows() -> list[Any]:
    """The messages of the queue, finished ones too, in their order."""
    queue = QUEUES[-1]
    return sorted([*await queue.listings.list_messages(), *await queue.listings.list_retired()], key=lambda one: one.id)


async def sent(subject: str) -> bytes:
    """The octets that go out of the message with this subject."""
    found = [one for one in await QUEUES[-1].listings.list_messages() if one.subject == subject]
    return b"".join([piece async for piece in QUEUES[-1].listings.dump(found[0].id)])


def parsed(octets: bytes) -> EmailMessage:
    """A message, as Python reads it."""
    read = email.message_from_bytes(octets, policy=email.policy.default)
    assert isinstance(read, EmailMessage)
    return read


async def test_a_whole_message_arrives(rig: Rig) -> None:
    """WEB-94, WEB-96, WEB-98, WEB-99, WEB-100, WEB-101: all fields, files from JSON and form, Bcc hidden, FROMIDs."""
    api = client(rig)
    request = every_field(
        "Send",
        To=ME,
        CC=[{"Name": "", "Address": "tom@example.org"}],
        BCC=[{"Name": "Büro", "Address": "büro@example.org"}],
        ReplyTo=[{"Name": "A", "Address": "a@x.example"}, {"Name": "", "Address": "b@bücher.example"}],
        MessageID="<own.1@example.org>",
        References=["<r1@x>", "<r2@x>"],
        Date="2026-11-21T10:00:00+01:00",
        Subject="Größe ☃",
        Text="bare\rcr and\nlf\n.dot\nFrom x\n" + "long " * 400,
        HTML='<p>Grüße <img src="cid:pic@x"></p>',
        Extra={"x-order": "ünï", "X-Order": "other"},
        Headers=[["X-One", "ä" * 100], ["List-Unsubscribe", "<https://x.example/u>"], ["X-Mailer", "mine"]],
        AlternativeFiles=[
            {"Name": "", "ContentType": "text/calendar; method=REQUEST", "ContentID": None, "Data": "QkVHSU4="}
        ],
        InlineFiles=[{"Name": "p.png", "ContentType": None, "ContentID": "<pic@x>", "Data": "QUJD"}],
        AttachedFiles=[
            {"Name": "ä.pdf", "ContentType": "", "ContentID": "", "Data": PDF},
            {
                "Name": "ö.eml",
                "ContentType": "message/rfc822",
                "Data": base64.b64encode(b"Subject: o\r\n\r\n").decode(),
            },
        ],
    )
    body = (
        b'--q\r\nContent-Disposition: form-data; name="attachedfile"; filename="hosts"\r\n\r\nthe hosts\r\n'
        b'--q\r\nContent-Disposition: form-data; name="inlinefile"; filename="i.gif"\r\nContent-Type: image/gif\r\n'
        b"Content-ID: <two@x>\r\n\r\nGIF\r\n"
        b'--q\r\nContent-Disposition: form-data; name="request"\r\n\r\n'
        + json.dumps(request).encode()
        + b"\r\n--q--\r\n"
    )
    answer = api.checked("Send", await api.post("Send", body, "multipart/form-data; boundary=q")).json
    assert answer["MessageID"] == "<own.1@example.org>"
    given = answer["Submissions"]
    assert [one["Address"] for one in given] == ["mia@example.org", "tom@example.org", "büro@example.org"]
    queued = await rows()
    assert [(one["QueueMsgID"], one["FromID"]) for one in given] == [(row.id, row.from_id) for row in queued]
    assert len({one["FromID"] for one in given}) == 3
    assert all(len(one["FromID"]) == 22 for one in given)
    assert queued[0].extra == {"x-order": "ünï", "X-Order": "other"}
    raw = await sent("Größe ☃")
    read = parsed(raw)
    assert read["from"] == "Mia Müller <mia@example.org>"
    assert read["to"] == "Mia <mia@example.org>"
    assert (read["bcc"], "büro" in raw.decode(errors="replace")) == (None, False)
    assert (read["in-reply-to"], read["references"]) == ("<r2@x>", "<r1@x> <r2@x>")
    assert read["reply-to"] == "A <a@x.example>, b@bücher.example"
    assert (read["x-one"], read["x-mailer"], read["user-agent"]) == ("ä" * 100, "mine", None)
    assert read["return-path"] is None or "mia+" in read["return-path"]
    mixed, related = read.get_content_type(), list(read.iter_parts())
    assert mixed == "multipart/mixed"
    root, pdf, eml, hosts = related
    assert root.get_content_type() == "multipart/related"
    assert root.get_param("type") == "multipart/alternative"  # RFC 2387 §3.1
    alternative, png, gif = list(root.iter_parts())
    assert [one.get_content_type() for one in alternative.iter_parts()] == ["text/plain", "text/html", "text/calendar"]
    plain, html, calendar = alternative.iter_parts()
    assert plain.get_content().splitlines()[:5] == ["bare", "cr and", "lf", ".dot", "From x"]
    assert "Grüße" in html.get_content()
    assert calendar.get_param("method") == "REQUEST"
    assert (png["content-id"], png.get_content_type(), png.get_content()) == ("<pic@x>", "image/png", b"ABC")
    assert (gif["content-id"], gif.get_content()) == ("<two@x>", b"GIF")
    assert (pdf.get_filename(), pdf.get_content()) == ("ä.pdf", bytes(70_000))
    assert (eml.get_filename(), eml.get_content_disposition(), eml.get_content()["subject"]) == (
        "ö.eml",
        "attachment",
        "o",
    )
    assert (hosts.get_filename(), hosts.get_content_type()) == ("hosts", "text/plain")
    assert max(map(len, raw.splitlines())) <= 998


@pytest.mark.parametrize("octets", [b"Subject: o\n\nx\n", b"Subject: o\r\n\r\n\0\r\n", "Subject: ü\n\nü".encode()])
async def test_a_message_that_needs_an_encoding_is_attached_as_a_file(rig: Rig, octets: bytes) -> None:
    """WEB-98: as programs save it, its octets unchanged."""
    file = {"Name": "o.eml", "ContentType": "message/rfc822", "Data": base64.b64encode(octets).decode()}
    await client(rig).call("Send", To=ME, Subject="saved", Text="x", AttachedFiles=[file])
    *_, attached = parsed(await sent("saved")).walk()
    assert (attached.get_content_type(), attached.get_filename()) == ("application/octet-stream", "o.eml")
    assert attached.get_payload(decode=True) == octets


async def test_readers_are_told_a_charset_and_no_version(rig: Rig) -> None:
    """WEB-98: of a text that is attached; a charset that is given counts (RFC 2045 §5.2)."""
    kinds = ("text/plain", "text/csv; charset=iso-8859-1", "text/html", "application/pdf")
    texts = ("Größe".encode(), b"Gr\xf6\xdfe", b"<p>", "Größe".encode())
    attached = [
        {"Name": "", "ContentType": kind, "Data": base64.b64encode(text).decode()}
        for kind, text in zip(kinds, texts, strict=True)
    ]
    await client(rig).call("Send", To=ME, Subject="charset", Text="x", AttachedFiles=attached)
    read = parsed(await sent("charset"))
    assert read["User-Agent"] == "moxlite"
    assert [part.get_content_charset() for part in read.iter_attachments()] == ["utf-8", "iso-8859-1", None, None]


async def test_only_the_needed_levels_are_there(rig: Rig) -> None:
    """WEB-98: text alone, HTML alone, an inline file without HTML, a repeated recipient, an empty From."""
    api = client(rig)
    file = [{"Name": "p.png", "ContentType": "image/png", "Data": "QUJD"}]
    cases: list[tuple[dict[str, Any], list[str]]] = [
        ({"Text": "x"}, ["text/plain"]),
        ({"HTML": "<p>"}, ["text/html"]),
        ({"Text": "x", "InlineFiles": file}, ["multipart/mixed", "text/plain", "image/png"]),
        ({"HTML": "<p>", "InlineFiles": file}, ["multipart/related", "text/html", "image/png"]),
        ({"HTML": "<p>", "AttachedFiles": file}, ["multipart/mixed", "text/html", "image/png"]),
    ]
    for number, (fields, kinds) in enumerate(cases):
        answer = await api.call("Send", To=ME, CC=ME, Subject=f"case {number}", **fields)
        first, second = answer["Submissions"]
        assert first == second
        read = parsed(await sent(f"case {number}"))
        assert [part.get_content_type() for part in read.walk()] == kinds
    assert len(await rows()) == len(cases)


@pytest.mark.parametrize(
    ("code", "change", "words"),
    [
        ("missingBody", {"Text": None}, "HTML"),
        ("multipleFrom", {"From": [*ME, *ME]}, "From"),
        ("badFrom", {"From": [{"Name": "", "Address": "tom@example.org"}]}, "tom@example.org"),
        ("badFrom", {"From": [{"Name": "", "Address": "x@elsewhere.example"}]}, "elsewhere"),
        ("domainDisabled", {"From": [{"Name": "", "Address": "mia@off.example"}]}, "temporarily"),
        ("noRecipients", {"To": []}, "To"),
        ("badAddress", {"To": [{"Name": "", "Address": "no address"}]}, "no address"),
        ("badAddress", {"ReplyTo": [{"Name": "", "Address": "@x"}]}, "ReplyTo"),
        ("user", {"To": ME * 501, "CC": ME * 501}, "1000"),
        ("user", {"To": ME * 1001}, "To"),
        ("user", {"To": [{"Name": "a\r\nBcc: x@y", "Address": "mia@example.org"}]}, "To"),
        ("user", {"Subject": "a\nb"}, "Subject"),
        ("user", {"Subject": "a\0b"}, "Subject"),
        ("user", {"Text": "a\0b"}, "Text"),
        ("user", {"Headers": [["X-A", "b\r\nc"]]}, "X-A"),
        ("user", {"Headers": [["X A", "b"]]}, "X A"),
        ("user", {"Headers": [["dkim-signature", "b"]]}, "dkim-signature"),
        ("user", {"Headers": [["Content-Type", "b"]]}, "Content-Type"),
        ("user", {"Headers": [["X-Mox-Extra-A", "b"]]}, "Extra"),
        ("user", {"Headers": [["X-A", "b"]] * 101}, "Headers"),
        ("user", {"Extra": {"a": "b\n"}}, "Extra"),
        ("user", {"Extra": {f"k{n}": "" for n in range(65)}}, "Extra"),
        ("user", {"Extra": {"a": "x" * 17_000}}, "Extra"),
        ("malformedMessageID", {"MessageID": "no-brackets@x"}, "MessageID"),
        ("malformedMessageID", {"References": ["<a@b"]}, "References"),
        ("user", {"MessageID": "<a@b>\r\nX: y"}, "MessageID"),
        ("user", {"AttachedFiles": [{"Name": "a", "Data": "QQ==QQ=="}]}, "AttachedFiles"),
        ("user", {"AttachedFiles": [{"Name": "a", "Data": "Q"}]}, "base64"),
        ("user", {"AttachedFiles": [{"Name": "a\nb", "Data": ""}]}, "Name"),
        ("user", {"InlineFiles": [{"ContentID": "<a b>", "Data": ""}]}, "ContentID"),
        ("user", {"InlineFiles": [{"ContentType": "image", "Data": ""}]}, "ContentType"),
        ("user", {"FutureRelease": "2020-01-01T00:00:00Z"}, "FutureRelease"),
        ("user", {"FutureRelease": "2036-01-01T00:00:00Z"}, "60 days"),
        ("user", {"Date": "1899-12-31T23:59:59Z"}, "between 1900 and 9999"),
        ("user", {"Date": "9999-12-31T23:59:59-12:00"}, "between 1900 and 9999"),
        ("protocol", {"FutureRelease": "tomorrow"}, "FutureRelease"),
        ("protocol", {"RequireTLS": "yes"}, "RequireTLS"),
    ],
)
async def test_what_cannot_be_sent_has_its_code(rig: Rig, code: str, change: dict[str, Any], words: str) -> None:
    """WEB-93, WEB-96, WEB-97, WEB-98, WEB-134, WEB-135: nothing is queued."""
    with pytest.raises(Refused, match=words) as caught:
        await client(rig).answer("Send", every_field("Send", To=ME, Text="x") | change)
    assert caught.value.code == code
    assert await rows() == []


async def test_what_cannot_be_sent_is_in_the_log(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    """SMTP-140a"""
    caplog.set_level("INFO", logger="moxlite.net")
    with pytest.raises(Refused):
        await client(rig).answer("Send", {"From": [{"Address": "tom@example.org"}], "To": ME, "Text": "x"})
    [line] = [kv(record) for record in caplog.records if record.name == "moxlite.net.refusals"]
    assert (line["via"], line["account"], line["mailfrom"]) == ("webapi", "mia", "tom@example.org")
    assert line["rcptto"] == "mia@example.org"
    assert str(line["reply"]).startswith("badFrom: ")


async def test_limits_have_their_codes(tmp_path: Path) -> None:
    """WEB-93, WEB-97, SMTP-116: messages and first-time recipients of a day, and the size of a message."""
    domains = configured().replace("= 1500", "= 3").replace("= 1400", "= 2")
    async with trio.open_nursery() as nursery:
        rig = await open_rig(tmp_path, nursery, static=STATIC + API + "max_message_size = 100000\n", domains=domains)
        api = client(rig)
        assert await api.code("Send", To=[{"Address": f"n{n}@x.example"} for n in range(3)], Text="x") == (
            "recipientLimitReached"
        )
        large = [{"Data": base64.b64encode(bytes(90_000)).decode()}]
        assert await api.code("Send", To=ME, Text="x", AttachedFiles=large) == "messageTooLarge"
        large = [{"Data": base64.b64encode(bytes(200_000)).decode()}]
        assert await api.code("Send", To=ME, Text="x", AttachedFiles=large) == "messageTooLarge"
        assert await rows() == []
        await api.call("Send", To=[*ME, {"Address": "tom@example.org"}, {"Address": "mia+x@example.org"}], Text="x")
        assert await api.code("Send", To=ME, Text="x") == "messageLimitReached"
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize("kind", ["application/json", "application/x-www-form-urlencoded"])
async def test_long_requests_wait_for_room(rig: Rig, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    """STORE-198a, WEB-91: what is read at once is held until the answer; without room it is 429, in any form."""
    monkeypatch.setattr(Hold.take, "__defaults__", (0.1,))
    api, book = client(rig), ledger()
    text = json.dumps(every_field("Send", To=ME, Text="x" * 50_000))
    body = (text if kind == "application/json" else urlencode({"request": text})).encode()
    own("mia")
    others = book.hold()
    assert others.try_take("answer", book.total // 2)
    answer = await api.post("Send", body, kind)
    assert (answer.status, "retry-after" in answer.headers) == (429, True)
    others.close()
    assert (await api.post("Send", body, kind)).status == 200
    await soon(lambda: book.octets == 0, "all is given back")


async def test_a_copy_is_kept(rig: Rig) -> None:
    """WEB-98, WEB-99, STORE-189a: the copy in Sent has the Bcc field, what goes out has not; a mailbox Sent is made."""
    api = client(rig)
    answer = await api.call("Send", BCC=ME, Subject="kept", Text="x", SaveSent=True)
    assert parsed(await sent("kept"))["bcc"] is None
    found = await api.call("MessageGet", MsgID=1)
    assert (found["Meta"]["MailboxName"], found["Meta"]["Flags"]) == ("Sent", ["\\seen", "$notjunk"])
    assert found["Message"]["BCC"] == ME
    assert found["Message"]["MessageID"] == answer["MessageID"]
    async with rig.account() as account:
        assert await account.read(lambda r: r.value("SELECT count(*) FROM outbox"), op="test") == 0


async def test_a_full_account_sends_without_a_copy(tmp_path: Path) -> None:
    """WEB-99: sentOverQuota says that the message is queued; a repeated call gets the same answer."""
    domains = configured().replace("[accounts.mia]\n", "[accounts.mia]\nquota_message_size = 100\n", 1)
    async with trio.open_nursery() as nursery:
        rig = await open_rig(tmp_path, nursery, static=STATIC + API, domains=domains)
        api = client(rig)
        request = every_field("Send", To=[{"Address": "tom@example.org"}], Text="x" * 500, SaveSent=True)
        for _ in range(2):
            with pytest.raises(Refused, match="queued") as caught:
                await api.answer("Send", request, {"idempotency-key": "one"})
            assert caught.value.code == "sentOverQuota"
        assert len(await rows()) == 1
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize("saved", [True, False])
async def test_a_call_names_no_other_sender(rig: Rig, saved: bool) -> None:
    """SMTP-111a: another's Sender is left out of what goes out, and the user's own stays."""
    headers = [["Sender", "tom@example.org"], ["Resent-From", "mia@example.org"]]
    await client(rig).call("Send", To=ME, Subject="who", Text="x", Headers=headers, SaveSent=saved)
    found = parsed(await sent("who"))
    assert (found["sender"], found["resent-from"]) == (None, "mia@example.org")
    assert len(found.get_all("from", [])) == 1


async def test_tls_and_time_are_kept(rig: Rig) -> None:
    """WEB-94, WEB-99, RFC 8689, RFC 4865: RequireTLS and FutureRelease reach the queue."""
    api = client(rig)
    await api.call("Send", To=ME, Text="x", RequireTLS=True, FutureRelease=LATER)
    await api.call("Send", To=ME, Text="x", RequireTLS=False, FutureRelease=LATER)
    await api.call("Send", To=ME, Text="x", FutureRelease=LATER)
    found = await rows()
    assert {row.future_release_request for row in found} == {f"until;{LATER}"}
    assert [row.require_tls for row in found] == [True, False, None]


async def test_a_call_from_a_shared_address_keeps_the_copy_there(rig: Rig) -> None:
    """SMTP-189, WEB-154: by right alone; the answer names the rows of the queue, as for an own address."""
    api = client(rig)
    request = every_field("Send", From=[{"Name": "Team", "Address": "tom@example.org"}], To=ME, Text="x", SaveSent=True)
    with pytest.raises(Refused, match="isn't one of your addresses"):
        await api.answer("Send", request)
    async with rig.account("tom") as tom:
        await tom.write(lambda tx: set_delegate(tx, Delegate("mia", "behalf")))
        answers = [(await api.answer("Send", request, {"idempotency-key": "k"})).json for _ in range(2)]
        assert answers[0] == answers[1]
        assert answers[0]["Submissions"][0]["QueueMsgID"] > 0
        assert len(await rows_of(tom, "Sent")) == 1
    async with rig.account() as mia:
        assert await rows_of(mia, "Sent") == []


async def test_a_repeated_call_sends_once(rig: Rig) -> None:
    """WEB-154: the first answer, also for calls at the same time; another body and a bad key are refused."""
    api = client(rig)
    for saved in (False, True):
        request = every_field("Send", To=[*ME, {"Address": "tom@example.org"}], Text="x", SaveSent=saved)
        answers: list[Any] = []
        async with trio.open_nursery() as calls:

            async def repeat(request: Any = request, answers: list[Any] = answers, saved: bool = saved) -> None:
                answers.append((await api.answer("Send", request, {"idempotency-key": f"key {saved}"})).json)

            for _ in range(5):
                calls.start_soon(repeat)
        assert all(one == answers[0] for one in answers)
        with pytest.raises(Refused, match="another message"):
            await api.answer("Send", request | {"Subject": "other"}, {"idempotency-key": f"key {saved}"})
    assert len(await rows()) == 4
    for bad in ("", "x" * 256):
        with pytest.raises(Refused, match="Idempotency-Key"):
            await api.answer("Send", every_field("Send", To=ME, Text="x"), {"idempotency-key": bad})


@pytest.mark.parametrize("saved", [False, True])
async def test_nothing_is_left_if_the_queue_refuses(rig: Rig, monkeypatch: pytest.MonkeyPatch, saved: bool) -> None:
    """WEB-141, QUEUE-157: no row, no copy and no count; the same key may be used again."""
    api = client(rig)
    submit = Queue.submit
    for error, code in ((StorageFull("full"), "server"), (QueueFull("too many wait"), "error")):

        async def refuse(*_: Any, error: Exception = error) -> Any:
            raise error

        monkeypatch.setattr(Queue, "submit", refuse)
        with pytest.raises(Refused) as caught:
            await api.answer("Send", every_field("Send", To=ME, Text="x", SaveSent=saved), {"idempotency-key": "k"})
        assert caught.value.code == code
    monkeypatch.setattr(Queue, "submit", submit)
    async with rig.account() as account:
        for table in ("outbox", "outgoing", "message"):
            count = await account.read(lambda r, t=table: r.value(f"SELECT count(*) FROM {t}"), op="test")  # type: ignore[misc]
            assert count == 0, table
    assert await rows() == []
    await api.answer("Send", every_field("Send", To=ME, Text="x", SaveSent=saved), {"idempotency-key": "k"})
    assert len(await rows()) == 1


async def test_an_interrupted_call_is_finished_by_the_outbox(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """WEB-154, STORE-189a: after a crash between the account and the queue, a repeated call hurries the outbox and gets
    the answer of the first.
    """
    api = client(rig)
    submit, reached = Queue.submit, trio.Event()

    async def hang(*_: Any) -> Any:
        reached.set()
        await trio.sleep_forever()

    monkeypatch.setattr(Queue, "submit", hang)
    monkeypatch.setattr(methods, "DEADLINE", 0.3)
    request = every_field("Send", To=ME, Text="x", SaveSent=True)
    with pytest.raises(Refused, match="may have been queued"):
        await api.answer("Send", request, {"idempotency-key": "k"})
    assert reached.is_set()
    monkeypatch.setattr(Queue, "submit", submit)
    assert await rows() == []
    answer = (await api.answer("Send", request, {"idempotency-key": "k"})).json
    [row] = await rows()
    assert answer["Submissions"] == [{"Address": "mia@example.org", "QueueMsgID": row.id, "FromID": row.from_id}]


async def test_signatures_are_right(tmp_path: Path) -> None:
    """WEB-99, SMTP-113: the sent message bears a DKIM signature that dkimpy accepts."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(65537, 2048)
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    public = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    (tmp_path / "config/dkim").mkdir(parents=True)
    (tmp_path / "config/dkim/one.pem").write_bytes(pem)
    selectors = '[domains."example.org".dkim]\nsign = ["one"]\n[domains."example.org".dkim.selectors.one]\n'
    selectors += 'key_file = "dkim/one.pem"\n'
    domains = configured().replace("\n[accounts.mia]", f"\n{selectors}\n[accounts.mia]", 1)
    async with trio.open_nursery() as nursery:
        (tmp_path / "config").rename(tmp_path / "keys")
        rig = await _open_with(tmp_path, nursery, domains)
        api = client(rig)
        await api.call("Send", To=ME, BCC=[{"Address": "tom@example.org"}], Subject="signed", Text="ä\n" * 50)
        raw = await sent("signed")

        def dns(name: bytes, timeout: int = 5) -> bytes:
            assert name.startswith(b"one._domainkey.example.org")
            return b"v=DKIM1; k=rsa; p=" + base64.b64encode(public)

        assert dkim.verify(raw, dnsfunc=dns)
        nursery.cancel_scope.cancel()


async def _open_with(folder: Path, nursery: trio.Nursery, domains: str) -> Rig:
    """A server whose DKIM keys are in `folder`/keys."""
    domains = domains.replace("dkim/one.pem", str(folder / "keys/dkim/one.pem"))
    return await open_rig(folder, nursery, static=STATIC + API, domains=domains)


@pytest.mark.rig(static=STATIC + API.replace("ips", 'hostname = "localhost"\nips'), domains=configured())
async def test_the_name_of_an_inner_listener_is_in_no_mail(rig: Rig) -> None:
    """WEB-23a."""
    api = client(rig)
    api._browser.host = "localhost"
    await api.call("Send", To=ME, Subject="inner", Text="x")
    octets = await sent("inner")
    assert b"localhost" not in octets
    assert octets.count(b"mail.example.org") >= 3  # Message-ID, and both names of Received
