"""Choices of messages and webhooks of the queue, with order and pages (QUEUE-23, QUEUE-24).

Nothing else is imported here: a command has to start fast (ADMIN-83).
"""

from typing import Final, Literal

import msgspec

DEFAULT_PAGE: Final = 100


class Filter(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Choice of waiting messages; all given conditions must hold.

    ``sender`` and ``recipient``: part of the address in any case, or ``@domain`` for all of a domain. ``submitted``,
    ``next_attempt``: ``<D`` before or ``>D`` after now plus the duration D, which may be negative, or ``now``.
    ``transport``: a name, empty for messages without one of their own. ``n``: maximum number, 0 for no limit.
    """

    ids: tuple[int, ...] = ()
    account: str = ""
    sender: str = ""
    recipient: str = ""
    hold: bool | None = None
    submitted: str = ""
    next_attempt: str = ""
    transport: str | None = None
    n: int = 0

    @property
    def is_empty(self) -> bool:
        """Whether the filter chooses every message; operations then need a confirmation (QUEUE-22)."""
        return self == Filter()


class RetiredFilter(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Choice of finished messages; fields as in `Filter`."""

    ids: tuple[int, ...] = ()
    account: str = ""
    sender: str = ""
    recipient: str = ""
    submitted: str = ""
    last_activity: str = ""
    transport: str | None = None
    success: bool | None = None


class HookFilter(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Choice of waiting webhooks; fields as in `Filter`. ``event``: of QUEUE-94, or ``incoming``."""

    ids: tuple[int, ...] = ()
    account: str = ""
    event: str = ""
    submitted: str = ""
    next_attempt: str = ""
    n: int = 0

    @property
    def is_empty(self) -> bool:
        """Whether the filter chooses every webhook."""
        return self == HookFilter()


class RetiredHookFilter(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Choice of finished webhooks; fields as in `HookFilter`."""

    ids: tuple[int, ...] = ()
    account: str = ""
    event: str = ""
    submitted: str = ""
    last_activity: str = ""


class Page(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Order and page of a list: rows strictly after the one with `last_id`, whose value of the sort field is `last`
    (RFC 3339).
    """

    sort: Literal["next_attempt", "queued"] = "next_attempt"
    ascending: bool = True
    last_id: int = 0
    last: str = ""
    n: int = DEFAULT_PAGE


class RetiredPage(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Order and page of finished messages, as `Page`; the latest first."""

    sort: Literal["last_activity", "queued"] = "last_activity"
    ascending: bool = False
    last_id: int = 0
    last: str = ""
    n: int = DEFAULT_PAGE


class HookPage(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Order and page of webhooks, as `Page`."""

    sort: Literal["next_attempt", "submitted"] = "next_attempt"
    ascending: bool = True
    last_id: int = 0
    last: str = ""
    n: int = DEFAULT_PAGE


class RetiredHookPage(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Order and page of finished webhooks, as `Page`; the latest first."""

    sort: Literal["last_activity", "submitted"] = "last_activity"
    ascending: bool = False
    last_id: int = 0
    last: str = ""
    n: int = DEFAULT_PAGE
