"""Mail about a stopped account: one message to the administrator, one to the user (SMTP-170)."""

import logging
import time
from collections.abc import Sequence
from functools import partial
from typing import Final

import trio

from moxlite.admin.notices import notify_account, notify_postmaster
from moxlite.proto.address import Address
from moxlite.queue import metrics
from moxlite.queue.context import Context
from moxlite.queue.guard.stops import Stop, Stopped, mark_told, untold
from moxlite.queue.schedule import SECOND
from moxlite.store.errors import AccountRemoved, AccountUnknown, StoreError
from moxlite.store.file.database import Database
from moxlite.wakeup import Wakeup

logger = logging.getLogger("moxlite.queue.guard")

RETRY_SECONDS: Final = 300.0
"""Seconds until mail that could not be stored is tried again: the disk may be full, the account out of service."""

MAX_SUBJECT: Final = 100
"""Characters of a subject in the mail: strangers may have written it."""


MAX_ADDRESSES: Final = 5
"""Addresses of the account in the mail to the administrator."""


class Guard:
    """Sends the mail about stops. Stops without mail are found in queue.db, also after a restart."""

    def __init__(self, ctx: Context, database: Database) -> None:
        self._ctx = ctx
        self._database = database
        self._wakeup = Wakeup()

    def began(self, stops: Sequence[Stop]) -> None:
        """Log and count new stops, and wake `serve`."""
        for one in stops:
            metrics.stops.labels(sign=one.sign.value).inc()
            facts = {"account": one.account, "sign": one.sign.value, "why": one.why}
            logger.warning("account stopped, its messages are held", extra={"kv": facts})
        if stops:
            self._wakeup.set()

    async def serve(self) -> None:
        """Store the mails about each stop once, for ever.

        Errors: exceptions of the queue's database are raised; mail that its account does not take is tried again.
        """
        while True:
            self._wakeup.clear()
            stored = True
            while stored and (found := await self._next()) is not None:
                stored = await self._tell(found)
            with trio.move_on_after(float("inf") if stored else RETRY_SECONDS):
                await self._wakeup.wait()

    async def _next(self) -> Stopped | None:
        return await self._database.read(partial(untold, now=self._ctx.clock()), op="queue stops")

    async def _tell(self, found: Stopped) -> bool:
        """Store both mails, then record that; a crash in between does not store a mail twice. Returns False if an
        account could not store its mail.
        """
        stop, snapshot, accounts = found.stop, self._ctx.config.current, self._ctx.accounts
        once = f"guard {stop.account} {stop.since}"
        settings = snapshot.account(stop.account)
        addresses = list(settings.destinations) if settings is not None else []
        try:
            subject = f"account {stop.account} is stopped: it looks as if a stranger sends with it"
            text = admin_text(found, addresses)
            await notify_postmaster(accounts, snapshot, subject, text, once=once, flagged=True)
            own = next((one for one in addresses if not one.startswith("@")), None)
            if own is not None:
                await self._tell_user(stop, Address.parse(own), once)
        except StoreError as error:
            facts = {"account": stop.account, "err": error}
            logger.error("mail about a stopped account cannot be stored", extra={"kv": facts})
            return False
        await self._database.write(partial(mark_told, one=stop))
        return True

    async def _tell_user(self, stop: Stop, address: Address, once: str) -> None:
        subject, text = "your messages wait: sending is stopped", user_text(stop)
        try:
            await notify_account(
                self._ctx.accounts, self._ctx.config.current, stop.account, address, subject, text, once=f"{once} user"
            )
        except (AccountUnknown, AccountRemoved):
            return


def admin_text(found: Stopped, addresses: Sequence[str]) -> str:
    """The mail to the administrator: account, time, reason, networks, held messages and advice."""
    stop, held = found.stop, found.held
    name = stop.account
    who = ", ".join(addresses[:MAX_ADDRESSES]) or "without an address"
    lines = [
        f"The account {name} ({who}) is stopped since {_time(stop.since)}:",
        f"{stop.why}. That is how it looks when a stranger has its password.",
        "",
        f"What it has sent waits: messages: {held.messages}, recipients: {held.recipients}, domains: {held.domains}.",
        "Nothing is lost. New messages from it are refused for now (451), its log-ins and incoming mail go on.",
    ]
    if held.first:
        lines += ["", "The first of them:"]
        lines += [f"  {' '.join(subject.split())[:MAX_SUBJECT]!r}, recipients: {to}" for subject, to in held.first]
    lines += ["", "It has sent from these addresses in the last day:"]
    lines += [
        f"  {one.address or 'unknown'}: messages: {one.messages}, {_time(one.first)} to {_time(one.last)}"
        for one in found.sources
    ]
    return "\n".join(
        [
            *lines,
            "",
            "To look at what waits:",
            f"  moxlite queue list --account {name} --hold true",
            "  moxlite queue dump ID",
            "",
            "If it was the user:",
            f"  moxlite queue guard release {name}",
            f"To let the guard leave this account alone: no_sending_guard = true in [accounts.{name}].",
            "",
            "If it was a stranger: give the account another password, remove app passwords that may be known, take",
            "away what the user did not write, and release the account.",
            f"  moxlite account set-password {name}",
            f"  moxlite account app-password list {name}",
            f"  moxlite queue drop --account {name} --hold true",
            f"  moxlite queue guard release {name}",
            "",
        ]
    )


def user_text(stop: Stop) -> str:
    """The mail to the user: what happened, and what to do."""
    return "\n".join(
        [
            f"Your account {stop.account} cannot send since {_time(stop.since)}: {stop.why}.",
            "That is how it looks when a stranger has your password.",
            "",
            "Messages that were on their way wait; none is lost. New ones are refused until the administrator of",
            "this mail server has looked and released your account. You go on receiving mail.",
            "",
            "If you did not send that: change your password, and tell the administrator.",
            "If you did: tell the administrator, who lets your messages go with one command.",
            "",
        ]
    )


def _time(microseconds: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(microseconds / SECOND))
