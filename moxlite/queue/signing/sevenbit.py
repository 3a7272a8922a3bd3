"""Conversion of 8-bit messages for hosts without 8BITMIME, with new signatures (QUEUE-63a)."""

import logging
from functools import partial
from typing import Final

import trio

from moxlite.mailauth.dkim.sign import SigningError
from moxlite.proto.address import AddressError
from moxlite.proto.mime.sevenbit import Unconvertible, convert
from moxlite.queue.context import Context
from moxlite.queue.data.rows import Message
from moxlite.queue.signing.resigning import copy_content, own_signatures, sign_spool
from moxlite.store.content.spool import HeaderTooLarge, Spool, read_header
from moxlite.store.file.database import Database

logger = logging.getLogger("moxlite.queue.signing.sevenbit")

SIGNED: Final = (b"dkim-signature", b"arc-message-signature", b"arc-seal")
"""Signatures of others, which a conversion of the body would break."""


async def seven_bit(ctx: Context, database: Database, message: Message) -> Spool:
    """Convert a message to its 7-bit form with new signatures of ours, in a spool that the caller closes. The rows keep
    the 8-bit form, because the next host may support it.

    Raises Unconvertible; StoreError, OSError as reading and writing do.
    """
    prefix, domain = own_signatures(message.prefix)
    with Spool(ctx.tmp) as whole, Spool(ctx.tmp) as converted:
        await copy_content(database, message, prefix, whole)
        try:
            section = await read_header(whole)
            if any(section.count(name) for name in SIGNED):
                raise Unconvertible("it is signed by others")
            await trio.to_thread.run_sync(partial(_convert, whole, converted))
            signatures = await sign_spool(ctx, converted, domain) if domain else b""
        except (SigningError, HeaderTooLarge, AddressError) as exc:
            raise Unconvertible(str(exc)) from exc
        logger.info("message converted to 7-bit data", extra={"kv": {"msg": message.id, "domain": domain or None}})
        return await converted.with_header(signatures, 0)


def _convert(whole: Spool, converted: Spool) -> None:
    with whole.open_view() as view:
        converted.fill(convert(view))
