"""Each way by which a user's mail goes out: the same message by SMTP, JMAP, web API and webmail, as it leaves.

A program's own octets come by SMTP and JMAP; the web API and the webmail compose, and take messages as files.
"""

import base64
import email
import email.policy
import hashlib
from collections.abc import AsyncIterator, Sequence
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import msgspec
import pytest
import trio

from moxlite.proto.address import Address
from moxlite.queue.queue import Queue
from moxlite.store.content.spool import Spool
from moxlite.store.people.correspondents import is_known
from moxlite.submission import submit
from tests.jmap_rig import ACCOUNT, JMAP, Client as JMAPClient
from tests.session.imapd_harness import Client as IMAPClient
from tests.session.smtpd_harness import Client as SMTPClient
from tests.session.test_web_compose import call_id, messages, upload, written
from tests.session.test_web_webapi import API
from tests.web_rig import ADDRESS, PASSWORD, STATIC, Rig, open_rig
from tests.webapi import Client as WebAPIClient, Refused

pytestmark = pytest.mark.served

SUBMISSION = """
[listeners.submission]
ips = ["127.0.0.1"]
submission = { enabled = true, port = 84, require_tls = false }
imap = { enabled = true, port = 85, require_tls = false }
"""
TO = "Ann.Other@else.example"
LONG = "word " * 700
PDF = base64.b64encode(b"%PDF").decode()


QUEUES: list[Queue] = []


