"""The reference account of the store's goals (STORE-171): 100,000 messages, over 1 GB, 50 mailboxes, made from a seed.

Letters have words that are as frequent as words are (Zipf), 1 to 12 kB of them; each tenth has an attachment. They come
in threads of five, from 3,000 senders, half of them by SMTP with what that brings; a tenth is in Sent, with ten
recipients each.
"""

from __future__ import annotations

import base64
import os
import random
import shutil
import time
from itertools import accumulate
from pathlib import Path
from typing import Final

import msgspec
import trio

from moxlite.store.accounts.accounts import Accounts
from moxlite.store.changelog.account import Account
from moxlite.store.content.prepare import prepare
from moxlite.store.content.spool import Spool
from moxlite.store.delivery.perform import append, deliver
from moxlite.store.mail.adding import Append
from moxlite.store.mail.facts import NO_FACTS, MessageFacts, SMTPFacts, ip_classes
from moxlite.store.options import DAY, Options
from moxlite.store.rows.mailboxes import mailbox_by_name
from moxlite.store.types import Flag

__all__ = [
    "ACCOUNT",
    "FREQUENT",
    "HUNDREDTH",
    "MESSAGES",
    "RARE",
    "Letters",
    "beside",
    "build",
    "facts_of",
    "fill",
    "options",
    "sender",
]

SEED: Final = 20261120
ACCOUNT: Final = "mia"
MESSAGES: Final = 100_000

THREAD: Final = 5
"""Messages of a thread."""
SENDERS: Final = 3000
DOMAINS: Final = 400
RECIPIENTS: Final = 100_000
TO_EACH: Final = 10
"""Recipients of a message in Sent."""
FOLDERS: Final = 43
"""Beside Inbox, Archive, Sent, Junk, Drafts, Trash, and Lists above them."""

RARE: Final = "quizzical-zebra"
"""Ten messages have it."""
HUNDREDTH: Final = "hundredfold"
"""Each hundredth message has it."""
FREQUENT: Final = "everybody"
"""Each message has it."""

AT_ONCE: Final = 64
"""Deliveries at a time while the account is built."""

DONE: Final = "built.json"

WHAT: Final = "SELECT sum(total + deleted), sum(size + deleted_size), count(*) FROM mailbox"


class Letter(msgspec.Struct, frozen=True):
    """A message of the account: octets, mailbox, flags, facts."""

    octets: bytes
    mailbox: str
    flags: Flag
    facts: MessageFacts


