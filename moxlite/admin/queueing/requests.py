"""Arguments of the commands about the queue: ``moxlite queue …``.

Nothing heavy is imported here: a command has to start fast (ADMIN-83).
"""

from typing import Annotated, Literal

import msgspec

from moxlite.admin.queueing.filters import (
    Filter,
    HookFilter,
    HookPage,
    Page,
    RetiredFilter,
    RetiredHookFilter,
    RetiredHookPage,
    RetiredPage,
)
from moxlite.net.control.requests import Request


class ListMessages(Request, frozen=True, kw_only=True):
    """``queue list``."""

    filter: Filter = Filter()
    page: Page = Page()


class ListRetired(Request, frozen=True, kw_only=True):
    """``queue retired list``."""

    filter: RetiredFilter = RetiredFilter()
    page: RetiredPage = RetiredPage()


class Choose(Request, frozen=True, kw_only=True):
    """``queue hold``, ``unhold``, ``fail``, ``drop``: the messages to change. `all`: confirms an empty filter, which
    chooses every message (ADMIN-20).
    """

    filter: Filter = Filter()
    all: bool = False


class Schedule(Choose, frozen=True, kw_only=True):
    """``queue schedule``: put the next attempt off by `seconds`, or with `from_now` to `seconds` from now."""

    seconds: float
    from_now: bool = False


class SetTransport(Choose, frozen=True, kw_only=True):
    """``queue transport``: empty for the transport that the routes choose."""

    transport: str


class SetRequireTLS(Choose, frozen=True, kw_only=True):
    """``queue requiretls``."""

    require_tls: Literal["yes", "no", "default"]


class MessageID(Request, frozen=True, kw_only=True):
    """``queue dump``, ``queue retired print``, ``queue holdrules remove``."""

    id: int


class AddHoldRule(Request, frozen=True, kw_only=True):
    """``queue holdrules add``: all fields empty holds every message."""

    account: str = ""
    sender: str = ""
    recipient: str = ""


class Explain(Request, frozen=True, kw_only=True):
    """``queue explain``: `sender` may be empty; `connect`: connect to the hosts."""

    recipient: str
    sender: str = ""
    connect: bool = False


class ListHooks(Request, frozen=True, kw_only=True):
    """``queue webhook list``."""

    filter: HookFilter = HookFilter()
    page: HookPage = HookPage()


class ListRetiredHooks(Request, frozen=True, kw_only=True):
    """``queue webhook retired list``."""

    filter: RetiredHookFilter = RetiredHookFilter()
    page: RetiredHookPage = RetiredHookPage()


class ChooseHooks(Request, frozen=True, kw_only=True):
    """``queue webhook cancel``: the webhooks to cancel. `all`: confirms an empty filter, which chooses every webhook
    (ADMIN-20).
    """

    filter: HookFilter = HookFilter()
    all: bool = False


class ScheduleHooks(ChooseHooks, frozen=True, kw_only=True):
    """``queue webhook schedule``: put the next call off by `seconds`, or with `from_now` to `seconds` from now."""

    seconds: float
    from_now: bool = False


class HookID(Request, frozen=True, kw_only=True):
    """``queue webhook print``, ``queue webhook retired print``."""

    id: int


class ListSuppressions(Request, frozen=True, kw_only=True):
    """``queue suppress list``: of one account, or of all, by account and base address; at most `n` after the entry with
    `after_account` and `after_base`.
    """

    account: str = ""
    after_account: str = ""
    after_base: str = ""
    n: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 10_000


class Suppress(Request, frozen=True, kw_only=True):
    """``queue suppress add``, ``remove``, ``lookup``."""

    account: str
    address: str
    reason: str = ""


class Release(Request, frozen=True, kw_only=True):
    """``queue guard release``."""

    account: str


class Nothing(Request, frozen=True, kw_only=True):
    """Arguments of commands without any."""


class SendReports(Request, frozen=True, kw_only=True):
    """``tlsrpt send``, ``dmarc send``: for days up to `day`, yyyy-mm-dd; "" for all past days."""

    day: str = ""


class DropPending(Request, frozen=True, kw_only=True):
    """``tlsrpt drop``, ``dmarc drop``."""

    domain: str


class SuppressReports(Request, frozen=True, kw_only=True):
    """``tlsrpt suppress add``, ``remove``: `seconds` from now; `comment` for people."""

    address: str
    seconds: float = 0
    comment: str = ""


class KeptPolicies(Request, frozen=True, kw_only=True):
    """``mtasts kept``: of domains behind `after` in alphabetical order."""

    after: str = ""
    limit: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 100
