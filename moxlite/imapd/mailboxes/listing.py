"""LIST, LSUB and STATUS (RFC 9051 §6.3.9, §6.3.11, RFC 5258, RFC 5819, RFC 9590, RFC 3501 §6.3.9; IMAP-67, 68,
70, 71)."""

import logging
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Final

import msgspec

from moxlite.imapd.mailboxes.acl import wire_rights
from moxlite.imapd.mailboxes.metadata import values_of_mailboxes
from moxlite.imapd.session.errors import bad
from moxlite.imapd.session.place import at, known_owners, open_account
from moxlite.imapd.session.state import Done, Session
from moxlite.imapd.updates.changes import list_names
from moxlite.imapd.updates.recent import unclaimed
from moxlite.processor import Stretch
from moxlite.proto.imap import commands as c
from moxlite.proto.imap.responses import ListData, LsubData, MyRightsData, StatusData
from moxlite.store.accounts.access import SYSTEM_RIGHTS, Access
from moxlite.store.errors import NoSuchMailbox, StoreError
from moxlite.store.file.transaction import Reader
from moxlite.store.mail.acl import RIGHTS, visible
from moxlite.store.mail.links import links
from moxlite.store.names import OTHERS, ancestors, composed, is_foreign, parent
from moxlite.store.rows.mailboxes import mailboxes, subscriptions
from moxlite.store.types import Mailbox

logger = logging.getLogger("moxlite.imapd")

MANY: Final = 500
"""Number of mailboxes above which they are read in a thread (STORE-3)."""

MAX_SHARED: Final = 10_000
"""Maximum mailboxes of other users that are listed: as many as an account may have itself (STORE-154)."""

COUNT: Final = "SELECT count(*) FROM mailbox"


async def _names(session: Session, *, subscribed: bool) -> tuple[list[Mailbox], frozenset[str], frozenset[str]]:
    """All mailboxes, Inbox first, the subscribed names if asked for, and the names of linked mailboxes."""

    def read(r: Reader) -> tuple[list[Mailbox], frozenset[str], frozenset[str]] | None:
        return None if r.value(COUNT) > MANY else everything(r)

    def everything(r: Reader) -> tuple[list[Mailbox], frozenset[str], frozenset[str]]:
        names = frozenset(subscriptions(r)) if subscribed else frozenset[str]()
        return mailboxes(r), names, frozenset(link.name for link in links(r))

    # Tried on the loop first, since most accounts have few: a thread would cost more than the read.
    found = await session.home.account.read(read, op="imap-list")
    return found if found is not None else await session.home.account.scan(everything, op="imap-list")


# Patterns of LIST and LSUB (RFC 9051 §6.3.9): ``*`` matches anything, ``%`` anything but the separator (IMAP-67,
# IMAP-146).
#
# Theory of operation
# -------------------
# A pattern is run as a machine whose states are the positions in it, all at once: one integer holds
# a bit for each position that can have been reached. Each character of a name costs a handful of operations on that
# integer, whatever the pattern: there is no backtracking to attack.


