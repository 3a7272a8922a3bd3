"""The operations about webhooks: calls to web servers of accounts, about sent and received messages (WEB-85, QUEUE-22,
QUEUE-96).
"""

from typing import Annotated, Literal

import msgspec

from moxlite.operations import MANAGERS, Operation, Request, Role, Seconds, Word, change, field, query
from moxlite.operations.queue import (
    DEFAULT_PAGE,
    ID,
    Ascending,
    Changed,
    Choice,
    Last,
    LastActivity,
    LastID,
    Most,
    NextAttempt,
)


class HookFilter(Choice, frozen=True, kw_only=True):
    """Choice of waiting webhooks; fields as in `Filter`. ``event``: of QUEUE-94, or ``incoming``."""

    event: Annotated[str, field("Only this event. For example, failed or incoming.")] = ""
    next_attempt: NextAttempt = ""
    n: Most = 0


class RetiredHookFilter(Choice, frozen=True, kw_only=True):
    """Choice of finished webhooks; fields as in `HookFilter`."""

    event: Annotated[str, field("Only this event. For example, failed or incoming.")] = ""
    last_activity: LastActivity = ""


class HookPage(Request, frozen=True, kw_only=True):
    """Order and page of webhooks, as `Page`."""

    sort: Annotated[Literal["next_attempt", "submitted"], field("Sort by this field.")] = "next_attempt"
    ascending: Ascending = True
    last_id: LastID = 0
    last: Last = ""
    n: Most = DEFAULT_PAGE


class RetiredHookPage(Request, frozen=True, kw_only=True):
    """Order and page of finished webhooks, as `Page`; the latest first."""

    sort: Annotated[Literal["last_activity", "submitted"], field("Sort by this field.")] = "last_activity"
    ascending: Ascending = False
    last_id: LastID = 0
    last: Last = ""
    n: Most = DEFAULT_PAGE


class HookTest(msgspec.Struct, frozen=True, kw_only=True):
    """A call of ``queue webhook test``. `status`: of HTTP, 0 without an answer; `response`: its first 512 octets."""

    event: str
    url: str
    success: bool
    status: int
    error: str
    response: str


class HookLine(msgspec.Struct, frozen=True, kw_only=True):
    """A webhook in a list; times in RFC 3339, UTC. `next_attempt` is set for waiting webhooks, `success` and
    `last_activity` for finished ones; `superseded_by`: id of the webhook in its place, or 0.
    """

    id: int
    msg_id: int
    submitted: str
    account: str
    event: str
    url: str
    attempts: int
    error: str
    next_attempt: str = ""
    success: bool | None = None
    last_activity: str = ""
    superseded_by: int = 0


@query(
    "queue webhook list",
    MANAGERS,
    columns=("id", "msg_id", "account", "event", "url", "attempts", "next_attempt", "error"),
)
class ListHooks(Operation[list[HookLine]], frozen=True):
    """List queued webhooks, next due first, up to 100 (--n)."""

    filter: HookFilter = HookFilter()
    page: HookPage = HookPage()


class ChooseHooks(Operation[Changed], frozen=True):
    """The webhooks to change. `all`: confirms an empty filter, which chooses every webhook (ADMIN-20)."""

    filter: HookFilter = HookFilter()
    all: Annotated[bool, field("Include all webhooks, without a filter.")] = False


@change("queue webhook schedule", MANAGERS)
class ScheduleHooks(ChooseHooks, frozen=True, kw_only=True):
    """Change the time of the next call. DURATION delays it, -DURATION moves it up. `--now 0s` means immediately."""

    seconds: Seconds
    from_now: Annotated[bool, field("Count from now instead of the scheduled time.", "--now")] = False


@change("queue webhook cancel", MANAGERS)
class CancelHooks(ChooseHooks, frozen=True):
    """Cancel webhooks."""


@query("queue webhook print", Role.COMMAND_LINE)
class PrintHook(Operation[msgspec.Raw], frozen=True):
    """Print webhook ID as JSON. This shows all details, including the payload and results."""

    id: ID


@query("queue webhook test", Role.COMMAND_LINE, columns=("event", "url", "success", "status", "error", "response"))
class TestHooks(Operation[list[HookTest]], frozen=True):
    """Test ACCOUNT's webhooks now by sending sample events.

    You'll see the response to each call. Exit code 1 if any call fails. All IDs in a sample are 0.
    """

    account: Word


@query(
    "queue webhook retired list",
    MANAGERS,
    columns=("id", "last_activity", "msg_id", "account", "event", "url", "attempts", "success", "error"),
)
class ListRetiredHooks(Operation[list[HookLine]], frozen=True):
    """List finished webhooks, newest first."""

    filter: RetiredHookFilter = RetiredHookFilter()
    page: RetiredHookPage = RetiredHookPage()


@query("queue webhook retired print", Role.COMMAND_LINE)
class PrintRetiredHook(Operation[msgspec.Raw], frozen=True):
    """Print all details for finished webhook ID as JSON."""

    id: ID
