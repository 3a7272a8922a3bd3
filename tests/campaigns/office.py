"""A month of an office's mail: what of it reaches the Inbox, and what is refused (smtp.md §8).

Three thousand messages of a hundred and fifty senders come in by SMTP, each checked by SPF, DKIM and DMARC and decided
about by what the owner did with earlier ones. The clock is a made-up one. The owner looks every two hours by day: moves
junk to Junk, answers some friends, files some wanted mail; once a day also into Rejects and Junk, for wanted mail that
is there. Servers of wanted senders try again for five days, spammers seldom.

No wanted message may be refused for good; of the unwanted ones of each sender after the first three at most one in
twenty may reach the Inbox.
"""

from __future__ import annotations

import email.utils
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from heapq import heappop, heappush
from pathlib import Path
from typing import Final
from unittest.mock import patch

import msgspec
import trio

from moxlite.acceptance import gathering
from moxlite.config.domains import DKIM_HEADERS
from moxlite.mailauth.dkim.message import Message
from moxlite.mailauth.dkim.sign import Signer, sign
from moxlite.proto.address import Address
from moxlite.proto.mime.types import MailAddress
from moxlite.smtpd import Context
from moxlite.store.accounts.opened import OpenAccount
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.junkflags import JunkParams
from moxlite.store.mail.copying import move_ids
from moxlite.store.mail.flags import store_flags_ids
from moxlite.store.mail.mailboxes import ensure_mailbox
from moxlite.store.mail.recipients import add_recipients
from moxlite.store.options import AccountConfig
from moxlite.store.types import Flag
from tests.campaigns._office import CLASSES, DAY, HOUR, OWNER, Letter, Office
from tests.campaigns.report import Finding, Report
from tests.session.smtpd_harness import TLS, Smtp, serving

__all__ = ["run"]

BEGAN: Final = 1_793_491_200
"""1 November 2026, UTC."""

LOOKS: Final = range(8, 21, 2)
"""Hours at which the owner looks."""

FIRST: Final = 3
"""Messages of an unwanted sender that nothing could tell before."""

MOST: Final = 0.05
"""Of what comes after them may reach the Inbox."""

CHANCE: Final = 4
"""More than that in a part of the month, where a sender has one message or two after the first three."""

PATIENCE: Final = 5 * DAY
WAITS: Final = (0.5, 1, 2, 4, 8)
"""Hours between tries; then eight each."""

STATIC: Final = """
hostname = "mail.office.example"
data_dir = "data"
[postmaster]
account = "mia"
mailbox = "Postmaster"
[listeners.local]
ips = ["127.0.0.1"]
smtp = { enabled = true, starttls = false, first_time_sender_delay = "0s" }
"""

COLUMNS: Final = (
    "Class",
    "Senders",
    "Messages",
    "in the Inbox",
    "in Junk",
    "refused for good",
    "refused at first",
    "found elsewhere by the owner",
    "in the Inbox after the first three",
)
"""Of the table; a class is a row."""

LAST: Final = 37
"""Days that are looked at: a month, and the patience of servers."""

ANSWERED: Final = {"friends", "partners", "provider, friends", "taken-over friends, themselves"}

WHERE: Final = """
SELECT b.name FROM message m JOIN mailbox b ON b.id = m.mailbox_id WHERE m.messageid = ? ORDER BY m.id DESC"""
NEW: Final = """
SELECT m.id, m.messageid FROM message m JOIN mailbox b ON b.id = m.mailbox_id WHERE b.name = ? AND m.id > ?
ORDER BY m.id"""

DOMAINS: Final = """
[domains."office.example"]
[accounts.mia]
domain = "office.example"
rejects_mailbox = "Rejects"
subject_pass = { period = "12h" }
[accounts.mia.junk_filter]
threshold = 0.95
onegrams = true
[accounts.mia.destinations."mia@office.example"]
[[accounts.mia.destinations."mia@office.example".rulesets]]
mailbox = "Inbox"
is_forward = true
smtp_mail_from_regexp = "@alumni\\\\.example$"
verified_domain = "alumni.example"
"""


