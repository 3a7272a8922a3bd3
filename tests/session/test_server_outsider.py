"""Someone who knows only an address to give away, an alias, or a team, never learns the address behind it (MASK-6,
QUEUE-179, SMTP-159a, WEBMAIL-129, WEBMAIL-139): whatever they send, each octet that comes back is looked at.
"""

import os
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import pytest

from moxlite.operations.forwards import ConfirmForward
from moxlite.operations.masked import GivenAddress, MakeAddress
from moxlite.operations.queue import AddHoldRule, Changed, Dump, Fail, Filter, Line, ListMessages
from moxlite.operations.sieve import VacationSet
from moxlite.store.forms import VacationChange
from tests.browsing import Browser
from tests.house import STATIC, Running, house
from tests.session.smtpd_harness import Client
from tests.session.test_server_sieve import install
from tests.session.test_smtpd_checks import zone
from tests.session.test_smtpd_forwarding import REPORT

pytestmark = pytest.mark.served

DOMAINS = """\
[domains."example.org"]
{aliases}
[accounts.mia]
domain = "example.org"
full_name = "Mia Realname"
{forwarding}
[accounts.mia.destinations."mia@example.org"]
[accounts.tom]
domain = "example.org"
full_name = "Tom Secret"
[accounts.tom.destinations."tom@example.org"]
"""
ALIASES = """
[domains."example.org".aliases.desk]
addresses = ["mia@example.org"]
post_public = true
allow_msg_from = true
[domains."example.org".aliases.quiet]
addresses = ["mia@example.org", "tom@example.org"]
post_public = true
[domains."example.org".aliases.team]
addresses = ["mia@example.org", "private@far.example"]
post_public = true
allow_msg_from = true
carrier = "mia"
"""
SECRET = re.compile(rb"mia@|realname|private|far\.example|tom@|secret|account mia|<mia|\bmia\b", re.IGNORECASE)
ANN = "ann@remote.example"

TRAPS = f"Disposition-Notification-To: <{ANN}>\r\nReturn-Receipt-To: <{ANN}>\r\n"
EVENT = (
    "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//x//EN\r\nMETHOD:{method}\r\nBEGIN:VEVENT\r\nUID:{uid}\r\n"
    "DTSTAMP:20260101T00000{sequence}Z\r\nSEQUENCE:{sequence}\r\nDTSTART:20990119T090000Z\r\nDTEND:20990119T100000Z\r\n"
    "SUMMARY:Boats\r\nORGANIZER:mailto:ann@remote.example\r\nATTENDEE;RSVP=TRUE:mailto:{to}\r\n"
    "END:VEVENT\r\nEND:VCALENDAR\r\n"
)


ANSWERS: Final = (b"message/delivery-status", b"disposition-notification", b"method=REPLY", b"method=COUNTER")
COMES: Final = {
    "masked": (*ANSWERS, b"At sea", b"I'm at sea", b"Subject: Re:"),
    "desk": ANSWERS,
    "team": ANSWERS,
    "quiet": (b"message/delivery-status",),
}
"""What comes back to ann, by the kind of address, if its owner keeps the mail."""