@pytest.fixture(autouse=True)
def queues(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the queues that servers open in `QUEUES`."""
    init = Queue.__init__

    def keep(queue: Queue, *args: Any) -> None:
        init(queue, *args)
        QUEUES.append(queue)

    monkeypatch.setattr(Queue, "__init__", keep)


@pytest.fixture(autouse=True)
def signatures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have messages signed by a digest of all octets, which `leaving` looks at: the queue sends what was signed."""

    async def digest(
        keys: object, letter: object, author: object, added: bytes, spool: Spool, section: object
    ) -> bytes:
        return b"X-Signed: %s\r\n" % hashlib.sha256(added + spool.whole()).hexdigest().encode()

    monkeypatch.setattr(submit, "_signatures", digest)


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    """A server with all ways out, whose queue keeps what it takes: it reaches no other."""
    async with trio.open_nursery() as nursery:
        yield await open_rig(tmp_path, nursery, static=STATIC + JMAP + API + SUBMISSION)
        nursery.cancel_scope.cancel()


class Attached(msgspec.Struct, frozen=True):
    """A file of a message: `name` is that which it goes out with."""

    name: str
    kind: str
    octets: bytes


class Refusal(Exception):
    """Words of a refusal."""


async def by_smtp(rig: Rig, octets: bytes, to: str = TO) -> None:
    """Submit octets without a copy. Raises Refusal."""
    async with rig.connect(port=84) as stream:
        client = SMTPClient(stream)
        await client.reply()
        await client.say("EHLO client.example")
        pair = base64.b64encode(f"\0{ADDRESS}\0{PASSWORD}".encode()).decode()
        assert (await client.say(f"AUTH PLAIN {pair}")).startswith("235")
        reply = await client.deliver(sender=ADDRESS, to=to, message=octets)
        if not reply.startswith("250"):
            raise Refusal(reply)


async def by_jmap(rig: Rig, octets: bytes, to: str = TO) -> None:
    """Upload octets into Drafts, send them, and move them to Sent when that is done. Raises Refusal."""
    client = JMAPClient(rig)
    await send_stored(client, await client.imported(octets, "F3", keywords={"$draft": True}), to)


async def send_stored(client: JMAPClient, message: str, to: str) -> None:
    """Send a message of the account, and move it to Sent. Raises Refusal."""
    identity = next(one for one in (await client.call("Identity/get"))["list"] if one["email"] == ADDRESS)
    envelope = {"mailFrom": {"email": ADDRESS}, "rcptTo": [{"email": to}]}
    submission = {"identityId": identity["id"], "emailId": message, "envelope": envelope}
    sent = {"#s": {"mailboxIds": {"F5": True}, "keywords/$draft": None}}
    arguments = {"accountId": ACCOUNT, "create": {"s": submission}, "onSuccessUpdateEmail": sent}
    answer = await client.request(["EmailSubmission/set", arguments, "0"])
    if refused := answer["methodResponses"][0][1].get("notCreated"):
        raise Refusal(refused["s"]["description"])


async def composed_by_jmap(rig: Rig, subject: str, text: str, files: Sequence[Attached] = (), to: str = TO) -> None:
    """Write a message with Email/set, and send it. Raises Refusal."""
    client = JMAPClient(rig)
    attached = [
        {
            "blobId": await client.upload(one.octets, one.kind),
            "type": one.kind,
            "name": one.name,
            "disposition": "attachment",
        }
        for one in files
    ]
    draft = {
        "mailboxIds": {"F3": True},
        "from": [{"email": ADDRESS}],
        "to": [{"email": to}],
        "subject": subject,
        "textBody": [{"type": "text/plain", "partId": "1"}],
        "bodyValues": {"1": {"value": text}},
        "attachments": attached,
    }
    made = await client.call("Email/set", create={"d": draft})
    if refused := made.get("notCreated"):
        raise Refusal(str(refused["d"]))
    await send_stored(client, made["created"]["d"]["id"], to)


async def composed_by_webapi(
    rig: Rig, subject: str, text: str, files: Sequence[Attached] = (), to: str = TO, **more: Any
) -> None:
    """Call Send. Raises Refusal."""
    attached = [
        {"Name": one.name, "ContentType": one.kind, "Data": base64.b64encode(one.octets).decode()} for one in files
    ]
    try:
        await WebAPIClient(rig, port=82).call(
            "Send", To=[{"Name": "", "Address": to}], Subject=subject, Text=text, AttachedFiles=attached, **more
        )
    except Refused as error:
        raise Refusal(error.text) from None


async def composed_by_webmail(rig: Rig, subject: str, text: str, files: Sequence[Attached] = (), to: str = TO) -> None:
    """Send with the webmail: messages come from the mailbox, other files from the disk. Raises Refusal."""
    browser = rig.browser()
    await browser.log_in()
    uploads = []
    for one in files:
        if one.kind == "message/rfc822":
            stored = await JMAPClient(rig).imported(one.octets, "F1")
            begun = await browser.call("compose_prepare", kind="forward_attached", message_id=int(stored[1:]))
            uploads += [file["upload_id"] for file in begun["uploads"]]
        else:
            uploads.append((await upload(browser, one.name, one.octets, one.kind))["upload_id"])
    message = written(subject=subject, text=text, to=[{"name": "", "address": to}], uploads=uploads)
    answer = await browser.post("message_submit", {"message": message, "submit_id": call_id()})
    if answer.status != 200:
        raise Refusal(answer.json["error"]["message"])


RAW = {"SMTP": by_smtp, "JMAP": by_jmap}
COMPOSED = {"JMAP": composed_by_jmap, "web API": composed_by_webapi, "webmail": composed_by_webmail}


async def leaving(subject: str) -> bytes:
    """The octets that go out of the message whose subject begins so, and which are those that were signed."""
    with trio.fail_after(60):
        while True:
            for row in await QUEUES[-1].listings.list_messages():
                octets = b"".join([piece async for piece in QUEUES[-1].listings.dump(row.id)])
                if str(parsed(octets)["subject"]).startswith(subject):
                    digest, _, signed = octets.partition(b"X-Signed: ")[2].partition(b"\r\n")
                    assert digest == hashlib.sha256(signed).hexdigest().encode()
                    return octets
            await trio.sleep(0.02)


def parsed(octets: bytes) -> EmailMessage:
    found = email.message_from_bytes(octets, policy=email.policy.default)
    assert isinstance(found, EmailMessage)
    return found


async def known(rig: Rig, address: str = TO) -> bool:
    """Whether the account knows an address."""
    asked = Address.parse(address)
    async with rig.account() as account:
        return await account.read(lambda r: is_known(r, str(asked.localpart), asked.domain.unicode, 0), op="test")


def plain(*fields: str, text: str = "x") -> bytes:
    """A message of a program."""
    return "\r\n".join([f"From: {ADDRESS}", f"To: {TO}", *fields, "", text, ""]).encode()


@pytest.mark.parametrize("way", RAW)
async def test_whom_octets_were_sent_to_is_known(rig: Rig, way: str) -> None:
    """STORE-95: by the act of sending, at once, whoever the fields name; nobody after a refusal."""
    assert not await known(rig)
    await RAW[way](rig, plain("Subject: One"), to=TO)
    assert await known(rig)
    with pytest.raises(Refusal):
        await RAW[way](rig, b"From: mia@else.example\r\n" + plain("Subject: One"), to="never@else.example")
    assert not await known(rig, "never@else.example")


@pytest.mark.parametrize("way", COMPOSED)
async def test_whom_a_composed_message_was_sent_to_is_known(rig: Rig, way: str) -> None:
    """STORE-95: also when the copy in Sent goes."""
    assert not await known(rig)
    await COMPOSED[way](rig, "One", "x")
    assert await known(rig)
    for copy in await messages(rig, "Sent"):
        await JMAPClient(rig).call("Email/set", destroy=[f"M{copy.id}"])
    assert not await messages(rig, "Sent")
    assert await known(rig)


async def test_moving_a_sent_draft_keeps_its_recipient_known(rig: Rig) -> None:
    """STORE-95: a program that submits its draft, and moves it to Sent by IMAP; also when the copy goes."""
    client = JMAPClient(rig)
    draft = await client.imported(plain("Subject: Draft"), "F3", keywords={"$draft": True})
    assert not await known(rig)
    await by_smtp(rig, plain("Subject: Draft"))
    async with rig.connect(port=85) as stream:
        imap = IMAPClient(stream)
        await imap.response()
        await imap.login(ADDRESS, PASSWORD)
        await imap.select("Drafts")
        await imap.ok("m MOVE 1 Sent")
        assert len(await messages(rig, "Sent")) == 1
        assert await known(rig)
    await client.call("Email/set", destroy=[draft])
    assert not await messages(rig, "Sent")
    assert await known(rig)


def longest(octets: bytes) -> int:
    """Octets of the longest line, without its CRLF."""
    return max(map(len, octets.split(b"\r\n")))


@pytest.mark.parametrize("way", RAW)
async def test_long_lines_of_octets_get_an_encoding(rig: Rig, way: str) -> None:
    """SMTP-112a: bodies and fields of over 998 octets in a line say the same; also a binary part with its own lines."""
    ids = " ".join(f"<{number}@else.example>" for number in range(80))
    await RAW[way](rig, plain("Subject: Long", f"References: {ids}", text=LONG + "\r\n.\r\n"))
    octets = await leaving("Long")
    assert longest(octets) <= 998
    message = parsed(octets)
    assert message.get_content().replace("\r\n", "\n") == LONG + "\n.\n\n"
    assert str(message["references"]).split() == ids.split()


@pytest.mark.parametrize("way", COMPOSED)
async def test_long_lines_of_composed_messages_get_an_encoding(rig: Rig, way: str) -> None:
    """SMTP-112a: of texts, and of attached messages, which keep their text."""
    inner = plain("Subject: Within", text=LONG)
    await COMPOSED[way](rig, "Long", f"Hello.\n{LONG}\n", [Attached("in.eml", "message/rfc822", inner)])
    octets = await leaving("Long")
    assert longest(octets) <= 998
    body = parsed(octets).get_body()
    assert body is not None
    assert body.get_content().split() == ["Hello.", *LONG.split()]
    [file] = parsed(octets).iter_attachments()
    assert isinstance(file, EmailMessage)
    assert file.get_content()["subject"] == "Within"
    assert file.get_content().get_content().split() == LONG.split()


@pytest.mark.parametrize("lines", ["\r\n", "\n"])
@pytest.mark.parametrize("way", COMPOSED)
async def test_an_attached_message_tells_no_blind_copies(rig: Rig, way: str, lines: str) -> None:
    """SMTP-112b: nor what this server told the owner of the message; all other octets are the same."""
    head = "From: x@else.example{}Subject: Within\r\nReceived: from x\r\n by y\r\n\r\nBcc: text\r\n"
    hidden = "\r\nBCC : Carl\r\n <carl@secret.example>\r\nResent-Bcc: carl@secret.example\r\nBcc: \r\n"
    hidden += "X-Moxlite-Reason: junk;\r\n\tsecret score\r\nX-Moxlite-TLSReport-Error: secret\r\n"
    inner = head.format(hidden).replace("\r\n", lines).encode()
    await COMPOSED[way](rig, "Fwd", "x", [Attached("in.eml", "message/rfc822", inner)])
    octets = await leaving("Fwd")
    [file] = parsed(octets).iter_attachments()
    content = file.get_content()
    told = content if isinstance(content, bytes) else content.as_bytes()
    for found in (octets, told):
        assert b"secret" not in found
    assert b"Bcc: text" in told
    if lines == "\r\n":
        assert head.format(lines).encode() in octets


async def test_an_email_attached_by_its_blob_tells_no_blind_copies(rig: Rig) -> None:
    """SMTP-112b: JMAP, as a message and as a file; what else the blob is used for has all octets."""
    client = JMAPClient(rig)
    inner = plain("Bcc: carl@secret.example", "X-Moxlite-Reason: secret", "Subject: Within")
    sent = await client.imported(inner, "F5")
    blob = (await client.call("Email/get", ids=[sent], properties=["blobId"]))["list"][0]["blobId"]
    for kind in ("message/rfc822", "application/octet-stream"):
        attached = {"blobId": blob, "type": kind, "name": "in.eml", "disposition": "attachment"}
        draft = {
            "mailboxIds": {"F3": True},
            "from": [{"email": ADDRESS}],
            "to": [{"email": TO}],
            "subject": kind,
            "textBody": [{"type": "text/plain", "partId": "1"}],
            "bodyValues": {"1": {"value": "x"}},
            "attachments": [attached],
        }
        made = await client.call("Email/set", create={"d": draft})
        await send_stored(client, made["created"]["d"]["id"], TO)
        [file] = parsed(await leaving(kind)).iter_attachments()
        octets = file.get_content().as_bytes() if kind.startswith("message") else file.get_content()
        assert b"Within" in octets
        assert b"secret" not in octets
    copy = await client.call("Email/import", emails={"c": {"blobId": blob, "mailboxIds": {"F1": True}}})
    assert copy["created"]["c"]["size"] == len(inner)


def sealed(kind: str, text: str) -> bytes:
    """A message signed or encrypted by a program, with this text."""
    return plain(
        "Subject: Sealed",
        f"Content-Type: {kind}; boundary=b",
        text=f"--b\r\n\r\n{text}\r\n--b\r\nContent-Type: application/octet-stream\r\n\r\nabc\r\n--b--",
    )


SEALED = (
    'multipart/signed; protocol="application/pgp-signature"; micalg=pgp-sha256',
    'multipart/encrypted; protocol="application/pgp-encrypted"',
)
WORDS = "a signed or encrypted part has a line longer than 998 octets, and can't be changed"


@pytest.mark.parametrize("way", RAW)
@pytest.mark.parametrize("kind", SEALED)
async def test_what_is_sealed_with_long_lines_is_refused(rig: Rig, way: str, kind: str) -> None:
    """SMTP-112a: with words; sealed mail with short lines arrives octet for octet."""
    with pytest.raises(Refusal, match=WORDS):
        await RAW[way](rig, sealed(kind, LONG))
    assert not await known(rig)
    await RAW[way](rig, sealed(kind, "Größe   "))
    whole = sealed(kind, "Größe   ")
    assert (await leaving("Sealed")).endswith(whole[whole.index(b"--b") :])


@pytest.mark.parametrize("way", COMPOSED)
async def test_a_sealed_file_with_long_lines_is_refused(rig: Rig, way: str) -> None:
    """SMTP-112a: a message as a file, which somebody else signed."""
    file = Attached("in.eml", "message/rfc822", sealed(SEALED[0], LONG))
    with pytest.raises(Refusal, match=WORDS):
        await COMPOSED[way](rig, "Sealed", "x", [file])
    assert not await known(rig)


@pytest.mark.parametrize("way", RAW)
async def test_text_beside_the_parts_has_no_long_lines(rig: Rig, way: str) -> None:
    """SMTP-112a: nobody shows a preamble, but a server counts its octets, too."""
    head, _, rest = sealed("multipart/mixed", "x").partition(b"--b\r\n")
    for octets in (head + LONG.encode() + b"\r\n--b\r\n" + rest, head + b"--b\r\n" + rest + LONG.encode() + b"\r\n"):
        with pytest.raises(Refusal, match="998 octets"):
            await RAW[way](rig, octets)


@pytest.mark.parametrize("way", RAW)
async def test_raw_fields_go_out_as_encoded_words(rig: Rig, way: str) -> None:
    """SMTP-112a: subjects, display names, file names; also in UTF-8 that somebody else calls Latin-1."""
    octets = plain(
        "Subject: Größe ☃", "Cc: Jörg Müß <j@else.example>", "Content-Type: text/plain; charset=utf-8; name=Größe.txt"
    ).replace(f"From: {ADDRESS}".encode(), f"From: Ärger <{ADDRESS}>".encode())
    await RAW[way](rig, octets)
    found = await leaving("Größe ☃")
    head = found.partition(b"\r\n\r\n")[0]
    assert head.isascii()
    assert parsed(found)["cc"].addresses[0].display_name == "Jörg Müß"
    assert parsed(found)["from"].addresses[0].display_name == "Ärger"
    assert parsed(found).get_filename() == "Größe.txt"


async def test_raw_fields_of_the_web_api_go_out_as_encoded_words(rig: Rig) -> None:
    """WEB-100: fields of `Headers`, names of people and of files."""
    await composed_by_webapi(
        rig,
        "Größe ☃",
        "x",
        [Attached("Größe.pdf", "application/pdf", b"%PDF")],
        Headers=[["X-One", "Übergröße"], ["Comments", "ü" * 600]],
        CC=[{"Name": "Jörg Müß", "Address": "j@else.example"}],
    )
    octets = await leaving("Größe ☃")
    assert octets.isascii()
    assert longest(octets) <= 998
    assert parsed(octets)["x-one"] == "Übergröße"
    assert parsed(octets)["comments"] == "ü" * 600
    assert parsed(octets)["cc"].addresses[0].display_name == "Jörg Müß"


@pytest.mark.parametrize("way", RAW)
async def test_a_return_path_does_not_go_out(rig: Rig, way: str) -> None:
    """SMTP-112: it is for the server that delivers to write one (RFC 5321 §4.4)."""
    await RAW[way](rig, plain("Return-Path: <evil@else.example>", "Subject: Back"))
    octets = await leaving("Back")
    assert b"evil@" not in octets
    assert b"return-path:" not in octets.lower()


async def test_a_return_path_of_the_web_api_does_not_go_out(rig: Rig) -> None:
    """SMTP-112"""
    with pytest.raises(Refusal):
        await composed_by_webapi(rig, "Back", "x", Headers=[["Return-Path", "<evil@else.example>"]])


@pytest.mark.parametrize("way", COMPOSED)
async def test_an_attached_message_keeps_its_name_and_disposition(rig: Rig, way: str) -> None:
    """COMPOSE-4, JMAP-28, WEB-101, WEBMAIL-92: as each file does."""
    name = "in.eml" if way == "webmail" else "Größe.eml"
    inner = plain("Subject: in")
    files = [Attached(name, "message/rfc822", inner), Attached("a.pdf", "application/pdf", b"%PDF")]
    await COMPOSED[way](rig, "Files", "x", files)
    parts = list(parsed(await leaving("Files")).iter_attachments())
    assert [part.get_filename() for part in parts] == [name, "a.pdf"]
    assert [part.get_content_disposition() for part in parts] == ["attachment", "attachment"]
    assert parts[0].get_content()["subject"] == "in"


@pytest.mark.parametrize("way", COMPOSED)
async def test_an_empty_list_is_no_field(rig: Rig, way: str) -> None:
    """JMAP-28, WEB-96, WEBMAIL-98: no field that leaves is without a value (RFC 5322 §3.6.2 to §3.6.4)."""
    await COMPOSED[way](rig, "Few", "x")
    head, _, _ = (await leaving("Few")).partition(b"\r\n\r\n")
    fields = {name.lower(): value.strip() for name, value in parsed(head).items()}
    assert all(fields.values())
    assert not fields.keys() & {"cc", "bcc", "reply-to", "in-reply-to", "references", "sender"}