class Month:
    """The simulation.

    Attributes:
      now: seconds since the month began.
      outcomes: of each letter by its number: the mailbox, ``refused``, or ``waits`` as long as it is tried again.
      late: letters that were refused for now at least once. found: those that the owner found elsewhere.
      replies: the last refusal of each letter.
    """

    def __init__(self, smtp: Smtp, context: Context, office: Office) -> None:
        self.smtp = smtp
        self.context = context
        self.office = office
        self.now = 0.0
        self.letters = {f"{one.number}@letter.example": one for one in office.letters}
        self.outcomes: dict[int, str] = {}
        self.replies: dict[int, str] = {}
        self.late: set[int] = set()
        self.found: set[int] = set()
        self._octets: dict[int, bytes] = {}
        self._seen = 0
        self._waiting = sorted(office.letters)

    async def run(self) -> None:
        """All letters, and the owner's looks between them."""
        for look in (day * DAY + hour * HOUR for day in range(LAST) for hour in LOOKS):
            while self._waiting and self._waiting[0].at < look:
                letter = heappop(self._waiting)
                self.now = letter.at
                await self._send(letter)
            self.now = look
            async with self.smtp.context.accounts.use("mia") as account:
                await self._look(account, everywhere=look % DAY == LOOKS[-1] * HOUR)

    async def _send(self, letter: Letter) -> None:
        sender, number = letter.sender, letter.number
        tls = TLS if sender.tls else None
        remote, hello = sender.remote(), f"EHLO {sender.hello}"
        async with self.smtp.connect(context=self.context, remote=remote, hello=hello, tls=tls) as client:
            mail_from = letter.author if sender.mail_from is None else sender.mail_from
            reply = await client.deliver(to=OWNER, message=await self._message(letter), sender=mail_from)
        if reply.startswith("250"):
            self.outcomes[number] = await self._mailbox(number)
            return
        self.replies[number] = reply
        self.late.add(number)
        again = self.now + HOUR * WAITS[min(letter.tries, len(WAITS) - 1)]
        patient = again - letter.first < PATIENCE if sender.wanted else letter.tries < 2 and self._maybe(0.2)
        if reply.startswith("4") and patient:
            self.outcomes[number] = "waits"
            letter.at, letter.tries = again, letter.tries + 1
            heappush(self._waiting, letter)
        else:
            self.outcomes[number] = "refused"

    def _maybe(self, share: float) -> bool:
        return self.office.rng.random() < share

    async def _message(self, letter: Letter) -> bytes:
        """The octets, the same at each try; signed when they are sent first."""
        known = self._octets.get(letter.number)
        if known is not None:
            return known
        sender = letter.sender
        date = email.utils.format_datetime(datetime.fromtimestamp(BEGAN + self.now, UTC))
        subject = " ".join(letter.text.split()[:4])
        octets = (
            f"From: <{letter.author}>\r\nTo: <{OWNER}>\r\nSubject: {subject}\r\nDate: {date}\r\n"
            f"Message-Id: <{letter.number}@letter.example>\r\n{sender.fields}\r\n{letter.text}\r\n"
        ).encode()
        if sender.signer:
            signer = Signer(selector="s", key=self.office.key, sealed=DKIM_HEADERS)
            signing = Address.parse(f"x@{sender.signer}")
            octets = await sign(Message.of(octets), signing, [signer], BEGAN + self.now) + octets
        self._octets[letter.number] = octets
        return octets

    async def _mailbox(self, number: int) -> str:
        async with self.smtp.context.accounts.use("mia") as account:
            found = await account.read(lambda r: r.row(WHERE, f"{number}@letter.example"), op="test")
        assert found is not None
        return str(found[0])

    # The owner

    async def _look(self, account: OpenAccount, *, everywhere: bool) -> None:
        """Judge what is new in the Inbox; with `everywhere` save wanted mail from Junk and Rejects."""

        def judge(tx: AccountTx) -> None:
            junk = ensure_mailbox(tx, "Junk").id
            for message_id, messageid in tx.rows(NEW, "Inbox", self._seen):
                self._seen = max(self._seen, message_id)
                letter = self.letters[messageid]
                if not letter.sender.wanted:
                    move_ids(tx, [message_id], junk)
                    continue
                if letter.sender.kind in ANSWERED and self._maybe(0.3):
                    localpart, _, domain = letter.author.partition("@")
                    add_recipients(tx, message_id, [MailAddress("", localpart, domain)], tx.now)
                if letter.sender.fields or self._maybe(0.6):
                    store_flags_ids(tx, [message_id], mode="add", flags=Flag.NOTJUNK)
            if everywhere:
                inbox = ensure_mailbox(tx, "Inbox").id
                for name in ("Junk", "Rejects"):
                    for message_id, messageid in tx.rows(NEW, name, 0):
                        if self.letters[messageid].sender.wanted:
                            [moved] = move_ids(tx, [message_id], inbox)
                            store_flags_ids(tx, moved.message_ids, mode="add", flags=Flag.NOTJUNK)
                            self.found.add(self.letters[messageid].number)

        await account.write(judge)
        await account.trainer.once()


