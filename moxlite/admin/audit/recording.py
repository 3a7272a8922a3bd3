"""The record of changes of domains.toml in the audit log (WEB-160).

`ConfigHolder.edit` is where every change of domains.toml is made. A change of the file within a command belongs to that
command's entry (`commands`).
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final

from moxlite.config.holder import Note, Record
from moxlite.config.masking import Changed
from moxlite.store.auth.audit import AuditLog, Difference, Origin, acting_as, current, object_at

PLACE: Final = re.compile(r"""(accounts|domains)\.(?:"([^"]+)"|([^.\[]+))(?:\.(aliases)\.(?:"([^"]+)"|([^.\[]+)))?""")
"""An account, a domain, or an alias of a domain in a path as in TOML."""

BY_HAND: Final = Origin("(editor)", "file")


def _about(changes: Sequence[Difference]) -> str:
    """The account, domain or alias that has all of the changes, else the file; of one other value its path."""
    found = [PLACE.match(one.path) for one in changes]
    places = {object_at([name for name in one.groups() if name]) if one else "" for one in found}
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
