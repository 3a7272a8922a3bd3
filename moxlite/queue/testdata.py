"""``moxlite gentestdata DIR``: test data of the queue and the reports (STORE-146); `moxlite.store.accounts.gentestdata`
makes the accounts.
"""

from functools import partial
from pathlib import Path
from typing import Final

import msgspec
import trio

from moxlite import __version__
from moxlite.process.keys import load_key
from moxlite.proto.address import Address
from moxlite.queue.data.content import encoded
from moxlite.queue.data.filters import HoldRule, add_hold_rule
from moxlite.queue.data.mirrorrows import GRACE, added, begin, due
from moxlite.queue.guard.signs import Sign, Suspicion, note_sent
from moxlite.queue.guard.stops import stop
from moxlite.queue.localdelivery import add_deferred
from moxlite.queue.schedule import SECOND
from moxlite.queue.submit import add_submission
from moxlite.queue.webhooks.keeping import NewHook, add_hook
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.accounts.gentestdata import ACCOUNTS, fill, generate_reports, made_up, message
from moxlite.store.content.prepare import prepare
from moxlite.store.content.spool import Spool
from moxlite.store.delivery.actions import Deferred, Delivery, FileInto
from moxlite.store.delivery.status import fit_queue_mailbox, put_queued
from moxlite.store.delivery.submission import DSNNotify, Submission, SubmissionRecipient
from moxlite.store.file.database import Database
from moxlite.store.file.migrations import Kind
from moxlite.store.file.transaction import Tx
from moxlite.store.options import AccountConfig, Options

SENT: Final = 1_790_000_000_000_000
"""µs UTC, in September 2026: a fixed moment, so that each run makes the same data."""

RECIPIENTS: Final = ("remote@remote.example", "other@bücher.example")


def generate(data: Path) -> None:
    """Make the directory `data` with test data. Blocks. Raises FileExistsError, OSError, StoreError."""
    data.mkdir(mode=0o750)
    trio.run(_generate, data)


async def _generate(data: Path) -> None:
    await fill(data)
    database = await Database.open(data / "queue.db", Kind.QUEUE, options=Options(min_free_space=0), create=True)
    try:
        submission = Submission(
            account=ACCOUNTS[2],
            mail_from=Address.parse("test@mox.example"),
            recipients=tuple(
                SubmissionRecipient(
                    Address.parse(recipient), DSNNotify.FAILURE | DSNNotify.DELAY, f"rfc822;{recipient}"
                )
                for recipient in RECIPIENTS
            ),
            received=SENT,
            prefix=b"Received: by mox.example\r\n",
            has8bit=True,
            smtputf8=True,
            message_id="<60@remote.example>",
            subject="test",
            extra={"key": "value"},
            login_address="test@mox.example",
            key=b"gentestdata",
        )
        spool = Spool.of(message(60))
        async with encoded(database, spool) as content:
            await database.write(
                partial(add_submission, submission=submission, content=content, now=SENT, mirrored=True)
            )
            deferred = Deferred(
                key=b"gentestdata",
                account=ACCOUNTS[0],
                delivery=Delivery(actions=(FileInto(mailbox="Inbox"),), received=SENT),
                prefix=b"Received: by mox.example\r\n",
                sender=Address.parse(RECIPIENTS[0]),
                recipient=Address.parse("test@mox.example"),
                code=452,
                ecode="4.2.2",
                text="mailbox full",
            )
            await database.write(
                partial(add_deferred, deferred=[deferred], content=content, now=SENT, delay=450 * SECOND)
            )
        await _show(data, database, submission, spool)
        await database.write(lambda tx: add_hold_rule(tx, HoldRule(id=0, account=ACCOUNTS[0])))
        await database.write(_add_hooks)
        await database.write(partial(_add_guard, submission=submission))
    finally:
        await database.aclose()
    await generate_reports(data)
    load_key(data)
    (data / "version").write_text(f"{__version__}\n")


def _add_hooks(tx: Tx) -> None:
    """Add a waiting webhook, and one that it has superseded."""
    for event in ("delayed", "delivered"):
        hook = NewHook(
            account=ACCOUNTS[2],
            url="https://hooks.example/",
            authorization="Basic dGVzdA==",
            secret="",
            event=event,
            payload=b'{"Version":0}',
            keep=7 * 24 * 3600 * SECOND,
            msg_id=1,
        )
        add_hook(tx, hook, SENT)


def _add_guard(tx: Tx, submission: Submission) -> None:
    """Add counts of the guard, and a stopped account (SMTP-170)."""
    note_sent(tx, submission, SENT)
    stop(tx, ACCOUNTS[1], Suspicion(Sign.RECIPIENTS, "sent to 501 recipients within an hour"), SENT)


async def _show(data: Path, database: Database, submission: Submission, spool: Spool) -> None:
    """Show the waiting message in the account's mailbox `Outgoing` (IMAP-162)."""
    [row] = await database.read(lambda r: due(r, SENT + GRACE, 1), op="gentestdata")
    options = msgspec.structs.replace(made_up(), account_config=lambda name: AccountConfig(queue_mailbox=True))
    accounts = Accounts(data, options)
    try:
        async with accounts.use(submission.account) as account:
            await fit_queue_mailbox(account)
            await put_queued(account, row.key, await prepare(spool, submission.prefix), row.queued)
    finally:
        await accounts.aclose()
    await database.write(partial(begin, content_ids=[row.content_id]))
    await database.write(partial(added, content_id=row.content_id))
