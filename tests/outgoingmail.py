"""Mail of all kinds that a server sends, as it leaves the queue, and what a strict reader finds wrong with its form.

Each kind has a recipient of its own, so that what was sent for it is known. Nothing leaves: all of it is on hold.
"""

import base64
import email
import email.policy
import email.utils
import json
import os
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from email.message import EmailMessage
from pathlib import Path
from typing import Any, Final

import dkim
import trio

from moxlite.mailauth.dkim.sign import generate, key_record, to_pem
from moxlite.operations.forwards import ConfirmForward
from moxlite.operations.masked import GivenAddress, MakeAddress
from moxlite.operations.queue import AddHoldRule, Changed, Dump, Fail, Filter, Line, ListMessages, Page
from moxlite.operations.sieve import VacationSet
from moxlite.store.forms import VacationChange
from tests.house import PASSWORD, SECONDS, STATIC, Running, house
from tests.session.smtpd_harness import Client
from tests.session.test_server_sieve import install
from tests.session.test_smtpd_checks import zone
from tests.session.test_web_calendars import form
from tests.session.test_web_compose import call_id, upload, written

KEY: Final = generate("rsa")
RECORD: Final = key_record(KEY)
"""What the domain publishes for the selector."""

STRANGER: Final = "ann@remote.example"
"""Writes to the server by SMTP; proven by SPF."""

CONFIG: Final = (
    STATIC
    + """\
[listeners.programs]
ips = ["127.0.0.1"]
submission = { enabled = true, port = 387, require_tls = false }
webapi_http = { enabled = true, port = 382 }
"""
)
DOMAINS: Final = """\
[domains."example.org"]
dkim = { sign = ["o"], selectors = { o = { key_file = "own.pem" } } }
[domains."example.org".aliases.desk]
addresses = ["mia@example.org", "desk-far@far.example"]
post_public = true
allow_msg_from = true
carrier = "mia"
[accounts.mia]
domain = "example.org"
full_name = "Mia Möller"
[accounts.mia.destinations."mia@example.org"]
[accounts.tom]
domain = "example.org"
full_name = "Tom"
forward_to = ["tom-far@far.example"]
[accounts.tom.destinations."tom@example.org"]
[accounts.eve]
domain = "example.org"
[accounts.eve.destinations."eve@example.org"]
"""
ME: Final = {"name": "Mia Möller", "address": "mia@example.org"}
PNG: Final = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
LONG: Final = "The boats leave the harbor in the morning, and they come back before the night. " * 30
GERMAN: Final = "Die Boote fahren früh am Morgen los und kommen zurück, bevor es Nacht wird.\n" * 4
PLAIN: Final = "The boats leave at nine in the morning. Please bring warm clothes and a hat.\n\nMia\n"

