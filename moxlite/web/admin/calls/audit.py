"""The calls about the audit log: pages, and an export (WEB-160)."""

from __future__ import annotations

import csv
import datetime as dt
import io
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from moxlite.admin.audit.commands import line_of
from moxlite.admin.audit.requests import AuditLine
from moxlite.store.auth.audit import MAX_ID, AuditEntry, AuditFilter
from moxlite.web.admin.calls.common import AdminCalls
from moxlite.web.calls import call
from moxlite.web.cookies import Caller

Count = Annotated[int, Meta(ge=1, le=200)]
ID = Annotated[int, Meta(ge=0, le=2**53)]

MOST: Final = 10_000
"""Entries of an export."""

FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
"""Beginnings by which programs for tables take a cell for a formula."""


class AuditCalls(AdminCalls):
    """Calls for the audit log: changes, and their actors."""

    @call()
    async def audit(self, caller: Caller, filter: AuditFilter, before: ID = 0, count: Count = 50) -> list[AuditLine]:  # noqa: A002
        """Entries with ids below `before`, newest first; 0 for the newest."""
        found = await self._server.auth.audit.entries(filter, before=before or MAX_ID, limit=count)
        return [line_of(one) for one in found]

    @call()
    async def audit_export(self, caller: Caller, filter: AuditFilter, form: Literal["csv", "json"]) -> str:  # noqa: A002
        """The newest 10,000 entries as a table, or as lines of JSON."""
        found = await self._server.auth.audit.entries(filter, limit=MOST)
        if form == "json":
            return "".join(msgspec.json.encode(line_of(one)).decode() + "\n" for one in found)
        text = io.StringIO()
        table = csv.writer(text)
        table.writerow(("id", "at", "actor", "via", "remote_ip", "action", "object", "outcome", "detail"))
        table.writerows([_cell(one) for one in _row(entry)] for entry in found)
        return text.getvalue()


def _row(one: AuditEntry) -> tuple[str, ...]:
    at = dt.datetime.fromtimestamp(one.at / 1e6, dt.UTC).isoformat(timespec="seconds")
    return (str(one.id), at, one.actor, one.via, one.remote_ip, one.action, one.object, one.outcome, one.detail)


def _cell(text: str) -> str:
    return f"'{text}" if text.startswith(FORMULA) else text
