"""Transcripts of an account's programs (``moxlite jmap trace``, JMAP-8a): calls and answers without their content.

Masked are all texts but those that are ids, states, dates, types and names of properties; of long arrays and objects
the beginning is shown.
"""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING, Any, Final

from moxlite.encoding import to_json
from moxlite.net.control.server import CommandFailed
from moxlite.net.transcripts import check_minutes, send_transcript
from moxlite.operations.imap import JmapTrace, Traced
from moxlite.operations.performing import commands

if TYPE_CHECKING:
    from collections.abc import Mapping

    from moxlite.config.snapshot import CurrentConfig
    from moxlite.net.control.server import Command, Exchange
    from moxlite.web.http.exchange import Request
    from moxlite.web.notices.service import ProgramNotices


logger = logging.getLogger("moxlite.web.jmap")

SHOWN: Final = frozenset(
    {
        *(
            "id",
            "ids",
            "accountId",
            "fromAccountId",
            "blobId",
            "blobIds",
            "threadId",
            "emailId",
            "emailIds",
            "identityId",
        ),
        *(
            "mailboxId",
            "parentId",
            "baseEventId",
            "calendarEventId",
            "inMailbox",
            "inMailboxOtherThan",
            "anchor",
            "partId",
        ),
        *("state", "oldState", "newState", "sinceState", "ifInState", "queryState", "oldQueryState", "newQueryState"),
        *(
            "sinceQueryState",
            "sessionState",
            "properties",
            "bodyProperties",
            "created",
            "updated",
            "destroyed",
            "destroy",
        ),
        *("removed", "notFound", "notParsable", "property", "operator", "collation", "resultOf", "path", "type"),
        *("role", "undoStatus", "receivedAt", "sentAt", "sendAt", "@type", "using", "Mailbox", "Email", "Thread"),
        *("EmailDelivery", "EmailSubmission", "AddressBook", "ContactCard", "Calendar", "CalendarEvent"),
        *("CalendarEventNotification", "hasKeyword", "notKeyword", "types", "dataTypes", "updatedProperties"),
    }
)
"""Members whose texts are shown: none that a person has written, but names of keywords."""

ERROR: Final = frozenset(
    {"type", "description", "properties", "existingId", "status", "title", "detail", "limit", "maxSize"}
)
"""Members of errors: their texts are the server's."""

NAME: Final = re.compile(r"[#@$A-Za-z0-9_:*/.-]{1,100}")
MOST: Final = 20
"""Members shown of an array or object."""

DEPTH: Final = 8
"""Levels that are shown: a filter may be 20 deep, and its conditions tell more than its nesting."""


def masked(value: Any, name: str = "", depth: int = 0) -> Any:
    """A value without what its user has written. `name`: the member that has it."""
    match value:
        case str():
            return value[:100] if name in SHOWN else "…"
        case list() if depth < DEPTH:
            shown = [masked(one, name, depth + 1) for one in value[:MOST]]
            return [*shown, f"… {len(value)} in all"] if len(value) > MOST else shown
        case dict() if depth < DEPTH:
            return _members(value, name, depth)
        case list() | dict():
            return "…"
    return value


def _members(value: dict[str, Any], name: str, depth: int) -> dict[str, Any]:
    plain = {"name"} if "resultOf" in value else {"description", "detail", "limit"} if value.keys() <= ERROR else set()
    found: dict[str, Any] = {}
    for number, (key, one) in enumerate(value.items()):
        if number == MOST:
            found["…"] = f"{len(value)} in all"
            break
        known = NAME.fullmatch(key) is not None and (name != "keywords" or key.startswith("$"))
        found[key if known else "…"] = one if key in plain and isinstance(one, str) else masked(one, key, depth + 1)
    return found


class Transcript:
    """Writes one request to its account's transcripts, if any are active."""

    def __init__(self, programs: ProgramNotices, account: str, request: Request) -> None:
        self._programs, self._account, self._request = programs, account, request

    def begin(self) -> None:
        """Add the line of the request; names of files are left out."""
        request = self._request
        path = request.path.rpartition("/")[0] if "/download/" in request.path else request.path
        agent = (request.headers.get("user-agent") or "")[:200]
        self.add("-", f"{request.method} {path} {request.info.remote} {agent}")

    def push(self, change: object) -> None:
        """Add a change that a program is told of."""
        self.add("S", "push", change)

    def add(self, side: str, text: str, value: object = None) -> None:
        """Add a line: a text, and a value that is masked."""
        taps = self._programs.taps(self._account)
        if not taps:
            return
        rest = "" if value is None else " " + to_json(masked(value)).decode()
        for tap in taps:
            tap.tell(self._request.info.cid, side, f"{text}{rest}")


class JMAPCommands:
    """The commands of the control socket about JMAP."""

    def __init__(self, config: CurrentConfig, programs: ProgramNotices) -> None:
        self._config = config
        self._programs = programs

    def registry(self) -> Mapping[str, Command]:
        """All commands by name."""
        return commands(JmapTrace.bind_stream(self.trace))

    async def trace(self, args: JmapTrace, exchange: Exchange) -> Traced:
        """Send the masked transcript of an account's programs as it grows."""
        snapshot = self._config.current
        if snapshot.account(args.account) is None:
            raise CommandFailed("notFound", snapshot.no_account(args.account))
        check_minutes(args.minutes)
        kv: dict[str, object] = {"account": args.account, "minutes": args.minutes}
        logger.warning("jmap trace started", extra={"kv": kv})
        lines = 0
        try:
            tapped = self._programs.tapped(args.account)
            lines, lost = await send_transcript(tapped, args.minutes, exchange.download.send)
        finally:
            logger.warning("jmap trace stopped", extra={"kv": kv | {"lines": lines}})
        await exchange.download.end()
        return Traced(lines, lost)
