"""Forms of messages that programs of users are forgiven, by each way of octets, as docs/developers/tolerance.md lists
them (SMTP-111, SMTP-111b, SMTP-38).
"""

import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest
import trio

from moxlite.proto.mime.headers import HeaderSection
from tests.jmap_rig import Client as JMAPClient
from tests.session.imapd_harness import Client as IMAPClient
from tests.session.smtpd_harness import Client as SMTPClient
from tests.session.test_proto_tolerance import rows
from tests.session.test_web_ways_out import QUEUES, SUBMISSION, Refusal, queues, rig, send_stored, signatures
from tests.web_rig import ADDRESS, PASSWORD, STATIC, Rig, open_rig

pytestmark = pytest.mark.served

__all__ = ["queues", "rig", "signatures"]

FIELDS = {
    "From": f"From: {ADDRESS}\r\n",
    "To": "To: ann@else.example\r\n",
    "Subject": "Subject: hello\r\n",
    "Date": "Date: Fri, 20 Nov 2026 07:00:00 +0000\r\n",
    "Message-ID": "Message-ID: <own@x>\r\n",
}
"""A message without mistakes."""

ONE_A_MESSAGE = ("from", "sender", "to", "cc", "reply-to", "subject", "date", "message-id", "in-reply-to", "references")

MARKS = {"␣": " ", "↵": "\r\n", "␍": "\r", "␊": "\n"}


class Form(msgspec.Struct, frozen=True):
    """A row of the page: the message, how it leaves (None: not at all), and whether a pedantic server takes it."""

    message: bytes
    leaves: bytes | None
    pedantic: bool
    absent: str = ""


def text_of(cell: str) -> str:
    text = cell.strip("`")
    for mark, octets in MARKS.items():
        text = text.replace(mark, octets)
    return text


def field_forms() -> list[Form]:
    """Messages with the fields of each example."""
    forms = []
    for example, cells in rows("Fields of submitted messages"):
        *_, leaves, pedantic = cells
        text = "" if example.startswith("without") else text_of(example) + "\r\n"
        names = [example.split("`")[1]] if not text else [line.partition(":")[0] for line in text.split("\r\n")]
        others = "".join([field for name, field in FIELDS.items() if name not in [name.strip() for name in names]])
        absent = leaves.split("`")[1] if leaves.startswith("without") else ""
        shown = text if leaves == "as it came" else "" if absent else text_of(leaves)
        message = f"{text}{others}\r\nx\r\n".encode()
        forms.append(Form(message, None if leaves == "–" else shown.encode(), pedantic == "✓", absent))
    return forms


def line_forms() -> list[Form]:
    """The messages of the examples."""
    plain = "".join(FIELDS.values())
    return [
        Form(
            text_of(example).replace("…", plain).encode(),
            None if cells[-2] == "–" else text_of(cells[-2]).replace("…", plain).encode(),
            cells[-1] == "✓",
        )
        for example, cells in rows("Lines of submitted messages")
    ]


@asynccontextmanager
async def submission(rig: Rig) -> AsyncIterator[SMTPClient]:
    """A client that is logged in at port 84."""
    async with rig.connect(port=84) as stream:
        client = SMTPClient(stream)
        await client.reply()
        await client.say("EHLO client.example")
        pair = base64.b64encode(f"\0{ADDRESS}\0{PASSWORD}".encode()).decode()
        assert (await client.say(f"AUTH PLAIN {pair}")).startswith("235")
        yield client


async def by_data(rig: Rig, octets: bytes, to: str) -> None:
    """Submit octets by DATA; dots come as they are in the example. Raises Refusal."""
    async with submission(rig) as client:
        await client.play(f"C: MAIL FROM:<{ADDRESS}>\nS: 250\nC: RCPT TO:<{to}>\nS: 250\nC: DATA\nS: 354")
        await client.send(octets + b".\r\n")
        reply = await client.reply()
        if not reply.startswith("250"):
            raise Refusal(reply)


async def by_chunks(rig: Rig, octets: bytes, to: str) -> None:
    """Submit octets by BDAT, cut in the middle. Raises Refusal."""
    async with submission(rig) as client:
        await client.play(f"C: MAIL FROM:<{ADDRESS}>\nS: 250\nC: RCPT TO:<{to}>\nS: 250")
        middle = len(octets) // 2
        await client.send(b"BDAT %d\r\n%bBDAT %d LAST\r\n" % (middle, octets[:middle], len(octets) - middle))
        await client.send(octets[middle:])
        reply = await client.reply()
        reply = await client.reply() if reply.startswith("250") else reply
        if not reply.startswith("250"):
            raise Refusal(reply)


