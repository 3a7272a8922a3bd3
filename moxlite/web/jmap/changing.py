"""/changes of the types whose state is a modseq (RFC 8620 §5.2)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from moxlite.store.rows.history import Change, TooManyChanges, portion
from moxlite.web.jmap.protocol import MethodError
from moxlite.web.jmap.standard import Changes, max_changes, since_state

if TYPE_CHECKING:
    from moxlite.store.file.transaction import Reader
    from moxlite.web.jmap.methods import Call


KINDS: Final = ("created", "updated", "destroyed")


async def changes_of(
    call: Call,
    read: Callable[[Reader, int], list[Change]],
    state: Callable[[Reader], int],
    letter: str,
    mark_of: Callable[[Reader], str] | None = None,
) -> Changes:
    """The changes that the call asks for. `mark_of`: gives the end of a state, by default `Place.mark`. Raises
    MethodError ``cannotCalculateChanges``.
    """
    (since, mark), most = since_state(call), max_changes(call)

    def find(r: Reader) -> Changes:
        if mark != (mark_of or call.place.mark)(r):
            raise TooManyChanges
        now, old = state(r), f"{since}{mark}"
        if now == since:
            return Changes(old, old, [], [], [])
        part, reached, more = portion(read(r, since), since, now, most)
        named = {kind: [f"{letter}{one.id}" for one in part if one.kind == kind] for kind in KINDS}
        return Changes(old, f"{reached}{mark}", named["created"], named["updated"], named["destroyed"], more)

    try:
        return await call.account.scan(find, op="jmap changes")
    except TooManyChanges:
        raise MethodError("cannotCalculateChanges", "read all anew") from None
