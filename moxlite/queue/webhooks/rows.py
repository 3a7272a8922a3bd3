"""The rows of queue.db about webhooks as values (QUEUE-90)."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from moxlite.decoders import from_json
from moxlite.store.file.transaction import Row as SQLRow

CALLING: Final = "calling..."
"""Error text of a call that is under way."""

INTERRUPTED: Final = "interrupted"
"""Error text of a call that was under way when the process ended; set at the next start."""


class CallResult(msgspec.Struct, frozen=True, omit_defaults=True):
    """One call. ``start`` in µs UTC, ``duration`` in µs; ``status``: of HTTP, 0 without an answer; ``response``: the
    first octets of its body as text; ``error`` for people, "" for a success.
    """

    start: int
    duration: int = 0
    success: bool = False
    status: int = 0
    error: str = ""
    response: str = ""


def decode_calls(text: str) -> tuple[CallResult, ...]:
    """Decode the column ``results``."""
    return from_json(text, tuple[CallResult, ...])


def encode_calls(results: Sequence[CallResult]) -> str:
    """Encode calls for the column ``results``."""
    return msgspec.json.encode(list(results)).decode()


class _Common(msgspec.Struct, frozen=True, kw_only=True):
    id: int
    msg_id: int
    from_id: str
    message_id: str
    subject: str
    account: str
    url: str
    event: str
    submitted: int
    attempts: int
    results: tuple[CallResult, ...]
    size: int
    payload: bytes

    @property
    def last_result(self) -> CallResult | None:
        """The latest call."""
        return self.results[-1] if self.results else None


class Hook(_Common, frozen=True, kw_only=True):
    """A row of ``hook``: a call to be made. Times in µs UTC, sizes in octets. ``msg_id`` is 0 for a call about an
    incoming message.
    """

    authorization: str
    secret: str
    next_attempt: int


class RetiredHook(_Common, frozen=True, kw_only=True):
    """A row of ``hook_retired``: a call that was made, given up, canceled or superseded. ``superseded_by``: id of the
    hook in its place.
    """

    superseded_by: int | None
    success: bool
    last_activity: int
    keep_until: int


HOOK_FIELDS: Final = tuple(field.encode_name for field in msgspec.structs.fields(Hook))
RETIRED_HOOK_FIELDS: Final = tuple(field.encode_name for field in msgspec.structs.fields(RetiredHook))
HOOK_COLUMNS: Final = ", ".join(HOOK_FIELDS)
RETIRED_HOOK_COLUMNS: Final = ", ".join(RETIRED_HOOK_FIELDS)


def _values(fields: Sequence[str], row: SQLRow) -> dict[str, Any]:
    values = dict(zip(fields, row, strict=True))
    return values | {"results": decode_calls(str(values["results"]))}


def hook_of(row: SQLRow) -> Hook:
    """Convert a row selected with HOOK_COLUMNS."""
    return Hook(**_values(HOOK_FIELDS, row))


def retired_hook_of(row: SQLRow) -> RetiredHook:
    """Convert a row selected with RETIRED_HOOK_COLUMNS."""
    values = _values(RETIRED_HOOK_FIELDS, row)
    return RetiredHook(**values | {"success": bool(values["success"])})
