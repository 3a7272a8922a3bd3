"""Reading and checking all bodies of all accounts once a week (STORE-181).

Accounts are read one by one, at the pace of `scrub`. The time of an account's last scrub is a row of reports.db, so
that a restart of the server neither repeats accounts that were read this week nor opens them to ask.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from functools import partial
from typing import Final

import trio

from moxlite.store import metrics
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.accounts.rounds import LINGER, ROUND_PAUSE
from moxlite.store.changelog.account import Account
from moxlite.store.errors import StoreError
from moxlite.store.options import DAY, SECOND
from moxlite.store.reports.history import LastScrub, forget_scrubs, last_scrubs, note_scrub
from moxlite.store.reports.reportsdb import ReportsDB
from moxlite.store.upkeep.scrub import scrub

logger = logging.getLogger("moxlite.store.scrubbing")

WEEK: Final = 7 * DAY

ROUND: Final = 3600.0
"""Seconds between two searches for accounts that are due."""


async def scrub_weekly(accounts: Accounts, reports: ReportsDB, *, interval: int = WEEK) -> None:
    """Scrub each account whose last scrub began `interval` µs ago or earlier, for ever.

    Errors: StoreError and OSError are logged, and the next account follows. While reports.db is out of service, the
    times are known to this process alone.
    """
    done = await _known(reports)
    while True:
        names = await trio.to_thread.run_sync(accounts.names)
        for name in names:
            last = done.get(name)
            if accounts.options.account_config(name) is None or (last and 0 <= _now() - last.started < interval):
                continue  # a time that is still to come is one of a clock that was set back
            try:
                async with accounts.use(name, linger=LINGER) as account:
                    done[name] = await _scrub(account)
                await reports.database.write(partial(note_scrub, account=name, scrub=done[name]))
            except (StoreError, OSError) as error:
                logger.error("account scrub failed", extra={"kv": {"account": name, "err": str(error)}})
            await accounts.close_idle()
            await trio.sleep(ROUND_PAUSE)
        if gone := done.keys() - set(names):
            await _forget(reports, names)
            for name in gone:
                del done[name]
        await trio.sleep(ROUND)


async def _known(reports: ReportsDB) -> dict[str, LastScrub]:
    try:
        return await reports.database.read(last_scrubs, op="scrub")
    except StoreError as error:
        logger.error("failed to read last scrub times", extra={"kv": {"err": str(error)}})
        return {}


async def _forget(reports: ReportsDB, names: Sequence[str]) -> None:
    """Remove rows of accounts that are gone."""
    try:
        await reports.database.write(partial(forget_scrubs, known=names))
    except StoreError as error:
        logger.error("failed to delete old scrub times", extra={"kv": {"err": str(error)}})


def _now() -> int:
    return time.time_ns() // 1000


async def _scrub(account: Account) -> LastScrub:
    started = _now()
    damage = await scrub(account)
    metrics.SCRUB_DAMAGED.labels(account.name).set(len(damage))
    kv = {"account": account.name, "damaged": len(damage), "seconds": (_now() - started) // SECOND}
    for one in damage[:10]:
        logger.error(
            "stored mail is damaged",
            extra={"kv": {"account": account.name, "body": one.body_id, "messages": list(one.messages[:10])}},
        )
    logger.log(logging.ERROR if damage else logging.INFO, "account checked for damage", extra={"kv": kv})
    return LastScrub(started, len(damage))