class Letters:
    """Letters by their number, each the same in every run."""

    def __init__(self, count: int = MESSAGES) -> None:
        rng = random.Random(SEED)
        letters = "etaoinshrdlucmfwypvbgkjqxz"
        weights = [1 / (rank + 1) for rank in range(len(letters))]
        words = ["".join(rng.choices(letters, weights, k=rng.randint(2, 11))) for _ in range(40_000)]
        zipf = list(accumulate(1 / (rank + 1) for rank in range(len(words))))
        self.words = words
        self.lines = [" ".join(rng.choices(words, cum_weights=zipf, k=12)).encode() for _ in range(40_000)]
        self.rare = set(range(count // 20, count, max(count // 10, 1)))

    def octets(self, number: int, *, size: int | None = None, attachments: bool = True) -> bytes:
        """The letter of that number, of some `size` octets if given."""
        rng = random.Random(SEED + number)
        top, depth = number // THREAD, number % THREAD
        count = rng.choice((12, 24, 48, 60, 150)) if size is None else max(size // 75, 1)
        lines = rng.choices(self.lines, k=count)
        lines.append(b"%s %s" % (FREQUENT.encode(), rng.randbytes(12).hex().encode()))
        if number in self.rare:
            lines.insert(len(lines) // 2, RARE.encode())
        if number % 100 == 0:
            lines.insert(len(lines) // 2, HUNDREDTH.encode())
        to = [recipient(number * TO_EACH + n) for n in range(TO_EACH)] if is_sent(number) else ["mia@example.com"]
        head = [
            f"From: {sender(number)}",
            f"To: {', '.join(to)}",
            f"Subject: {'Re: ' if depth else ''}{self.lines[top % len(self.lines)][:50].decode()}",
            f"Message-ID: <{top}.{depth}@bench.example>",
            "Date: Fri, 20 Nov 2026 07:00:00 +0100",
            "MIME-Version: 1.0",
        ]
        if depth:
            head.append("References: " + " ".join(f"<{top}.{above}@bench.example>" for above in range(depth)))
        text = b"\r\n".join(lines) + b"\r\n"
        if not attachments or number % 10:
            head.append("Content-Type: text/plain; charset=utf-8")
            return "\r\n".join(head).encode() + b"\r\n\r\n" + text
        head.append('Content-Type: multipart/mixed; boundary="part"')
        file = base64.encodebytes(rng.randbytes(rng.choice((20_000, 60_000, 150_000)))).replace(b"\n", b"\r\n")
        return (
            "\r\n".join(head).encode()
            + b"\r\n\r\n--part\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"
            + text
            + b"--part\r\nContent-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n"
            + b'Content-Disposition: attachment; filename="report.pdf"\r\n\r\n'
            + file
            + b"--part--\r\n"
        )

    def letter(self, number: int) -> Letter:
        """The same with all that belongs to it."""
        rng = random.Random(-number)
        flags = Flag.SEEN if rng.random() < 0.8 else Flag(0)
        if rng.random() < 0.05:
            flags |= Flag.FLAGGED
        kind = number % 20
        if is_sent(number):
            return Letter(self.octets(number), "Sent", flags, NO_FACTS)
        if kind == 1:
            return Letter(self.octets(number), "Junk", flags | Flag.JUNK, facts_of(number))
        if kind < 10:
            return Letter(self.octets(number), "Inbox", flags, facts_of(number))
        if kind < 14:
            return Letter(self.octets(number), "Archive", flags | Flag.NOTJUNK, facts_of(number))
        return Letter(self.octets(number), f"Lists/{number // 20 % FOLDERS:02}", flags, NO_FACTS)


def is_sent(number: int) -> bool:
    """Whether a letter is one of the account's own."""
    return number % 10 == 7


def sender(number: int) -> str:
    """The address that a letter is from."""
    who = number // 20 % SENDERS
    return f"Sender {who} <sender{who}@{domain_of(who)}>"


def domain_of(who: int) -> str:
    """Of a sender: an eighth of them is at the largest provider, few are at the smallest ones."""
    return f"d{int(DOMAINS * (who / SENDERS) ** 3)}.example"


def recipient(number: int) -> str:
    """One of so many addresses."""
    who = number % RECIPIENTS
    return f"Person {who} <person{who}@p{who % 5000}.example.net>"


def facts_of(number: int) -> MessageFacts:
    """What SMTP knows of a letter."""
    who = number // 20 % SENDERS
    domain = domain_of(who)
    ip = f"198.{18 + who % 2}.{who % 200}.{1 + who % 250}"
    ip1, ip2, ip3 = ip_classes(ip)
    smtp = SMTPFacts(
        remote_ip=ip,
        ip1=ip1,
        ip2=ip2,
        ip3=ip3,
        ehlo_domain=f"mx.{domain}",
        mailfrom=f"sender{who}",
        mailfrom_domain=domain,
        rcptto="mia",
        rcptto_domain="example.com",
        msgfrom=f"sender{who}",
        msgfrom_domain=domain,
        msgfrom_orgdomain=domain,
        ehlo_ok=True,
        mailfrom_ok=True,
        msgfrom_ok=True,
        ehlo_validation="pass",
        mailfrom_validation="pass",
        msgfrom_validation="strict",
    )
    return MessageFacts(smtp=smtp, dkim_domains=(domain,), tls_version="TLS1.3")


def options(*, vfs: str | None = None) -> Options:
    """The store's options for all measures."""
    return Options(min_free_space=0, search_index=True, vfs=vfs)


async def fill(account: Account, letters: Letters, numbers: range, received: int) -> None:
    """Add letters, a minute apart from each other until `received` (µs UTC)."""

    async def some(mine: range) -> None:
        for number in mine:
            one = letters.letter(number)
            prepared = await prepare(Spool.of(one.octets))
            when = received - (numbers.stop - number) * 60_000_000
            if one.facts is NO_FACTS:
                box = await account.read(lambda r, name=one.mailbox: mailbox_by_name(r, name), op="bench")  # type: ignore[misc]
                if box is not None:
                    await append(account, box.id, [Append(prepared, one.flags, received=when)])
                    continue
            await deliver(account, prepared, one.facts, one.mailbox, flags=one.flags, received=when)

    async with trio.open_nursery() as nursery:
        for first in range(AT_ONCE):
            nursery.start_soon(some, numbers[first::AT_ONCE])


async def _build(folder: Path, messages: int) -> dict[str, float]:
    accounts = Accounts(folder / "data", msgspec.structs.replace(options(), search_index=False))
    async with accounts.use(ACCOUNT) as account:
        began = time.perf_counter()
        await fill(account, Letters(messages), range(messages), time.time_ns() // 1000 - DAY)
        seconds = time.perf_counter() - began
        ((count, size, boxes),) = await account.read(lambda r: r.rows(WHAT), op="bench")
    await accounts.aclose()
    return {
        "messages": count,
        "mailboxes": boxes,
        "mail, MB": size / 1e6,
        "account.db, MB": (folder / "data/accounts" / ACCOUNT / "account.db").stat().st_size / 1e6,
        "messages added, 1/s": messages / seconds,
    }


def build(folder: Path, messages: int) -> dict[str, float]:
    """Make the account below `folder`, unless it is there; what it is like."""
    done = folder / DONE
    if done.exists():
        return msgspec.json.decode(done.read_bytes(), type=dict[str, float])
    shutil.rmtree(folder / "data", ignore_errors=True)
    (folder / "data").mkdir(parents=True)
    (folder / "config").mkdir(exist_ok=True)
    figures = trio.run(_build, folder, messages)
    os.sync()
    done.write_bytes(msgspec.json.encode(figures))
    return figures


async def beside(account: Account, letters: Letters, took: list[float], interval: float) -> None:
    """Deliver letters of 10 kB until cancelled, one begun each `interval` seconds; note how long each took."""

    async def one(number: int) -> None:
        octets = letters.octets(number, size=10_000, attachments=False)
        began = time.perf_counter()
        await deliver(account, await prepare(Spool.of(octets)), facts_of(number), "Inbox")
        took.append(time.perf_counter() - began)

    number = time.time_ns() // 1_000_000  # another one in each run
    async with trio.open_nursery() as nursery:
        while True:
            nursery.start_soon(one, number)
            number += 1
            await trio.sleep(interval)
