"""The audit log: commands and changes of domains.toml are recorded, and its entries listed (WEB-160). Not here: the
table, which is in `store.auth.audit`.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Final

import msgspec

from moxlite.config.holder import Note, Record
from moxlite.config.masking import Changed
from moxlite.encoding import from_builtins, to_builtins
from moxlite.net.control.server import Command, Exchange
from moxlite.operations.performing import commands
from moxlite.operations.server import AuditLine, AuditList, ValueChange
from moxlite.store.auth.audit import (
    MAX_ID,
    AuditEntry,
    AuditFilter,
    AuditLog,
    Difference,
    current,
    object_at,
    object_of,
    plain,
)
from moxlite.store.changelog.origin import Origin, acting_as


class AuditCommands:
    """The command that lists the log."""

    def __init__(self, log: AuditLog) -> None:
        self._log = log

    def registry(self) -> Mapping[str, Command]:
        """All commands by name."""
        return commands(AuditList.bind(self.list))

    async def list(self, args: AuditList) -> list[AuditLine]:
        """Entries that match, newest first."""
        audit_filter = AuditFilter(args.actor, args.object, args.via, args.words, args.since)
        audit_entries = await self._log.entries(audit_filter, before=args.before or MAX_ID, limit=args.count)
        return [line_of(audit_entry) for audit_entry in audit_entries]


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
        name: msgspec.structs.replace(command, run=_Audited(name, command, log)) if command.audit else command
        for name, command in table.items()
    }


class _Audited:
    def __init__(self, name: str, command: Command, log: AuditLog) -> None:
        self._name = name
        self._command = command
        self._log = log

    async def __call__(self, args: Any, exchange: Exchange) -> object:
        given = to_builtins(args)
        async with self._log.recording(self._name, object_of(self._name, given), plain(given)):
            return await self._command.run(args, exchange)


# The record of changes of domains.toml in the audit log (WEB-160).
#
# `ConfigHolder.edit` is where every change of domains.toml is made. A change of the file within a command belongs to
# that command's entry (`commands`).

PLACE: Final = re.compile(r"""(accounts|domains)\.(?:"([^"]+)"|([^.\[]+))(?:\.(aliases)\.(?:"([^"]+)"|([^.\[]+)))?""")
"""An account, a domain, or an alias of a domain in a path as in TOML."""

BY_HAND: Final = Origin("(editor)", "file")


def _about(changes: Sequence[Difference]) -> str:
    """The account, domain or alias that has all of the changes, else the file; of one other value its path."""
    matches = [PLACE.match(change.path) for change in changes]
    places = {object_at([name for name in match.groups() if name]) if match else "" for match in matches}
    if len(places) == 1 and places != {""}:
        return places.pop()
    return changes[0].path if len(changes) == 1 else "domains.toml"


def recorder(log: AuditLog) -> Record:
    """Records changes of domains.toml: in the entry of the command or call that makes them, or in one of their own."""

    @asynccontextmanager
    async def record(*, by_hand: bool = False) -> AsyncIterator[Note]:
        async with AsyncExitStack() as stack:
            if by_hand:
                stack.enter_context(acting_as(BY_HAND))

            async def note(found: Sequence[Changed]) -> None:
                changes = [Difference(*one) for one in found]
                recording = None if by_hand else current()
                if recording is not None:
                    await recording.changes(changes)
                elif changes:
                    about = _about(changes)
                    action = "file edited" if by_hand else "settings changed"
                    await stack.enter_async_context(log.recording(action, about, {"changes": changes}))

            yield note

    return record