def tell(month: Month, report: Report) -> tuple[int, int, int]:
    """The table by class. Returns wanted messages that were refused for good, and of unwanted ones after the first
    three of each sender how many there are, and how many reached the Inbox.
    """
    report.table(COLUMNS)
    lost = late = through = 0
    for kind, wanted in CLASSES.items():
        letters = [one for one in month.office.letters if one.sender.kind == kind]
        counts = Counter(month.outcomes[one.number] for one in letters)
        after = [one for one in letters if not wanted and one.nth >= FIRST]
        reached = sum(month.outcomes[one.number] == "Inbox" for one in after)
        late, through = late + len(after), through + reached
        lost += counts["refused"] if wanted else 0
        numbers = {one.number for one in letters}
        report.row(
            kind,
            len({id(one.sender) for one in letters}),
            len(letters),
            counts["Inbox"],
            counts["Junk"],
            counts["refused"],
            len(numbers & month.late),
            len(numbers & month.found) if wanted else "–",
            "–" if wanted else f"{reached} of {len(after)}",
        )
    return lost, late, through


@contextmanager
def calendar(month: list[Month]) -> Iterator[None]:
    """Let the wall clock be that of the month, once there is one."""

    def seconds() -> float:
        return BEGAN + (month[0].now if month else 0.0)

    with patch.object(time, "time", seconds), patch.object(time, "time_ns", lambda: int(seconds() * 1e9)):
        yield


def run(seed: int, share: float, report: Report) -> None:
    """Let the month pass."""
    office = Office(seed, share)
    months: list[Month] = []

    async def pass_month(folder: Path) -> None:
        settings = AccountConfig(junk_filter=JunkParams())
        async with serving(folder, static=STATIC, domains=DOMAINS, settings=settings, check=False) as smtp:
            context = msgspec.structs.replace(smtp.context, resolver=office.resolver())
            months.append(Month(smtp, context, office))
            async with smtp.context.accounts.use("mia"):  # open all the time, as that of somebody who is logged in
                await months[0].run()

    secret = patch.object(gathering, "_secret", seed.to_bytes(8, "big"))
    with tempfile.TemporaryDirectory() as folder, calendar(months), secret:
        trio.run(pass_month, Path(folder))
    [month] = months
    senders = len({(one.kind, one.author, one.name) for one in office.senders})
    report.tell(f"{len(office.letters)} messages of {senders} senders in {len(CLASSES)} classes")
    lost, late, through = tell(month, report)
    report.tell(f"wanted messages refused for good: {lost}")
    report.tell(f"of {late} unwanted messages after the first {FIRST} of their sender {through} reached the Inbox")
    if lost:
        said = Counter(
            month.replies[one.number][:60]
            for one in office.letters
            if one.sender.wanted and month.outcomes[one.number] == "refused"
        )
        raise Finding(f"wanted mail is refused for good: {said}")
    if through > late * MOST + (0 if share >= 1 else CHANCE):
        raise Finding(f"{through} of {late} unwanted messages reached the Inbox")
