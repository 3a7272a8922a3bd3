"""Log lines about messages that the server doesn't take from its own users (SMTP-140a).

A shop, a printer or a cron job shows its error to no user. Each reply ends in an id, which leads to the line
(`moxlite why ID`). Mail of strangers, and logins that fail, have lines of their own.
"""

import logging
import time
from collections.abc import Callable, Iterable
from typing import Final

import msgspec
import trio

from moxlite.net.log import cid_var

logger = logging.getLogger("moxlite.net.refusals")

LINES: Final = 10
"""Lines of an account in a minute, of a program in a loop as well; others are only counted."""

MINUTE: Final = 60.0
"""Seconds."""

NAMED: Final = 10
"""Recipients that a line names."""


class _Minute(msgspec.Struct):
    """Refusals of an account since `began`, on the clock of `Refusals`."""

    began: float
    count: int = 0


class Refusals:
    """Writes the lines, `LINES` a minute for each account, and then the number of the others.

    Args:
      name_of: makes the id that replies and Received fields have of a connection id.
    """

    def __init__(self, name_of: Callable[[int], str], *, clock: Callable[[], float] = time.monotonic) -> None:
        self._name_of = name_of
        self._clock = clock
        self._minutes: dict[str, _Minute] = {}  # by account: at most as many as the server has

    def note(
        self,
        via: str,
        account: str,
        reply: object,
        *,
        sender: object = "",
        recipients: Iterable[object] = (),
        **facts: object,
    ) -> str:
        """Write or count a refusal of this connection; returns its id. `via`: the protocol; `reply`: what the client is
        told, without the id.
        """
        identifier = self._name_of(cid_var.get())
        now = self._clock()
        minute = self._minutes.get(account)
        if minute is None or now - minute.began >= MINUTE:
            self.tell()
            minute = self._minutes[account] = _Minute(now)
        minute.count += 1
        if minute.count > LINES:
            return identifier
        addresses = [str(recipient) for recipient in recipients]
        kv = {
            "via": via,
            "account": account,
            "mailfrom": str(sender),
            "rcptto": ",".join(addresses[:NAMED]),
            "recipients": len(addresses),
            "reply": str(reply),
            "id": identifier,
        }
        logger.info("message from user rejected", extra={"kv": kv | facts})
        return identifier

    def tell(self) -> None:
        """Write the numbers of refusals without a line, of minutes that are over."""
        now = self._clock()
        for account, minute in list(self._minutes.items()):
            if now - minute.began >= MINUTE:
                del self._minutes[account]
                if minute.count > LINES:
                    kv = {"account": account, "count": minute.count - LINES}
                    logger.info("more messages from user rejected", extra={"kv": kv})

    async def serve(self) -> None:
        """Write these numbers each minute, until cancelled."""
        while True:
            await trio.sleep(MINUTE)
            self.tell()


_of_run: Final[trio.lowlevel.RunVar[Refusals]] = trio.lowlevel.RunVar("refusals")


def refusals() -> Refusals:
    """The lines of this run of Trio; without ids if no server has begun it."""
    try:
        return _of_run.get()
    except LookupError:
        return begin(lambda cid: "")


def with_id(text: str, identifier: str) -> str:
    """The text of a refusal with its id, as SMTP replies have it."""
    return f"{text} ({identifier})" if identifier else text


def begin(name_of: Callable[[int], str]) -> Refusals:
    """Make the lines of this run of Trio, before anything is served."""
    made = Refusals(name_of)
    _of_run.set(made)
    return made