COMPOSED: Final[dict[str, dict[str, Any]]] = {
    "plain": {},
    "umlauts": {"text": GERMAN, "subject": "Größe der Boote und Öffnungszeiten im März"},
    "cyrillic": {"text": "Лодки отходят утром и возвращаются вечером.\n" * 3, "subject": "Лодки отходят утром"},
    "japanese": {"text": "ボートは朝に出て、夜になる前に戻ります。\n" * 3, "subject": "ボートの時間についてのお知らせ"},
    "arabic": {"text": "تغادر القوارب في الصباح وتعود قبل الليل.\n" * 3, "subject": "مواعيد القوارب"},
    "emoji": {"text": "The boats leave at nine ⛵\n", "subject": "Boats ⛵ at nine"},
    "longline": {"text": f"{LONG}\n"},
    "longword": {"text": f"https://example.org/{'a' * 1500}\n"},
    "longsubject": {"subject": ("The boats that leave in the morning " * 12).strip()},
    "dots": {"text": ".\n..\nFrom the harbor\n.hidden\n-- \nMia\n"},
    "blanks": {"text": "two spaces at the end  \n\ttab\n\n\n\nend\n"},
    "cc": {"cc": [{"name": "Bo", "address": "bo@far.example"}]},
    "bcc": {"bcc": [{"name": "Secret Carl", "address": "carl@far.example"}]},
    "many": {"cc": [{"name": f"Guest Nr. {n}", "address": f"guest{n}@far.example"} for n in range(25)]},
    "comma": {"cc": [{"name": 'Smith, John "Jo" (boats)', "address": "john@far.example"}]},
    "umlautname": {"cc": [{"name": "Jürgen Groß-Müller, Büro für Öffentlichkeit", "address": "j@far.example"}]},
    "replyto": {"reply_to": [{"name": "Harbor Office", "address": "office@far.example"}]},
    "threaded": {"in_reply_to": "<1@far.example>", "references": [f"<{n}.boats@far.example>" for n in range(30)]},
    "html": {"text": "", "html": "<div>The boats leave at <b>nine</b>. Bring <i>warm</i> clothes.<br></div>"},
    "htmllist": {"text": "", "html": "<ul><li>coat</li><li>hat</li></ul><blockquote><div>Which?</div></blockquote>"},
    "htmltable": {"text": "", "html": "<table><tr><td>Boat</td><td>Nine</td></tr></table><div>See you.</div>"},
    "htmllink": {"text": "", "html": '<div>See <a href="https://example.org/plan">the plan</a> of boats.</div>'},
    "htmlumlauts": {"text": "", "html": "<div>Größe der Boote, Öffnungszeiten und Grüße</div>"},
    "askread": {"ask_read": True},
    "askdelivered": {"ask_delivered": True},
}
"""Messages of the composer; without a subject, `written` has one."""

FILES: Final[dict[str, list[tuple[str, bytes, str]]]] = {
    "txt": [("notes.txt", GERMAN.encode(), "text/plain")],
    "latin": [("notes.txt", GERMAN.encode("latin-1"), "text/plain")],
    "pdf": [("plan.pdf", b"%PDF-1.4\n" + os.urandom(3000), "application/pdf")],
    "picture": [("boat.png", PNG, "image/png")],
    "filename": [("Größenübersicht der Boote – März.pdf", b"%PDF-1.4\n" + os.urandom(300), "application/pdf")],
    "longname": [(f"{'plan of boats ' * 14}.pdf", b"%PDF-1.4\n" + os.urandom(300), "application/pdf")],
    "several": [(f"plan{n}.csv", b"boat,time\r\nnine,ten\r\n", "text/csv") for n in range(4)],
    "empty": [("empty.bin", b"", "application/octet-stream")],
    "zip": [("plan.zip", b"PK\3\4" + os.urandom(400), "application/zip")],
    "eml": [("old.eml", b"From: a@far.example\r\nSubject: old\r\n\r\nold text\r\n", "message/rfc822")],
}
"""Messages with files."""

EVENTS: Final[dict[str, dict[str, Any]]] = {
    "invitation": {"title": "Boats at nine", "place": "Harbor"},
    "invitationlink": {"title": "Boats online", "link": "https://meet.jit.si/boats", "notes": "Bring the plan."},
    "invitationseries": {"title": "Boats each week", "rule": "FREQ=WEEKLY;COUNT=5"},
    "invitationumlauts": {"title": "Größe der Boote", "place": "Büro für Öffentlichkeit", "notes": GERMAN},
}

SCRIPTS: Final = {
    "redirect": 'redirect "{far}";',
    "redirectcopy": 'require "copy"; redirect :copy "{far}";',
    "vacation": 'require ["vacation"]; vacation :handle "{far}" "At sea until Monday.";',
    "vacationsubject": 'require ["vacation"]; vacation :handle "{far}" :subject "Über See" "Bis März auf See.";',
    "vacationmime": 'require ["vacation"]; vacation :handle "{far}" :mime "MIME-Version: 1.0\r\n'
    'Content-Type: text/html; charset=utf-8\r\n\r\n<p>At sea until Monday.</p>";',
}
"""Scripts that send; those that answer write to `STRANGER`."""

EVENT: Final = (
    "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//x//EN\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT\r\nUID:{uid}\r\n"
    "DTSTAMP:20260101T000000Z\r\nDTSTART:20990119T090000Z\r\nDTEND:20990119T100000Z\r\nSUMMARY:Boats at sea\r\n"
    f"ORGANIZER:mailto:{STRANGER}\r\nATTENDEE;RSVP=TRUE:mailto:mia@example.org\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
)