class Outsider:
    """Ann, who writes to one address, and all that she gets."""

    def __init__(self, running: Running, address: str, browser: Browser) -> None:
        self.running = running
        self.address = address
        self.browser = browser
        self.got: list[bytes] = []
        self.acts = 0
        self._number = 0
        self._seen: set[int] = set()

    def mail(self, fields: str = "", body: str = "Which boat?\r\n", subject: str = "") -> bytes:
        self._number += 1
        head = f"From: Ann <{ANN}>\r\nTo: {self.address}\r\nSubject: {subject or f'Boats {self._number}'}\r\n"
        head += f"Date: Fri, 20 Nov 2026 12:00:00 +0000\r\nMessage-ID: <{self._number}@remote.example>\r\n"
        return f"{head}{fields}\r\n{body}".encode()

    @asynccontextmanager
    async def smtp(self, sender: str = ANN, rcpt: str = "") -> AsyncIterator[Client]:
        async with self.running.connect(port=self.running.port("smtp"), remote="198.51.100.7") as stream:
            client = Client(stream)
            self.got += [(await client.reply()).encode(), (await client.say("EHLO mx.remote.example")).encode()]
            for line in (f"MAIL FROM:<{sender}>", rcpt or f"RCPT TO:<{self.address}>"):
                self.got.append((await client.say(line)).encode())
            yield client

    async def send(self, message: bytes, sender: str = ANN, rcpt: str = "") -> str:
        """Send a message; the last reply."""
        self.acts += 1
        async with self.smtp(sender, rcpt) as client:
            reply = await client.say("DATA")
            if reply.startswith("354"):
                await client.send(message + b".\r\n")
                reply = await client.reply()
            self.got.append(reply.encode())
        return reply

    async def read(self, message: bytes, sender: str = ANN) -> int:
        """Send a message; its id in mia's webmail."""
        assert (await self.send(message, sender)).startswith("250")
        events = await self.browser.events()
        found = await events.until("view_msgs")
        await events.aclose()
        return int(found["items"][0][0]["id"])

    async def collect(self) -> list[bytes]:
        """What has left for ann since, which is added to what she got."""
        for name in ("mia", "tom"):
            async with self.running.house.files.accounts.use(name) as account:
                await account.carrier.once()
        found: list[bytes] = []
        async with self.running.ctl() as ctl:
            for line in await ctl.call("queue list", ListMessages(), list[Line]):
                if line.recipient == ANN and line.id not in self._seen:
                    self._seen.add(line.id)
                    pieces = [line.sender.encode(), b"\r\n"]

                    async def take(piece: bytes, pieces: list[bytes] = pieces) -> None:
                        pieces.append(piece)

                    await ctl.call("queue dump", Dump(line.id), type(None), download=take)
                    found.append(b"".join(pieces))
        self.got += found
        return found

    async def fail_forwards(self) -> None:
        """What was sent on elsewhere fails."""
        self.acts += 1
        await self.collect()
        async with self.running.ctl() as ctl:
            await ctl.call("queue fail", Fail(filter=Filter(recipient="@far.example")), Changed)
            for _ in range(100):
                if not any(
                    "far.example" in one.recipient for one in await ctl.call("queue list", ListMessages(), list[Line])
                ):
                    break
        await self.collect()

    async def act(self, name: str, **parameters: Any) -> None:
        """A call of mia's webmail, which may be refused."""
        self.acts += 1
        if name != "receipt_send":
            parameters["submit_id"] = os.urandom(16).hex()
        assert (await self.browser.post(name, parameters)).status in (200, 400)

    async def invite(self, uid: str, sequence: int = 0, method: str = "REQUEST", more: str = "") -> int:
        text = EVENT.format(uid=uid, sequence=sequence, method=method, to=self.address).replace(
            "END:VEVENT", f"{more}END:VEVENT"
        )
        return await self.read(self.mail(f"Content-Type: text/calendar; method={method}\r\n", text))

    def check(self) -> None:
        for octets in self.got:
            assert (found := SECRET.search(octets)) is None, (found, octets.decode("utf-8", "replace"))


async def invitations(ann: Outsider) -> None:
    for answer in ("yes", "maybe", "no"):
        number = await ann.invite(f"u-{answer}")
        await ann.act("invitation_answer", message_id=number, path="0", answer=answer, note="See you.")
    number = await ann.invite("u-yes", 1)
    times = {"start": "2099-01-20T09:00Z", "end": "2099-01-20T10:00Z"}
    await ann.act("invitation_propose", message_id=number, path="0", **times)
    event = (await ann.browser.call("invitation", message_id=number, path="0"))["event_id"]
    await ann.act("event_propose", event_id=event, **times)
    await ann.invite("u-yes", 2, "CANCEL")
    await ann.act(
        "invitation_answer", message_id=await ann.invite("u-broken", more="EXRULE:X\r\n"), path="0", answer="yes"
    )
    await ann.collect()


async def letters(ann: Outsider) -> None:
    """Ordinary mail, receipts, answers by hand, and questions of programs."""
    for fields in ("", TRAPS, f"Reply-To: <{ANN}>\r\n", "Precedence: bulk\r\n", "List-Id: <x.remote.example>\r\n"):
        number = await ann.read(ann.mail(fields))
        if fields == TRAPS:
            await ann.act("receipt_send", message_id=number, subject="Read: Boats", text="Your message was read.\n")
    if not ann.address.startswith("quiet"):  # members write from their own addresses there, by hand
        number = await ann.read(ann.mail())
        begun = await ann.browser.call("compose_prepare", kind="reply", message_id=number)
        assert begun["from"]["address"] == ann.address
        if ann.address.startswith("shop"):
            assert begun["from"]["name"] == ""
            written = {
                key: begun[key] for key in ("from", "to", "cc", "bcc", "reply_to", "subject", "text", "references")
            }
            extra = {"uploads": [], "message_id": "<r@mx.example.org>", "in_reply_to": begun["in_reply_to"]}
            await ann.act("message_submit", message=written | extra)
    for line in ("VRFY postmaster", "EXPN team", f"VRFY {ann.address}", "HELP"):
        ann.acts += 1
        async with ann.smtp() as client:
            ann.got.append((await client.say(line)).encode())
    await ann.send(ann.mail(), rcpt=f"RCPT TO:<{ann.address}> NOTIFY=SUCCESS,FAILURE,DELAY ORCPT=rfc822;{ann.address}")
    await ann.send(ann.mail(body="x" * 999 + "\r\n"))
    await ann.send(ann.mail(), rcpt="RCPT TO:<nobody@example.org>")
    await ann.send(ann.mail(), sender="")
    await ann.send(b"no header at all\r\n")
    await ann.collect()