class Pattern:
    """One pattern, joined with its reference. Names are compared with regard to case, except INBOX."""

    __slots__ = ("_any", "_end", "_inbox", "_letters", "_part", "_wild", "text")

    def __init__(self, reference: str, pattern: str) -> None:
        """`reference` and `pattern` as in LIST, joined as they are. Raises Refused (BAD) if they're too long."""
        text = composed(reference + pattern)
        if len(text) > MAX_PATTERN:
            raise bad("pattern is too long")
        # Adjacent wildcards are merged, so that one step of closure is enough.
        self.text = _WILDCARDS.sub(lambda match: "*" if "*" in match[0] else "%", text)
        self._inbox = text[:1] in "iI*%"  # INBOX is the same name in any case (RFC 9051 §5.1)
        self._letters: dict[str, int] = {}
        self._any = self._part = 0
        for position, letter in enumerate(self.text):
            bit = 1 << position
            if letter == "*":
                self._any |= bit
            elif letter == "%":
                self._part |= bit
            else:
                self._letters[letter] = self._letters.get(letter, 0) | bit
        self._wild = self._any | self._part
        self._end = 1 << len(self.text)

    def matches(self, name: str) -> bool:
        """Whether `name` matches."""
        if self._run(name):
            return True
        if self._inbox and name[:5] == "Inbox" and (len(name) == 5 or name[5] == "/"):
            return self._run("INBOX" + name[5:]) or self._run("inbox" + name[5:])
        return False

    def _run(self, name: str) -> bool:
        if not self._wild:
            return name == self.text
        if self._wild << 1 == self._end:  # the usual case: one wildcard, at the end
            head = len(self.text) - 1
            return name.startswith(self.text[:head]) and (self._any > 0 or name.find("/", head) < 0)
        letters, wild, anything, part = self._letters, self._wild, self._any, self._part
        states = 1
        for letter in name:
            states |= (states & wild) << 1
            stay = states & (anything if letter == "/" else anything | part)
            states = (states & letters.get(letter, 0)) << 1 | stay
            if not states:
                return False
        states |= (states & wild) << 1
        return bool(states & self._end)


def _patterns(reference: str, patterns: Iterable[str]) -> list[Pattern]:
    return [Pattern(reference, pattern) for pattern in patterns]


def _order(name: str) -> tuple[bool, str]:
    """Inbox first, the others by name."""
    return name != "Inbox" and not name.startswith("Inbox/"), name


async def list_mailboxes(session: Session, command: c.List) -> Done:
    """Answer LIST, with its selection and return options (RFC 9051 §6.3.9)."""
    if command.patterns == ("",) and not command.extended:
        session.respond(ListData((r"\Noselect",), ""))  # a request for the separator (RFC 9051 §6.3.9)
        return Done("LIST completed")
    if _disabled(session, command):
        raise bad("return option isn't supported")
    # REMOTE (RFC 5258 §3.1) adds nothing, as mailboxes of other servers are kept here and always shown.
    wants_subscribed = "SUBSCRIBED" in command.selection or "SUBSCRIBED" in command.returns
    metadata = await values_of_mailboxes(session, command.metadata) if "METADATA" in command.returns else None
    boxes, subscribed, linked = await _names(session, subscribed=wants_subscribed)
    patterns = _patterns(command.reference, command.patterns)
    others = await shared_mailboxes(session, boxes) if any(map(_may_be_foreign, patterns)) else {}
    listing = _Listing(session, command, patterns, boxes, others, subscribed, linked)
    tells_rights, tells_status = "MYRIGHTS" in command.returns, "STATUS" in command.returns
    for line in await listing.lines():
        name = line.name
        session.respond(line)
        box, other = listing.by_name.get(name), others.get(name)
        if tells_rights and (box is not None or other is not None):  # RFC 8440
            own = SYSTEM_RIGHTS if box is not None and box.system else RIGHTS
            session.respond(MyRightsData(name, wire_rights(own if other is None else other.rights)))
        if tells_status and box is not None:
            session.respond(await status_of(session, session.home, box, command.status))
        elif tells_status and other is not None and "r" in other.rights:
            session.respond(await status_of(session, other.access, other.box, command.status))
        if metadata is not None and box is not None:
            session.respond(metadata.line(box, name))
        await session.drain()
    return Done("LIST completed")


def _disabled(session: Session, command: c.List) -> bool:
    """Whether a return option belongs to a capability that the account's owner has disabled (IMAP-37)."""
    of = {
        "METADATA": ("METADATA", "LIST-METADATA"),
        "STATUS": ("LIST-STATUS",),
        "MYRIGHTS": ("ACL", "LIST-MYRIGHTS"),
    }
    return any(not session.login.disabled.isdisjoint(of.get(option, ())) for option in command.returns)


class SharedMailbox(msgspec.Struct, frozen=True):
    """A mailbox of another user that this user may see; `box` has its name in the owner's account."""

    access: Access
    box: Mailbox
    rights: str


