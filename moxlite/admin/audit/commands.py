"""The command that lists the audit log, and the record of all others (WEB-160).

Commands are what both the command line and the admin app make changes with.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from moxlite.decoders import from_builtins
from moxlite.net.control.server import Command, Exchange
from moxlite.operations.performing import commands
from moxlite.operations.server import AuditLine, AuditList, ValueChange
from moxlite.store.auth.audit import MAX_ID, AuditEntry, AuditFilter, AuditLog, object_of, plain


class AuditCommands:
    """The command that lists the log."""

    def __init__(self, log: AuditLog) -> None:
        self._log = log

    def registry(self) -> Mapping[str, Command]:
        """All commands by name."""
        return commands(AuditList.bind(self.list))

    async def list(self, args: AuditList) -> list[AuditLine]:
        """Entries that match, newest first."""
        wanted = AuditFilter(args.actor, args.object, args.via, args.words, args.since)
        found = await self._log.entries(wanted, before=args.before or MAX_ID, limit=args.count)
        return [line_of(one) for one in found]


def line_of(entry: AuditEntry) -> AuditLine:
    """An entry with its details in parts."""
    detail: dict[str, Any] = msgspec.json.decode(entry.detail)
    why, changes = str(detail.pop("why", "")), detail.pop("changes", [])
    return AuditLine(
        id=entry.id,
        at=entry.at,
        actor=entry.actor,
        via=entry.via,
        remote_ip=entry.remote_ip,
        action=entry.action,
        object=entry.object,
        outcome=entry.outcome,
        why=why,
        given=detail,
        changes=from_builtins(changes, list[ValueChange]),
    )


def audited(table: Mapping[str, Command], log: AuditLog) -> dict[str, Command]:
    """The same commands, recorded where they change something."""
    return {
        name: msgspec.structs.replace(one, run=_Audited(name, one, log)) if one.audit else one
        for name, one in table.items()
    }


class _Audited:
    def __init__(self, name: str, command: Command, log: AuditLog) -> None:
        self._name = name
        self._command = command
        self._log = log

    async def __call__(self, args: Any, exchange: Exchange) -> object:
        given = msgspec.to_builtins(args)
        async with self._log.recording(self._name, object_of(self._name, given), plain(given)):
            return await self._command.run(args, exchange)