Sent = dict[str, tuple[Line, bytes]]
"""By kind: the row of the queue and the octets of a message."""


class Sender:
    """A server, and its users who send."""

    def __init__(self, running: Running, browser: Any) -> None:
        self.running = running
        self.browser = browser
        self.sent: Sent = {}
        self._seen: set[int] = set()
        self._number = 0

    async def lines(self) -> list[Line]:
        """Rows of the queue that weren't there at the last call."""
        for name in ("mia", "tom", "eve"):
            async with self.running.house.files.accounts.use(name) as account:
                await account.carrier.once()
        async with self.running.ctl() as ctl:
            found = [
                one
                for one in await ctl.call("queue list", ListMessages(page=Page(n=1000)), list[Line])
                if one.id not in self._seen
            ]
        self._seen |= {one.id for one in found}
        return found

    async def note(self, kind: str) -> None:
        """Take what was sent since the last time as mail of this kind; there is some."""
        found: list[Line] = []
        with trio.fail_after(SECONDS):
            while not found:
                found = await self.lines()
                if not found:
                    await trio.sleep(0.02)
        once = {line.message_id: line for line in found}  # it has a row for each recipient
        async with self.running.ctl() as ctl:
            for number, line in enumerate(once.values()):
                pieces: list[bytes] = []

                async def take(piece: bytes, pieces: list[bytes] = pieces) -> None:
                    pieces.append(piece)

                await ctl.call("queue dump", Dump(line.id), type(None), download=take)
                self.sent[f"{kind} {number + 1}" if number else kind] = (line, b"".join(pieces))

    async def compose(self, kind: str, **fields: Any) -> None:
        """Send a message of the composer."""
        self._number += 1
        whole = {"from": ME, "to": [{"name": "Bo Berg", "address": f"{kind}@far.example"}], "text": PLAIN}
        whole |= {"subject": "Boats at nine", "message_id": f"<{os.urandom(9).hex()}@example.org>", **fields}
        await self.browser.call("message_submit", message=written(**whole), submit_id=call_id())
        await self.note(kind)

    async def deliver(self, to: str, message: str) -> None:
        """A message of the stranger's."""
        async with self.running.connect(port=self.running.port("smtp"), remote="198.51.100.7") as stream:
            client = Client(stream)
            await client.reply()
            for line in ("EHLO mx.remote.example", f"MAIL FROM:<{STRANGER}>", f"RCPT TO:<{to}>", "DATA"):
                reply = await client.say(line)
            await client.send(message.encode() + b".\r\n")
            reply = await client.reply()
        assert reply.startswith("250"), reply

    def letter(self, to: str, fields: str = "", body: str = "Which boat do you take?\r\n") -> str:
        """A message as the stranger writes it."""
        self._number += 1
        head = f"From: Ann <{STRANGER}>\r\nTo: {to}\r\nSubject: Boats {self._number}\r\nMIME-Version: 1.0\r\n"
        head += f"Date: {email.utils.formatdate()}\r\nMessage-ID: <{self._number}.boats@remote.example>\r\n"
        return f"{head}{fields}\r\n{body}"

    async def read(self, fields: str = "", body: str = "Which boat do you take?\r\n", to: str = ME["address"]) -> int:
        """Have the stranger write to mia; the message's id."""
        await self.deliver(to, self.letter(to, fields, body))
        events = await self.browser.events()
        found = await events.until("view_msgs")
        await events.aclose()
        return int(found["items"][0][0]["id"])

    async def answer(self, kind: str, way: str, number: int) -> None:
        """Answer or forward a message by the composer."""
        begun = await self.browser.call("compose_prepare", kind=way, message_id=number)
        names = ("from", "cc", "bcc", "reply_to", "subject", "text", "references", "in_reply_to")
        uploads = [one["upload_id"] for one in begun["uploads"]]
        to = begun["to"] or [{"name": "", "address": f"{kind}@far.example"}]
        await self.compose(kind, **{name: begun[name] for name in names}, to=to, uploads=uploads)


