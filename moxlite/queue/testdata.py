"""``moxlite gentestdata DIR``: what the queue has in such a directory (STORE-146); the accounts are made by
`moxlite.store.gentestdata`.
"""

from functools import partial
from pathlib import Path
from typing import Final

import trio

from moxlite import __version__
from moxlite.admin.receivedid import load_key
from moxlite.proto.address import Address
from moxlite.queue.content import encoded
from moxlite.queue.holdrules import HoldRule, add_hold_rule
from moxlite.queue.submit import add_submission
from moxlite.store.database import Database, Kind
from moxlite.store.gentestdata import ACCOUNTS, fill, message
from moxlite.store.options import Options
from moxlite.store.spool import Spool
from moxlite.store.submission import DSNNotify, Submission, SubmissionRecipient

__all__ = ["generate"]

SENT: Final = 1_790_000_000_000_000

RECIPIENTS: Final = ("remote@remote.example", "other@bücher.example")


def generate(data: Path) -> None:
    """Make the directory and fill it. Blocks. Raises FileExistsError, OSError, StoreError."""
    data.mkdir(mode=0o750)
    trio.run(_generate, data)


async def _generate(data: Path) -> None:
    await fill(data)
    database = await Database.open(data / "queue.db", Kind.QUEUE, options=Options(min_free_space=0))
    try:
        submission = Submission(
            account=ACCOUNTS[2],
            mail_from=Address.parse("test@mox.example"),
            recipients=tuple(
                SubmissionRecipient(Address.parse(one), DSNNotify.FAILURE | DSNNotify.DELAY, f"rfc822;{one}")
                for one in RECIPIENTS
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
            await database.write(partial(add_submission, submission=submission, content=content, now=SENT))
        await database.write(lambda tx: add_hold_rule(tx, HoldRule(id=0, account=ACCOUNTS[0])))
    finally:
        await database.aclose()
    load_key(data)
    (data / "version").write_text(f"{__version__}\n")