async def scripts(ann: Outsider) -> None:
    """Rules and replies that work by themselves."""
    async with ann.running.ctl() as ctl:
        change = VacationChange(enabled=True, text="I'm at sea.")
        await ctl.call("account vacation set", VacationSet(change, account="mia"), type(None))
    await ann.send(ann.mail())
    await ann.collect()
    for text in (
        'require "reject"; reject "No boats, please.";',
        'require "ereject"; ereject "No boats.";',
        'require ["vacation"]; vacation :handle "s" "At sea.";',
        'require ["vacation"]; vacation :handle "t" :from "mia@example.org" "At sea.";',
        'redirect "private@far.example";',
        'require "copy"; redirect :copy "private@far.example";',
        'require "fileinto"; fileinto "Nowhere";',
        "discard;",
    ):
        await install(ann.running, "mia", text)
        await ann.send(ann.mail())
        await ann.fail_forwards()


async def forwards(ann: Outsider) -> None:
    """Mail that is sent on elsewhere, and comes back."""
    await ann.send(ann.mail())
    await ann.collect()
    async with ann.running.ctl() as ctl:
        rows = await ctl.call("queue list", ListMessages(), list[Line])
    # Beside the question whether mail may be sent on.
    senders = {one.sender for one in rows if one.recipient == "private@far.example"}
    path = next((one for one in senders if one.startswith("SRS0=")), ann.address)
    for action, status, to in (
        ("failed", "5.1.1", ann.address),
        ("delayed", "4.2.2", ann.address),
        ("failed", "5.2.2", "x"),
    ):
        report = REPORT.format(action=action, status=status, to=to).replace("mia@far", "private@far")
        rcpt = f"RCPT TO:<{path}>"
        ann.got.append((await ann.send(report.encode(), "", rcpt)).encode())
    away = "From: <private@far.example>\r\nAuto-Submitted: auto-replied\r\nSubject: away\r\n\r\nprivate@far.example\r\n"
    await ann.send(away.encode(), "", f"RCPT TO:<{path}>")
    # The other side is not ann: what it is told of the path stays out of her view.
    ann.got = [one for one in ann.got if path.encode() not in one or b"Subject" in one]
    await ann.fail_forwards()
    await ann.send(ann.mail())
    await ann.fail_forwards()


@pytest.mark.parametrize(
    ("kind", "keep"),
    [("masked", True), ("masked", False), ("desk", True), ("quiet", True), ("team", True), ("team", False)],
)
async def test_nobody_learns_the_address_behind_one(tmp_path: Path, kind: str, keep: bool) -> None:
    """MASK-6, QUEUE-179, SMTP-159a, SMTP-161, WEBMAIL-129, WEBMAIL-139."""
    forwarding = f'forward_to = ["private@far.example"]\nkeep_copy = {str(keep).lower()}\n'
    domains = DOMAINS.format(aliases=ALIASES, forwarding=forwarding)
    changes = {"_dmarc.remote.example": ["v=DMARC1; p=none"]}
    resolver = zone(changes)
    async with house(tmp_path, domains=domains, resolver=resolver) as running, running.ctl() as ctl:
        await ctl.call("queue holdrules add", AddHoldRule(), Changed)
        await ctl.call("account forward confirm", ConfirmForward("private@far.example", account="mia"), type(None))
        address = f"{kind}@example.org"
        if kind == "masked":
            address = (
                await ctl.call("address add", MakeAddress(account="mia", site="shop.example"), GivenAddress)
            ).address
        ann = Outsider(running, address, await running.web())
        await forwards(ann)
        if keep:
            await letters(ann)
            await invitations(ann)
        await scripts(ann)
        ann.check()
        assert ann.acts >= (40 if keep else 20)
        assert not keep or [words for words in COMES[kind] if not any(words in octets for octets in ann.got)] == []
        assert any(b"Final-Recipient" in one for one in ann.got) or keep


@pytest.mark.parametrize("kind", ["masked", "desk", "quiet", "team"])
async def test_a_full_account_and_a_large_message_name_no_other_address(tmp_path: Path, kind: str) -> None:
    """MASK-6, SMTP-159a: mail that is refused as too large, that finds no room, and its bounce."""
    domains = DOMAINS.format(aliases=ALIASES, forwarding='quota_message_size = "3k"\n')
    static = STATIC.replace("[listeners.one]", "[listeners.one]\nmax_message_size = 20000", 1)
    async with house(tmp_path, static=static, domains=domains, resolver=zone()) as running, running.ctl() as ctl:
        await ctl.call("queue holdrules add", AddHoldRule(), Changed)
        address = f"{kind}@example.org"
        if kind == "masked":
            given = await ctl.call("address add", MakeAddress(account="mia", site="shop.example"), GivenAddress)
            address = given.address
        ann = Outsider(running, address, await running.web())
        large = ann.mail(body="The boat is large.\r\n" * 2_000)
        assert (await ann.send(large)).startswith("5")
        size = f"MAIL FROM:<{ANN}> SIZE=40000"
        async with ann.running.connect(port=running.port("smtp"), remote="198.51.100.7") as stream:
            client = Client(stream)
            ann.got += [(await client.reply()).encode()]
            ann.got += [(await client.say(line)).encode() for line in ("EHLO mx.remote.example", size)]
        replies = [await ann.send(ann.mail(body="The boat is full.\r\n" * 40)) for _ in range(8)]
        assert kind == "quiet" or any(reply.startswith(("4", "5")) for reply in replies)  # tom has room
        await ann.fail_forwards()
        ann.check()