async def composed(mia: Sender) -> None:
    """By the webmail."""
    for kind, fields in COMPOSED.items():
        await mia.compose(kind, **fields)
    for kind, files in FILES.items():
        ids = [(await upload(mia.browser, *file))["upload_id"] for file in files]
        await mia.compose(kind, uploads=ids)
    picture = (await upload(mia.browser, "boat.png", PNG, "image/png"))["upload_id"]
    html = f'<div>The boat: <img src="cid:{picture}@moxlite.invalid" alt="boat"></div>'
    await mia.compose("htmlpicture", text="", html=html, uploads=[picture])


async def answers(mia: Sender) -> None:
    """What answers mail that came."""
    number = await mia.read()
    for way in ("reply", "reply_all", "forward", "forward_attached"):
        await mia.answer(way.replace("_", ""), way, number)
    html = "<html><body><p>Which <b>boat</b>?</p></body></html>\r\n"
    number = await mia.read("Content-Type: text/html; charset=utf-8\r\n", html)
    await mia.answer("replyhtml", "reply", number)
    async with mia.running.ctl() as ctl:
        masked = await ctl.call("address add", MakeAddress(account="mia", site="shop.example"), GivenAddress)
    number = await mia.read(f"Disposition-Notification-To: <{STRANGER}>\r\n", to=masked.address)
    await mia.browser.call("receipt_send", message_id=number, subject="Read: Boats", text="Your message was read.\n")
    await mia.note("receiptsent")
    await mia.answer("replymasked", "reply", number)
    for word in ("yes", "maybe", "no"):
        text = EVENT.format(uid=f"u-{word}")
        number = await mia.read("Content-Type: text/calendar; method=REQUEST; charset=utf-8\r\n", text)
        await mia.browser.call(
            "invitation_answer", message_id=number, path="0", answer=word, note="See you.", submit_id=call_id()
        )
        await mia.note(f"answer{word}")
    times = {"start": "2099-01-20T09:00Z", "end": "2099-01-20T10:00Z"}
    await mia.browser.call("invitation_propose", message_id=number, path="0", submit_id=call_id(), **times)
    await mia.note("counter")


async def invitations(mia: Sender) -> None:
    """Events with guests elsewhere, their change and their end."""
    (calendar,) = await mia.browser.call("calendars")
    for kind, fields in EVENTS.items():
        guests = [{"name": "Bo Berg", "address": f"{kind}@far.example"}]
        event = form("2099-01-05T09:00", "2099-01-05T10:00", guests=guests, **fields)
        number = (await mia.browser.call("event_save", calendar_id=calendar["id"], event=event))["id"]
        await mia.note(kind)
        shown = await mia.browser.call("event", event_id=number)
        later = {**shown["form"], "start": "2099-01-06T11:00", "end": "2099-01-06T12:00"}
        changed = shown["changed"]
        await mia.browser.call("event_save", calendar_id=calendar["id"], event=later, event_id=number, changed=changed)
        await mia.note(f"{kind}change")
        shown = await mia.browser.call("event", event_id=number)
        await mia.browser.call("event_remove", event_id=number, changed=shown["changed"])
        await mia.note(f"{kind}cancel")


async def passed_on(mia: Sender) -> None:
    """What goes out by itself: scripts, forms, forwards, and bounces."""
    async with mia.running.ctl() as ctl:
        for account, target in (("tom", "tom-far@far.example"), ("mia", "desk-far@far.example")):
            await ctl.call("account forward confirm", ConfirmForward(target, account=account), type(None))
    await mia.lines()
    for kind, text in SCRIPTS.items():
        target = f"{kind}@far.example"
        await install(mia.running, "eve", text.replace("{far}", target))
        if kind.startswith("redirect"):
            async with mia.running.ctl() as ctl:
                await ctl.call("account forward confirm", ConfirmForward(target, account="eve"), type(None))
        await mia.deliver("eve@example.org", mia.letter("eve@example.org"))
        await mia.note(kind)
    await mia.deliver("tom@example.org", mia.letter("tom@example.org"))
    await mia.note("forwarded")
    await mia.deliver("desk@example.org", mia.letter("desk@example.org"))
    await mia.note("alias")
    change = VacationChange(enabled=True, subject="Away", text="I'm at sea.", html="<p>I'm at <b>sea</b>.</p>")
    async with mia.running.ctl() as ctl:
        await ctl.call("account vacation set", VacationSet(change, account="mia"), type(None))
    await mia.deliver("mia@example.org", mia.letter("mia@example.org"))
    await mia.note("away")
    async with mia.running.ctl() as ctl:
        await ctl.call("queue fail", Fail(filter=Filter(recipient="redirect@far.example")), Changed)
    await mia.note("bounce")


