"""ESEARCH: a search in several mailboxes (RFC 7377; IMAP-126)."""

from contextlib import AsyncExitStack
from typing import Final

import msgspec

from moxlite.imapd.mailboxes.listing import shared_mailboxes
from moxlite.imapd.mailboxes.notify import MANY, MAX_SOURCES, Known, known_mailboxes
from moxlite.imapd.search.search import esearch, find
from moxlite.imapd.search.searchkeys import divide
from moxlite.imapd.session.errors import Refused, bad, no
from moxlite.imapd.session.named import conditions
from moxlite.imapd.session.place import visit
from moxlite.imapd.session.seat import Seat
from moxlite.imapd.session.state import Done, Session
from moxlite.imapd.session.uidlist import EMPTY, UidList, uid_array
from moxlite.imapd.session.view import View
from moxlite.imapd.updates.changes import tell
from moxlite.processor import turn
from moxlite.proto.imap import commands as c
from moxlite.proto.imap.search import ModSeqIs, Return, Sequence, Uids, keys_of
from moxlite.store.file.transaction import Reader
from moxlite.store.rows.mailboxes import mailbox, state
from moxlite.store.rows.messages import uids as all_uids
from moxlite.store.types import Mailbox

NAMING: Final = frozenset({"mailboxes", "subtree", "subtree-one", "subscribed"})
"""Kinds of sources that may include mailboxes of other users; ``personal`` and ``inboxes`` never do."""

MAX_OWNERS: Final = 20
"""Maximum other users whose mailboxes one command searches: each takes a seat at their account."""


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
    async with AsyncExitStack() as seats:
        known = await known_mailboxes(session)
        views = await _views(session, known, sources, numbered=numbered)
        views += await _foreign_views(session, known, sources, seats, numbered=numbered)
        await _search(session, command, returns, views, with_modseq=with_modseq)
    return Done("searched")


async def _search(
    session: Session, command: c.Esearch, returns: Return, views: list[tuple[Mailbox, View]], *, with_modseq: bool
) -> None:
    for box, view in views:
        program = divide(command.program, view, await conditions(view, command.program))
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


async def _views(
    session: Session, known: Known, sources: tuple[c.Source, ...], *, numbered: bool
) -> list[tuple[Mailbox, View]]:
    """The mailboxes to search, each once. The selected one is searched in the state that the client knows.

    numbered: the program contains message numbers, so the UIDs are needed.
    """
    current = session.view
    found: list[tuple[Mailbox, View]] = []
    for number, box in enumerate(known.boxes):
        if number % MANY == MANY - 1:
            await turn()
        here = current is not None and current.seat is session.home and current.mailbox_id == box.id
        named = any((source.kind == "selected" and here) or known.means(source, box.name) for source in sources)
        if not named:
            continue
        if here and current is not None:
            found.append((box, _as_known(current, box)))
            continue
        found.append((box, await _searched(session.home, box, numbered=numbered)))
    if current is not None and current.access.lost and any(source.kind == "selected" for source in sources):
        raise Refused("NO", "the mailbox was deleted")
    return found


async def _foreign_views(
    session: Session, known: Known, sources: tuple[c.Source, ...], seats: AsyncExitStack, *, numbered: bool
) -> list[tuple[Mailbox, View]]:
    """The same for mailboxes that other users share with this one: the selected one, and those that are named."""
    current = session.view
    found: list[tuple[Mailbox, View]] = []
    if current is not None and (current.seat is session.home or current.access.lost):
        current = None
    if current is not None and any(source.kind == "selected" for source in sources):
        seat, mailbox_id = current.seat, current.mailbox_id
        box = await seat.account.read(lambda r: mailbox(r, mailbox_id), op="imap-search")
        found.append((_named(box, seat.shown(box.name)), _as_known(current, box)))
    naming = [source for source in sources if source.kind in NAMING]
    if not naming:
        return found
    at: dict[str, Seat] = {}
    for name, shared in (await shared_mailboxes(session, known.boxes)).items():
        owner, box = shared.access.owner, _named(shared.box, name)
        if "r" not in shared.rights or not any(known.means(source, name) for source in naming):
            continue
        if current is not None and current.seat.owner == owner and current.mailbox_id == box.id:
            if not found:
                found.append((box, _as_known(current, box)))
            continue
        if owner not in at:
            if len(at) == MAX_OWNERS:
                raise no(f"mailboxes of more than {MAX_OWNERS} other users", "LIMIT")
            at[owner] = await visit(session, owner)
            seats.push_async_callback(at[owner].stack.aclose)
        found.append((box, await _searched(at[owner], box, numbered=numbered)))
    return found


def _named(box: Mailbox, name: str) -> Mailbox:
    return msgspec.structs.replace(box, name=name)


async def _searched(seat: Seat, box: Mailbox, *, numbered: bool) -> View:
    """A mailbox that is not selected."""
    uids = await _uids(seat, box) if numbered else EMPTY
    return View(seat, box, read_only=True, since=box.modseq, uids=uids)


def _as_known(current: View, box: Mailbox) -> View:
    """The selected mailbox in the state that the client knows."""
    if current.counted:
        return current
    view = View(current.seat, box, read_only=True, since=current.modseqs.since, uids=current.list)
    view.uidvalidity, view.uidnext, view.modseqs.last = current.uidvalidity, current.uidnext, current.modseqs.last
    view.keywords = current.keywords
    view.recent.uids = current.recent.uids
    view.gone = current.gone
    view.saved = current.saved
    return view


async def _uids(seat: Seat, box: Mailbox) -> UidList:
    def read(r: Reader) -> UidList:
        return seat.share.sharing.find(box.id, state(r).modseq) or UidList(all_uids(r, box.id))

    return await seat.account.scan(read, op="imap-search")
