"""ESEARCH: a search in several mailboxes (RFC 7377; IMAP-126)."""

from array import array
from typing import Final

import trio

from moxlite.proto.imap import commands as c
from moxlite.proto.imap.search import ModSeqIs, Return, Sequence, Uids, keys_of
from moxlite.proto.imap.seqset import SequenceSet
from moxlite.store.reading import state
from moxlite.store.reading import uids as all_uids
from moxlite.store.transaction import Reader
from moxlite.store.types import Mailbox

from .changes import tell
from .errors import Refused, bad, no
from .named import conditions
from .results import esearch
from .search import find
from .searchkeys import divide
from .session import Done, Session
from .sources import MAX_SOURCES, known_mailboxes
from .uidlist import EMPTY, UidList, uid_array
from .view import View

__all__ = ["MANY", "search_mailboxes"]

MANY: Final = 500
"""Mailboxes looked at before other tasks get a turn: up to 50 ms with a hundred sources, mostly less than one."""


async def search_mailboxes(session: Session, command: c.Esearch) -> Done:
    """ESEARCH: one response for each mailbox that has matches, with UIDs always (RFC 7377 §2.1)."""
    returns = command.returns or Return(all=True)
    sources = tuple(dict.fromkeys(command.sources)) or (c.Source("selected"),)
    alone = all(source.kind == "selected" for source in sources)
    selected = any(source.kind == "selected" for source in sources)
    if any(source.kind == "selected-delayed" for source in sources):
        raise bad("selected-delayed is for NOTIFY")
    if len(sources) > MAX_SOURCES:
        raise no("too many source options", "LIMIT")
    if selected and session.view is None:
        raise bad("no mailbox is selected")
    if returns.save and not alone:
        raise bad("SAVE is for a search in the selected mailbox only")
    if returns.update or returns.context:
        raise bad("return option is not supported")
    keys = keys_of(command.program)
    with_modseq = any(isinstance(key, ModSeqIs) for key in keys)
    if with_modseq:
        session.use_condstore()
    saved = any(isinstance(key, Sequence | Uids) and key.set.saved for key in keys)
    if saved and not alone:
        raise bad("$ is of the selected mailbox only")
    if selected:
        await tell(session, expunge=False)
    numbered = any(isinstance(key, Sequence | Uids) for key in keys)
    for box, view in await _views(session, sources, numbered=numbered):
        program = divide(command.program, view, await conditions(session, view, command.program))
        if returns.save:
            assert session.view is not None
            session.view.saved = uid_array()
        found = await find(session, view, program, returns)
        mailbox = (box.name, box.uidvalidity)
        octets, kept = await esearch(session, view, found, returns, uid=True, with_modseq=with_modseq, mailbox=mailbox)
        if returns.save:
            assert session.view is not None
            session.view.saved = uid_array(sorted(kept))
        if found:
            session.write(octets)
            await session.drain()
    return Done("searched")


class _Searched(View):
    """A mailbox as a search sees it that must not fail for numbers beyond its end (RFC 7377 §2)."""

    __slots__ = ()

    def resolve(self, numbers: SequenceSet, *, uid: bool) -> "array[int]":
        """See `View.resolve`."""
        if uid or numbers.saved:
            return super().resolve(numbers, uid=uid)
        found = uid_array()
        for low, high in numbers.resolve(self.exists):
            found += self.uids[low - 1 : high]
        return found


async def _views(session: Session, sources: tuple[c.Source, ...], *, numbered: bool) -> list[tuple[Mailbox, View]]:
    """The mailboxes to be searched, each once. The selected one is searched as the client knows it.

    numbered: the program has numbers in it, so UIDs must be known.
    """
    current = session.view
    known = await known_mailboxes(session)
    found: list[tuple[Mailbox, View]] = []
    for number, box in enumerate(known.boxes):
        if number % MANY == MANY - 1:
            await trio.lowlevel.checkpoint()
        here = current is not None and current.mailbox_id == box.id
        named = any((source.kind == "selected" and here) or known.means(source, box.name) for source in sources)
        if not named:
            continue
        if here and current is not None:
            found.append((box, current if current.counted else _as_known(current)))
            continue
        uids = await _uids(session, box) if numbered else EMPTY
        view = _Searched(
            box.id,
            read_only=True,
            uidvalidity=box.uidvalidity,
            uidnext=box.uidnext,
            modseq=box.modseq,
            since=box.modseq,
            uids=uids,
            keywords=box.keywords,
        )
        found.append((box, view))
    if current is not None and current.deleted and any(source.kind == "selected" for source in sources):
        raise Refused("NO", "the mailbox was deleted")
    return found


def _as_known(current: View) -> _Searched:
    view = _Searched(
        current.mailbox_id,
        read_only=True,
        uidvalidity=current.uidvalidity,
        uidnext=current.uidnext,
        modseq=current.modseq,
        since=current.since,
        uids=current.list,
        keywords=tuple(current.keywords),
    )
    view.recent = current.recent
    view.gone = current.gone
    view.saved = current.saved
    return view


async def _uids(session: Session, box: Mailbox) -> UidList:
    def read(r: Reader) -> UidList:
        return session.share.sharing.find(box.id, state(r).modseq) or UidList(all_uids(r, box.id))

    return await session.account.scan(read, op="imap-search")