async def programs(mia: Sender) -> None:
    """By submission and the web API."""
    plain = base64.b64encode(f"\0mia@example.org\0{PASSWORD}".encode()).decode()
    texts = {
        "submitted": "From: <mia@example.org>\r\nTo: <{to}>\r\nSubject: Boats at nine\r\n\r\nAt nine.\r\n",
        "submitted8bit": "From: <mia@example.org>\r\nTo: <{to}>\r\nSubject: Boats\r\nMIME-Version: 1.0\r\n"
        "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\nGröße\r\n",
        "submittedbcc": "From: <mia@example.org>\r\nTo: <{to}>\r\nBcc: <c@far.example>\r\nSubject: Boats\r\n\r\nx\r\n",
    }
    for kind, text in texts.items():
        to = f"{kind}@far.example"
        async with mia.running.connect(port=mia.running.port("submission", "programs")) as stream:
            client = Client(stream)
            await client.reply()
            for line in ("EHLO [192.0.2.1]", f"AUTH PLAIN {plain}", "MAIL FROM:<mia@example.org> BODY=8BITMIME"):
                await client.say(line)
            await client.say(f"RCPT TO:<{to}>")
            assert (await client.say("DATA")).startswith("354")
            await client.send(text.format(to=to).encode() + b".\r\n")
            assert (await client.reply()).startswith("250")
        await mia.note(kind)
    calls: dict[str, dict[str, Any]] = {
        "api": {"Text": PLAIN},
        "apihtml": {"Text": PLAIN, "HTML": "<p>The boats leave at <b>nine</b>.</p>"},
        "apifile": {"Text": PLAIN, "AttachedFiles": [{"Name": "a.png", "Data": base64.b64encode(PNG).decode()}]},
    }
    basic = "Basic " + base64.b64encode(f"mia@example.org:{PASSWORD}".encode()).decode()
    for kind, fields in calls.items():
        request: dict[str, Any] = {
            "From": [{"Name": "Mia", "Address": "mia@example.org"}],
            "Subject": "Boats at nine",
            **fields,
        }
        request["To"] = [{"Name": "Bo Berg", "Address": f"{kind}@far.example"}]
        browser = mia.running.browser("programs", "webapi_http")
        browser.app = "/webapi/v0/"
        answer = await browser.fetch(
            "/webapi/v0/Send",
            method="POST",
            headers={"authorization": basic, "content-type": "application/json"},
            body=json.dumps(request).encode(),
        )
        assert answer.status == 200, answer.body
        await mia.note(kind)


@asynccontextmanager
async def sending(folder: Path) -> AsyncIterator[Sender]:
    """A server whose users send, with all mail on hold."""
    (folder / "config").mkdir(parents=True)
    (folder / "config/own.pem").write_bytes(to_pem(KEY))
    resolver = zone({"_dmarc.remote.example": ["v=DMARC1; p=none"]})
    async with house(folder, static=CONFIG, domains=DOMAINS, resolver=resolver) as running:
        async with running.ctl() as ctl:
            await ctl.call("queue holdrules add", AddHoldRule(), Changed)
        yield Sender(running, await running.web())


async def send_all(folder: Path) -> Sent:
    """Mail of all kinds."""
    async with sending(folder) as mia:
        for way in (composed, answers, invitations, passed_on, programs):
            await way(mia)
        return mia.sent


def is_sealed(octets: bytes) -> bool:
    """Whether dkimpy verifies our signature, or our ARC seal where others have written the message."""

    def record(*_: object, **__: object) -> bytes:
        return RECORD.encode()

    if b"\r\nARC-Seal:" in b"\r\n" + octets:
        result, _, _ = dkim.arc_verify(octets, dnsfunc=record)
        return bool(result == dkim.CV_Pass)
    return bool(dkim.verify(octets, dnsfunc=record))