def _may_be_foreign(pattern: Pattern) -> bool:
    """Whether a pattern may match the prefix of other users' mailboxes, or names below it."""
    fixed = re.split(r"[*%]", pattern.text, maxsplit=1)[0]
    return OTHERS.startswith(fixed) or is_foreign(fixed.rstrip("/"))


async def shared_mailboxes(session: Session, own: Iterable[Mailbox]) -> dict[str, SharedMailbox]:
    """Mailboxes that other users share with this one, by their names here, sorted; at most `MAX_SHARED`. A mailbox in
    `own` with the name of the prefix hides them all.
    """
    guest = session.home.owner
    owners = await known_owners(session)
    if not owners or any(box.name == OTHERS for box in own):
        return {}
    found: dict[str, SharedMailbox] = {}
    for owner in owners:
        access = Access(owner=owner, guest=guest)
        try:
            async with open_account(session, owner) as account:
                read = partial(visible, guest=guest, limit=MAX_SHARED - len(found))
                for box, rights in await account.scan(read, op="imap-list"):
                    found[access.shown(box.name)] = SharedMailbox(access, box, rights)
        except NoSuchMailbox:  # the owner has just removed the rights
            continue
        except StoreError as error:  # a broken file of another user must not hide the user's own mailboxes
            logger.warning("failed to list shared mailboxes", extra={"kv": {"account": owner, "err": str(error)}})
    return dict(sorted(found.items()))


class _Listing:
    """One LIST command: the names that it shows, and their lines."""

    def __init__(
        self,
        session: Session,
        command: c.List,
        patterns: Sequence[Pattern],
        boxes: Sequence[Mailbox],
        others: Mapping[str, SharedMailbox],
        subscribed: frozenset[str],
        linked: frozenset[str],
    ) -> None:
        self.by_name: Mapping[str, Mailbox] = {box.name: box for box in boxes}
        self._others = others
        # Names above other users' mailboxes without a mailbox that this user may see.
        self._prefixes = frozenset(above for name in others for above in ancestors(name)).difference(others)
        self._subscribed = subscribed
        self._linked = linked
        self._patterns = patterns
        self._parents = frozenset(map(parent, (*self.by_name, *others)))
        # By the clock: a pattern of a thousand wildcards takes 3 ms for a name of a thousand characters.
        self._stretch = Stretch()
        self._only_subscribed = "SUBSCRIBED" in command.selection
        self._only_special = "SPECIAL-USE" in command.selection
        self._recursive = "RECURSIVEMATCH" in command.selection
        # With RECURSIVEMATCH, names above selected ones are shown, too, unless those are all shown themselves: "Servers
        # SHOULD ONLY return a non-matching mailbox name along with CHILDINFO if at least one matching child is not also
        # being returned" (RFC 5258 §3.5).
        self._above = _above(filter(self._selected, self.names())) if self._recursive else frozenset[str]()

    def names(self) -> list[str]:
        """The names to examine, in order, each once."""
        names = [*self.by_name, *sorted({*self._others, *self._prefixes})]
        if self._only_subscribed:
            names += self._subscribed.difference(names)
            if self._recursive:  # names above subscribed names without a mailbox do not exist either
                names += {above for name in self._subscribed for above in ancestors(name)}.difference(names)
            names.sort(key=_order)
        return names

    async def lines(self) -> list[ListData]:
        """The LIST lines, in order."""
        names = [name for name in self.names() if await self._matches(name)]
        needed = self._above and _above(set(filter(self._selected, self.names())).difference(names))
        return [self._line(name) for name in names if self._selected(name) or name in needed]

    async def _matches(self, name: str) -> bool:
        """Whether one of the patterns matches."""
        for pattern in self._patterns:
            await self._stretch.step()
            if pattern.matches(name):
                return True
        return False

    def _selected(self, name: str) -> bool:
        """Whether the name itself fits the selection."""
        if self._only_subscribed and name not in self._subscribed:
            return False
        if self._only_special:
            box = self.by_name.get(name)
            return box is not None and bool(box.special_use)
        return True

    def _line(self, name: str) -> ListData:
        childinfo: tuple[str, ...] = ()
        if name in self._above and self._only_subscribed:
            childinfo = ("SUBSCRIBED",)
        if name in self._above and self._only_special:
            childinfo = (*childinfo, "SPECIAL-USE")
        box = self.by_name.get(name)
        flags: list[str] = []
        if name in self._others:
            flags.append(r"\HasChildren" if name in self._parents else r"\HasNoChildren")
        elif name in self._prefixes:
            flags += [r"\Noselect", r"\HasChildren"]
        elif box is None:
            flags.append(r"\NonExistent")
        else:
            flags.append(r"\HasChildren" if name in self._parents else r"\HasNoChildren")
            flags += list_names(box.special_use, system=box.system)
            if self._linked and not self._linked.isdisjoint((name, *ancestors(name))):
                flags.append(r"\Remote")  # another server that links these should not mirror them again (LINK-19)
        if name in self._subscribed:
            flags.append(r"\Subscribed")
        return ListData(tuple(flags), name, childinfo=childinfo)


