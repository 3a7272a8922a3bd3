"""What recipients' domains offer, noted in the accounts of senders (QUEUE-57, QUEUE-58)."""

import logging
from typing import Final

from moxlite.queue.context import Context
from moxlite.queue.data.rows import Message
from moxlite.queue.schedule import SECOND
from moxlite.store.delivery.reputation import set_domain_tls
from moxlite.store.errors import StoreError

__all__ = ["Offers"]

logger = logging.getLogger("moxlite.queue.senderinfo")

AGAIN: Final = 3600 * SECOND
"""For which the same is not noted again: a commit in the account for each message would be one of five that the message
costs.
"""

MAX_KNOWN: Final = 10_000
"""Pairs of account and domain that are remembered; beyond that the oldest go, and are noted again."""


class Offers:
    """Between attempts and accounts."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._noted: dict[tuple[str, str], tuple[tuple[bool, bool], int]] = {}

    async def note(self, message: Message, offers: tuple[bool, bool] | None) -> None:
        """Let the sender's account know whether the recipients' domain offers STARTTLS and REQUIRETLS, unless that was
        noted lately. None: no host of it was greeted. A failure of that harms nothing, and is logged.
        """
        key, now = (message.account, message.rcpt_domain), self._ctx.clock()
        known, since = self._noted.get(key, (None, 0))
        if offers is None or not message.account or (offers == known and 0 <= now - since < AGAIN):
            return
        starttls, requiretls = offers
        try:
            async with self._ctx.accounts.use(message.account) as account:
                await account.write(
                    lambda tx: set_domain_tls(tx, message.rcpt_domain, starttls=starttls, requiretls=requiretls)
                )
        except StoreError as exc:
            logger.info("tls of a domain not noted", extra={"kv": {"err": exc, "domain": message.rcpt_domain}})
            return
        self._noted.pop(key, None)  # to the end of the order
        self._noted[key] = offers, now
        if len(self._noted) > MAX_KNOWN:
            del self._noted[next(iter(self._noted))]
