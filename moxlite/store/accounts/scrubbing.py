"""Reading and checking all bodies of all accounts once a week (STORE-181).

Accounts are read one by one, at the pace of `scrub`. The time of an account's last scrub is a row of its table
`upgrade`, so a restart of the server does not repeat accounts that were read this week.
"""

from __future__ import annotations

import logging
import time
from typing import Final

import trio

from moxlite.store import metrics
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.accounts.rounds import LINGER, ROUND_PAUSE
from moxlite.store.changelog.account import Account
from moxlite.store.errors import StoreError
from moxlite.store.file.transaction import Reader, Tx
from moxlite.store.options import DAY, SECOND
from moxlite.store.upkeep.scrub import SCRUB_RATE, scrub

__all__ = ["WEEK", "last_scrub", "scrub_weekly"]

logger = logging.getLogger("moxlite.store.scrubbing")

WEEK: Final = 7 * DAY

ROUND: Final = 3600.0
"""Seconds between two searches for accounts that are due."""

LAST: Final = "SELECT started, position FROM upgrade WHERE name = 'scrub'"
DONE: Final = """
INSERT INTO upgrade (name, position, total, started) VALUES ('scrub', ?, 0, ?)
ON CONFLICT (name) DO UPDATE SET position = excluded.position, started = excluded.started"""


def last_scrub(r: Reader) -> tuple[int, int] | None:
    """Start of the account's last scrub (µs UTC), and the number of damaged chunks it found; None without a scrub."""
    row = r.row(LAST)
    return None if row is None else (row[0], row[1])


async def scrub_weekly(accounts: Accounts, *, interval: int = WEEK, rate: int = SCRUB_RATE) -> None:
    """Scrub each account whose last scrub began `interval` µs ago or earlier, for ever; `rate` as for `scrub`.

    Errors: StoreError and OSError are logged, and the next account follows.
    """
    done: dict[str, int] = {}  # start of the last scrub by account: saves opening its file every hour
    while True:
        for name in await trio.to_thread.run_sync(accounts.names):
            if accounts.options.account_config(name) is None or _now() - done.get(name, -interval) < interval:
                continue
            try:
                async with accounts.use(name, linger=LINGER) as account:
                    last = await account.read(last_scrub, op="scrub")
                    if last is None or _now() - last[0] >= interval:
                        await _scrub(account, rate)
                        last = _now(), 0
                    done[name] = last[0]
            except (StoreError, OSError) as error:
                logger.error("account not scrubbed", extra={"kv": {"account": name, "err": str(error)}})
            await accounts.close_idle()
            await trio.sleep(ROUND_PAUSE)
        await trio.sleep(ROUND)


def _now() -> int:
    return time.time_ns() // 1000


async def _scrub(account: Account, rate: int) -> None:
    started = _now()
    damage = await scrub(account, rate=rate)
    metrics.SCRUB_DAMAGED.labels(account.name).set(len(damage))

    def unit(tx: Tx) -> None:
        tx.execute(DONE, len(damage), started)

    await account.database.write(unit)
    kv = {"account": account.name, "damaged": len(damage), "seconds": (_now() - started) // SECOND}
    for one in damage[:10]:
        logger.error(
            "stored mail is damaged",
            extra={"kv": {"account": account.name, "body": one.body_id, "messages": list(one.messages[:10])}},
        )
    logger.log(logging.ERROR if damage else logging.INFO, "account scrubbed", extra={"kv": kv})