def _above(names: Iterable[str]) -> frozenset[str]:
    return frozenset(above for name in names for above in ancestors(name))


async def lsub(session: Session, command: c.Lsub) -> Done:
    """LSUB (RFC 3501 §6.3.9). With a trailing ``%`` it also lists parents of subscribed names that do not match
    themselves.
    """
    if not command.pattern:
        session.respond(LsubData((r"\NoSelect",), ""))
        return Done("LIST completed")
    names = await session.home.account.read(subscriptions, op="imap-lsub")
    pattern = Pattern(command.reference, command.pattern)
    shown: dict[str, tuple[str, ...]] = {}
    above: dict[str, tuple[str, ...]] = {}
    stretch = Stretch()
    for name in names:
        for candidate in (name, *(ancestors(name) if command.pattern.endswith("%") else ())):
            await stretch.step()
            if not pattern.matches(candidate):
                continue
            if candidate == name:
                shown[name] = ()
                break
            above[candidate] = (r"\NoSelect",)
    shown = above | shown
    for name in sorted(shown, key=_order):
        session.respond(LsubData(shown[name], name))
        await session.drain()
    return Done("LSUB completed")


async def status(session: Session, command: c.Status) -> Done:
    """Answer STATUS: the counts of a mailbox that need not be selected."""
    async with at(session, command.mailbox) as place:
        box = await place.account.read(lambda r: place.find(r, place.name, "r"), op="imap-status", turn=False)
        session.respond(await status_of(session, place, box, command.items))
    return Done("STATUS completed")


async def status_of(session: Session, access: Access, box: Mailbox, items: Iterable[str]) -> StatusData:
    r"""The requested values, never by a scan (IMAP-71). ``\Recent`` is counted for the owner alone."""
    found: list[tuple[str, int | str | None]] = []
    for item in dict.fromkeys(items):
        value: int | str
        match item:
            case "MESSAGES":
                value = box.exists
            case "UIDNEXT":
                value = box.uidnext
            case "UIDVALIDITY":
                value = box.uidvalidity
            case "UNSEEN":
                value = box.unseen
            case "DELETED":
                value = box.deleted
            case "DELETED-STORAGE":
                value = box.deleted_size
            case "SIZE":
                value = box.size
            case "APPENDLIMIT":
                value = session.context.append_limit
            case "HIGHESTMODSEQ":
                session.use_condstore()
                value = box.modseq
                view = session.view
                # the client may remember it (`Modseqs.shown`)
                if view is not None and view.mailbox_id == box.id and view.seat.owner == access.owner:
                    view.modseqs.shown = max(view.modseqs.shown, value)
            case "MAILBOXID":
                value = f"F{box.id}{access.suffix.decode()}"
            case "RECENT":
                value = 0 if access.guest else await unclaimed(session, box)
            case _:
                raise AssertionError(item)
        found.append((item, value))
    return StatusData(access.shown(box.name), tuple(found))


MAX_PATTERN: Final = 1000
"""Characters of a pattern (IMAP-146): as many as a name may have."""

_WILDCARDS: Final = re.compile(r"[*%]+")
