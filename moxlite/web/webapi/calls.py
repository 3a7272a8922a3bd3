"""What a method of the web API gets beside its parameters, and what it can return beside a struct."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec
import trio

from moxlite.encoding import msgpack_decoder, to_msgpack
from moxlite.web.webapi.bodies import Body
from moxlite.web.webapi.errors import WebAPIError
from moxlite.web.webapi.types import SendResult, Submitted

if TYPE_CHECKING:
    from moxlite.config.snapshot import CurrentConfig, Snapshot
    from moxlite.logins.identity import Identity
    from moxlite.process.keys import SigningKeys
    from moxlite.queue.queue import Queue
    from moxlite.queue.submit import Receipt
    from moxlite.store.accounts.accounts import Accounts
    from moxlite.store.accounts.opened import OpenAccount
    from moxlite.store.changelog.account import Account
    from moxlite.web.http.exchange import Request


class Turns:
    """Lets calls with the same key run one after the other."""

    def __init__(self) -> None:
        self._locks: dict[bytes, tuple[trio.Lock, int]] = {}

    @asynccontextmanager
    async def of(self, key: bytes) -> AsyncIterator[None]:
        """The turn of a call with this key; at once without a key."""
        if not key:
            yield
            return
        lock, users = self._locks.get(key, (trio.Lock(), 0))
        self._locks[key] = lock, users + 1
        try:
            async with lock:
                yield
        finally:
            lock, users = self._locks[key]
            if users > 1:
                self._locks[key] = lock, users - 1
            else:
                del self._locks[key]


class Service(msgspec.Struct, frozen=True, kw_only=True):
    """The services that methods use. `queue` is None if the server has no queue; `turns` of calls with the same
    Idempotency-Key.
    """

    config: CurrentConfig
    accounts: Accounts
    keys: SigningKeys
    queue: Queue | None
    tmp: Path
    turns: Turns


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One call. `snapshot`: the configuration for all decisions about it."""

    service: Service
    identity: Identity
    request: Request
    body: Body
    snapshot: Snapshot

    def account(self) -> AbstractAsyncContextManager[OpenAccount]:
        """The account of the user, opened."""
        return self.service.accounts.use(self.identity.account)


class Octets(msgspec.Struct, frozen=True):
    """A result that is not JSON: `pieces` reads it from the opened account. `size`: number of its octets, None if
    unknown.
    """

    content_type: str
    pieces: Callable[[Account], AsyncIterator[bytes]]
    size: int | None = None


# Calls that are repeated with the same Idempotency-Key get the first answer (WEB-154).
#
# The queue keeps the answer with the key of the submission, in the transaction that adds its rows, for at least 7
# days. So an answer exists exactly if the message is queued, whatever happens between.


MAX_KEY: Final = 255
"""Characters of an Idempotency-Key, as the OpenAPI document says. Only its hash is kept."""

OVER_QUOTA: Final = "the message is queued, but there's not enough space for the copy in Sent"


class Note(msgspec.Struct, frozen=True):
    """The answer to a call of Send without the ids of the queue.

    Attributes:
      digest: of the call's body; another body is an error.
      recipients: address as in the request, FROMID, and index of the row in the queue.
      over_quota: there was no room for the copy in Sent.
    """

    digest: bytes
    message_id: str
    recipients: tuple[tuple[str, str, int], ...]
    over_quota: bool = False

    def pack(self) -> bytes:
        """Encode an answer as JSON."""
        return to_msgpack(self)

    def answer(self, ids: Sequence[int]) -> SendResult:
        """The answer, with the ids of the rows. Raises WebAPIError ``sentOverQuota``."""
        if self.over_quota:
            raise WebAPIError("sentOverQuota", OVER_QUOTA)
        return SendResult(
            self.message_id, [Submitted(address, ids[row], from_id) for address, from_id, row in self.recipients]
        )


_DECODER: Final = msgpack_decoder(Note)


def key_of(account: str, value: str | None) -> bytes:
    """The queue's key for a value of Idempotency-Key; b"" without one. Raises WebAPIError."""
    if value is None:
        return b""
    if not value or len(value) > MAX_KEY or not value.isascii() or not value.isprintable():
        raise WebAPIError("user", f"Idempotency-Key: must be 1 to {MAX_KEY} printable ASCII characters")
    return hashlib.sha256(b"webapi\0" + account.encode() + b"\0" + value.encode()).digest()


def answer_of(receipt: Receipt, digest: bytes) -> SendResult:
    """The answer to a repeated call. Raises WebAPIError: as the first time, or if the body is another one."""
    note = _DECODER.decode(receipt.note)
    if note.digest != digest:
        raise WebAPIError("user", "this Idempotency-Key was already used for another message")
    return note.answer(receipt.ids)
