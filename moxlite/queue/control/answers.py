"""Common parts of the queue's control commands: the base class of arguments, and the translation of errors."""

from collections.abc import Awaitable
from typing import TypeVar

import msgspec

from moxlite.net.control.server import CommandFailed
from moxlite.queue.errors import QueueError
from moxlite.store.errors import StoreError

T = TypeVar("T")


class Request(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Arguments of a command; unknown ones are refused (ADMIN-24)."""


async def tried(operation: Awaitable[T], field: str = "") -> T:
    """Await an operation and return its result. Errors of the queue and of its database become CommandFailed; an error
    of the queue that names no argument is about `field`.
    """
    try:
        return await operation
    except QueueError as error:
        raise CommandFailed("badRequest", str(error), error.field or field) from None
    except StoreError as error:
        raise CommandFailed("failed", f"the queue's database failed: {error}") from None