# The form of what goes out, as RFC 5322, RFC 2045 and those who read it want it

ONCE: Final = ("Date", "From", "Message-ID")
AT_MOST_ONCE: Final = (
    "MIME-Version",
    "Subject",
    "To",
    "Cc",
    "Reply-To",
    "Sender",
    "In-Reply-To",
    "References",
    "Content-Type",
)
PRIVATE: Final = re.compile(r"(?i)^(bcc|resent-bcc|x-moxlite-.*|return-path|x-originating-ip|x-mailer)$")
FIELD: Final = re.compile(rb"[!-9;-~]+:")
CLIENT: Final = re.compile(r"from [^;]*(?:127\.0\.0\.1|192\.0\.2\.1)[^;]*\sby ")
"""The address or the greeting of a user's program, in front of ours."""
MESSAGE_ID: Final = re.compile(r"<[^<>@\s]+@[^<>@\s]+>")


def faults(octets: bytes) -> Iterator[str]:
    """What is wrong with the form of a message of ours."""
    head, _, body = octets.partition(b"\r\n\r\n")
    if re.search(rb"(?<!\r)\n|\r(?!\n)", octets):
        yield "a bare CR or LF"
    if (longest := max(map(len, octets.split(b"\r\n")))) > 998:
        yield f"a line of {longest} octets (RFC 5322 §2.1.1)"
    for line in head.split(b"\r\n"):
        if not line.startswith((b" ", b"\t")) and not FIELD.match(line):
            yield f"a line that is no field: {line!r}"
        if not line.strip():
            yield "a folded line of blanks (RFC 5322 §3.2.2)"
    if max(head + body[:0]) > 126:
        yield "octets above ASCII in the header"
    yield from _field_faults(_read(octets))
    for part in _read(octets).walk():
        yield from _part_faults(part)


def _read(octets: bytes) -> EmailMessage:
    message = email.message_from_bytes(octets, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return message


def _field_faults(message: EmailMessage) -> Iterator[str]:
    for name in (*ONCE, *AT_MOST_ONCE):
        count = len(message.get_all(name, []))
        if count > 1 or (count == 0 and name in ONCE):
            yield f"{count} fields {name}"
    if message["MIME-Version"] is None and any(name.lower().startswith("content-") for name in message):
        yield "Content fields without MIME-Version (RFC 2045 §4)"
    for name, value in message.items():
        if PRIVATE.match(name):
            yield f"the field {name}"
        if name.lower() == "user-agent" and re.search(r"\d", str(value)):
            yield f"a version: {value}"
        if name.lower() in ("date", "resent-date") and not str(value).endswith("0000"):
            yield f"a time zone: {value}"
        if defects := getattr(value, "defects", ()):
            yield f"{name}: {defects}"
        if name.lower() == "received" and CLIENT.search(str(value)):
            yield f"a client's address: {value}"
    for name in ("From", "To", "Cc", "Reply-To"):
        for one in getattr(message[name], "addresses", ()):
            if "@" not in one.addr_spec:
                yield f"{name}: no address in {one}"
            if one.display_name and one.display_name == one.addr_spec:
                yield f"{name}: the address as a name: {one}"
    if not MESSAGE_ID.fullmatch(str(message["Message-ID"]).strip()):
        yield f"Message-ID: {message['Message-ID']}"


def _part_faults(part: EmailMessage) -> Iterator[str]:
    kind = part.get_content_type()
    if part.defects:
        yield f"{kind}: {part.defects}"
    if part.is_multipart():
        return
    content = part.get_payload(decode=True)
    assert isinstance(content, bytes)
    charset = part.get_content_charset()
    attached = part.get_content_disposition() == "attachment"
    if kind.startswith("text/") and not content.isascii():
        if charset is None and not attached:
            yield f"{kind} above ASCII without a charset"
        if charset is not None:
            try:
                content.decode(charset)
            except (LookupError, UnicodeDecodeError) as error:
                yield f"{kind}: {error}"
