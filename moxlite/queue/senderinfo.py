"""TLS support of recipients' domains, recorded in the accounts of senders (QUEUE-57, QUEUE-58)."""

import logging
from typing import Final

from moxlite.queue.context import Context
from moxlite.queue.data.rows import Message
from moxlite.queue.schedule import SECOND
from moxlite.store.delivery.reputation import set_domain_tls
from moxlite.store.errors import StoreError

logger = logging.getLogger("moxlite.queue.senderinfo")

AGAIN: Final = 3600 * SECOND
"""µs for which the same support is not recorded again: a commit in the account per message would be one of five for the
message.
"""

MAX_KNOWN: Final = 10_000
"""Pairs of account and domain in memory; beyond that the oldest are forgotten, and recorded again."""


class Offers:
    """Records the TLS support that attempts have seen in the senders' accounts."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._noted: dict[tuple[str, str], tuple[tuple[bool, bool], int]] = {}

    async def note(self, message: Message, offers: tuple[bool, bool] | None) -> None:
        """Record in the sender's account whether the recipients' domain offers STARTTLS and REQUIRETLS, unless recorded
        lately. `offers`: None if no host replied to EHLO. A failure is only logged.
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