async def by_jmap(rig: Rig, octets: bytes, to: str) -> None:
    """Store octets by IMAP, and send them by JMAP. Raises Refusal."""
    async with rig.connect(port=85) as stream:
        imap = IMAPClient(stream)
        await imap.response()
        await imap.login(ADDRESS, PASSWORD)
        await imap.append(octets.decode(), "Drafts")
    client = JMAPClient(rig)
    drafts = await client.call("Email/query", filter={"inMailbox": "F3"})
    await send_stored(client, drafts["ids"][0], to)


WAYS = {"DATA": by_data, "BDAT": by_chunks, "JMAP": by_jmap}


async def left(to: str) -> bytes:
    """What leaves for a recipient."""
    with trio.fail_after(60):
        while True:
            for row in await QUEUES[-1].listings.list_messages():
                if str(row.recipient) == to:
                    return b"".join([piece async for piece in QUEUES[-1].listings.dump(row.id)])
            await trio.sleep(0.02)


async def taken(rig: Rig, way: str, form: Form, to: str) -> bool:
    try:
        await WAYS[way](rig, form.message, to)
    except Refusal:
        return False
    return True


@pytest.mark.parametrize("way", WAYS)
async def test_fields_leave_as_the_page_says(rig: Rig, way: str) -> None:
    """SMTP-111, SMTP-111a, SMTP-112: each form leaves in one field, signed so."""
    for number, form in enumerate(field_forms()):
        to = f"form{number}@else.example"
        assert await taken(rig, way, form, to) == (form.leaves is not None), form
        if form.leaves is None:
            continue
        octets = await left(to)
        assert form.leaves in octets, (form, octets)
        section = HeaderSection(octets)
        assert not form.absent or not section.count(form.absent.lower().encode()), (form, octets)
        assert all(section.count(name.encode()) <= 1 for name in ONE_A_MESSAGE), (form, octets)
        assert section.count(b"from") == section.count(b"date") == section.count(b"message-id") == 1, (form, octets)


@pytest.mark.parametrize("way", WAYS)
async def test_lines_leave_as_the_page_says(rig: Rig, way: str) -> None:
    """SMTP-38, SMTP-40, SMTP-111b: mended before they're signed; no end of a message but one is forgiven."""
    for number, form in enumerate(line_forms()):
        dot = b"." in form.message.partition(b"\r\n\r\n")[2]
        if dot and way != "DATA":  # only there does a dot end a message
            continue
        to = f"form{number}@else.example"
        assert await taken(rig, way, form, to) == (form.leaves is not None), form
        if form.leaves is not None:
            octets = await left(to)
            assert octets.endswith(form.leaves), (form, octets)
            assert octets.count(b"\r") == octets.count(b"\n") == octets.count(b"\r\n")
            assert not HeaderSection(octets).count(b""), (form, octets)


@pytest.mark.parametrize("way", ["DATA", "BDAT"])
async def test_a_pedantic_server_forgives_none(tmp_path: Path, way: str) -> None:
    """SMTP-111, SMTP-111b: but for what the standard lets the server add."""
    async with trio.open_nursery() as nursery:
        rig = await open_rig(tmp_path, nursery, static="pedantic = true\n" + STATIC + SUBMISSION)
        forms = [*field_forms(), *line_forms()]
        if way != "DATA":
            forms = [form for form in forms if b"." not in form.message.partition(b"\r\n\r\n")[2]]
        wrong = [form for form in forms if await taken(rig, way, form, "ann@else.example") != form.pedantic]
        assert not wrong
        nursery.cancel_scope.cancel()


async def test_a_last_line_without_an_end_gets_one(rig: Rig) -> None:
    """SMTP-111b: chunks and stored messages may end anywhere; a message that leaves ends in CR LF."""
    for way in ("BDAT", "JMAP"):
        for end in (b"", b"\r", b"\n"):
            to = f"{way}{end.hex()}@else.example"
            await WAYS[way](rig, "".join(FIELDS.values()).encode() + b"\r\nx" + end, to)
            assert (await left(to)).endswith(b"\r\n\r\nx\r\n")
