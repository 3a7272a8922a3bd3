"""Outcomes of attempts: recorded in queue.db, or kept in memory until it takes them, so that nothing is sent twice
(QUEUE-7, QUEUE-157); and the lessons from them that people are shown.
"""

import logging
from collections.abc import Callable
from typing import Final

import trio

from moxlite.queue.bounces.blocks import Blocks
from moxlite.queue.bounces.judge import UNNAMED
from moxlite.queue.context import Context
from moxlite.queue.data.status import meaning_of
from moxlite.queue.guard.signs import limits_from
from moxlite.queue.guard.stops import Stop
from moxlite.queue.guard.units import finish
from moxlite.queue.record import Ended, Policy, Verdict, policy_of
from moxlite.queue.schedule import SECOND
from moxlite.store.errors import StoreError
from moxlite.store.file.database import Database

logger = logging.getLogger("moxlite.queue.outcomes")

RECORD_SECONDS: Final = 30.0
"""Seconds for a write that must not be cut off: a card that is busy with a checkpoint takes seconds."""

MAX_LOGGED_REPLY: Final = 300
"""Characters of a reply in a log line; the message's result has the whole reply."""

MAX_PUT_OFF: Final = 1000
"""Maximum number of domains whose reason for waiting is remembered, for people."""


class Outcomes:
    """Records the outcomes of attempts.

    Attributes:
      blocks: hosts that refuse this server's mail.
    """

    def __init__(
        self,
        ctx: Context,
        database: Database,
        moved: Callable[[set[str]], None],
        stopped: Callable[[list[Stop]], None],
    ) -> None:
        """`moved` is called with the accounts whose messages have another status; `stopped` with new stops of the
        guard.
        """
        self._ctx = ctx
        self._database = database
        self._moved = moved
        self._stopped = stopped
        self._unwritten: dict[int, Ended] = {}  # outcomes that the database could not write, by the message's row
        self._put_off: dict[str, tuple[int, str]] = {}  # recipient domain: end and reason of its host's pause
        self.blocks = Blocks()

    @property
    def unwritten(self) -> frozenset[int]:
        """Rows of messages whose outcome is not in the database: they are due there, and must not be sent."""
        return frozenset(self._unwritten)

    def put_off(self, domain: str, now: int) -> str:
        """Why the host of a recipient domain is left alone at `now` (µs UTC), for people; "" if it is not."""
        until, text = self._put_off.get(domain, (0, ""))
        return text if until > now else ""

    async def record(self, ended: list[Ended]) -> None:
        """Record outcomes. If the database fails, they are kept in memory. Shielded from cancellation."""
        if not ended:
            return
        _log(ended)
        policy = policy_of(self._ctx)
        self._note(ended, policy.now)
        written = False
        with trio.move_on_after(RECORD_SECONDS, shield=True):
            try:
                await self._finish(ended, policy)
                written = True
                self._moved({one.message.account for one in ended})
            except StoreError as exc:
                logger.error("outcome of a delivery cannot be stored", extra={"kv": {"err": exc}})
            finally:
                if not written:
                    self._unwritten.update((one.message.id, one) for one in ended)

    async def write_unwritten(self) -> bool:
        """Write the outcomes that were kept; returns whether there were some. Raises StoreError."""
        if not self._unwritten:
            return False
        ended = list(self._unwritten.values())
        await self._finish(ended, policy_of(self._ctx))
        for one in ended:
            del self._unwritten[one.message.id]
        return True

    async def _finish(self, ended: list[Ended], policy: Policy) -> None:
        limits_of = limits_from(self._ctx.config.current)
        self._stopped(await self._database.write(lambda tx: finish(tx, ended, policy, limits_of)))

    def _note(self, ended: list[Ended], now: int) -> None:
        for one in ended:
            result = one.result
            if one.blocked:
                self.blocks.note(meaning_of(result), result.host, result.reply or result.error, now)
            elif one.verdict is Verdict.DELIVERED:
                self.blocks.end(result.host)
            if one.until > now:
                self._put_off.pop(one.message.rcpt_domain, None)  # to the end of the order
                self._put_off[one.message.rcpt_domain] = (one.until, f"its host is left alone: {result.error}")
        while len(self._put_off) > MAX_PUT_OFF:
            del self._put_off[next(iter(self._put_off))]


def _log(ended: list[Ended]) -> None:
    """Log a line for each message: host, TLS, reply, its meaning, and advice."""
    for one in ended:
        result, message = one.result, one.message
        found = meaning_of(result) if result.error else UNNAMED
        status = f"{str(result.code)[0]}.{result.secode}" if result.code and result.secode else ""
        reply = " ".join(part for part in (str(result.code or ""), status, result.reply.replace("\n", " ")) if part)
        logger.info(
            "delivery attempt ended",
            extra={
                "kv": {
                    "err": result.error or None,
                    "msg": message.id,
                    "verdict": one.verdict.value,
                    "attempt": message.attempts,
                    "sender": message.sender_address or "<>",
                    "recipient": message.recipient_address,
                    "transport": result.transport or None,
                    "detour": one.transport or None,
                    "host": result.host or None,
                    "ip": result.ip or None,
                    "tls": result.tls or None,
                    "policy": result.policy or None,
                    "reply": reply[:MAX_LOGGED_REPLY] or None,
                    "cause": found.cause.value if result.error else None,
                    "todo": found.admin or None,
                    "tlsfailures": " ".join(result.tls_failures) or None,
                    "seconds": result.duration / SECOND,
                }
            },
        )
