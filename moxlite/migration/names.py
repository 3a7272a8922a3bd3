"""Translating names of mailboxes between another server and this one (IMAP-139).

Other servers have other hierarchy separators, may put all mailboxes below ``INBOX``, and have their own names for
special-use mailboxes such as Sent. This module does no I/O.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final, Literal, TypeAlias

import msgspec

from moxlite.normal import normalized, visible
from moxlite.proto.imap.responses import ListData
from moxlite.store.names import INBOX, OTHERS, SEPARATOR
from moxlite.store.types import SpecialUse

USES: Final[Mapping[str, SpecialUse]] = {
    # RFC 6154 §2, in lower case
    r"\archive": SpecialUse.ARCHIVE,
    r"\drafts": SpecialUse.DRAFTS,
    r"\junk": SpecialUse.JUNK,
    r"\sent": SpecialUse.SENT,
    r"\trash": SpecialUse.TRASH,
}

VIRTUAL: Final = frozenset({r"\flagged", r"\important"})
"""Attributes of mailboxes that show messages of other mailboxes (RFC 6154 §2, RFC 8457)."""


def _names(text: str) -> frozenset[str]:
    return frozenset(name.strip() for name in text.split("|"))


NAMES: Final[Mapping[SpecialUse, frozenset[str]]] = {
    # Names given by mail programs, for servers without special-use attributes.
    SpecialUse.SENT: _names(
        "sent | sent items | sent mail | sent messages | sent-mail | gesendet | gesendete elemente | gesendete objekte"
        " | envoyés | éléments envoyés | messages envoyés | enviados | elementos enviados | inviata | posta inviata"
        " | verzonden | verzonden items | skickat | sendt | wysłane | отправленные"
    ),
    SpecialUse.DRAFTS: _names(
        "drafts | draft | entwürfe | brouillons | borradores | bozze | concepten | utkast | kladder | szkice"
        " | черновики"
    ),
    SpecialUse.JUNK: _names(
        "junk | spam | junk e-mail | junk email | junk mail | bulk mail | junk-e-mail | unerwünscht | spamverdacht"
        " | courrier indésirable | correo no deseado | posta indesiderata | ongewenste e-mail | спам"
    ),
    SpecialUse.TRASH: _names(
        "trash | deleted items | deleted messages | deleted | bin | papierkorb | gelöscht | gelöschte elemente"
        " | gelöschte objekte | corbeille | éléments supprimés | papelera | elementos eliminados | cestino"
        " | prullenbak | verwijderde items | papperskorg | kosz | корзина"
    ),
    SpecialUse.ARCHIVE: _names("archive | archives | archiv | archivo | archivio | archief | archiwum | архив"),
}


OTHERS_MOVED: Final = f"{OTHERS}_"
"""Name of a folder that would hide the mailboxes that other users share here (IMAP-157)."""

_WILDCARDS: Final = re.compile(r"[*%]+")


Owner: TypeAlias = Literal["personal", "others", "shared"]
"""Kind of a namespace: the user's own, other users', or for everybody (RFC 2342 §3)."""


class Namespaces(msgspec.Struct, frozen=True):
    """The namespaces of another server, as pairs of prefix and separator (RFC 2342 §5); all is personal without any.
    Inbox is in the first personal one.
    """

    personal: tuple[tuple[str, str], ...] = ()
    others: tuple[tuple[str, str], ...] = ()
    shared: tuple[tuple[str, str], ...] = ()

    @property
    def prefix(self) -> str:
        """The prefix of the user's own mailboxes, "" for none."""
        return self.personal[0][0] if self.personal else ""

    def owner_of(self, name: str) -> Owner:
        """Owner of a mailbox: the longest prefix decides, because one may be empty, as with Cyrus."""
        owner: Owner = "personal"
        longest = -1
        kinds: tuple[tuple[Owner, tuple[tuple[str, str], ...]], ...] = (
            ("personal", self.personal),
            ("others", self.others),
            ("shared", self.shared),
        )
        for kind, pairs in () if name.lower() == "inbox" else kinds:
            for prefix, separator in pairs:
                within = name.lower().startswith(prefix.lower()) or name == prefix.removesuffix(separator)
                if within and len(prefix) > longest:
                    owner, longest = kind, len(prefix)
        return owner


class RemoteBox(msgspec.Struct, frozen=True):
    """A mailbox of the other server that can be selected.

    Attributes:
      everything: it shows all messages, under any label.
      remote: it mirrors one of a third server (RFC 5258 §3.4).
      public: it's in a namespace for everybody.
      prefix: begins its name, and isn't part of its path.
    """

    name: str
    separator: str
    use: SpecialUse
    subscribed: bool
    everything: bool = False
    remote: bool = False
    public: bool = False
    prefix: str = ""


class Place(msgspec.Struct, frozen=True):
    """The target of a source mailbox. `use`: the special use that a newly created target gets."""

    box: RemoteBox
    target: str
    use: SpecialUse = SpecialUse(0)


def shows_others(box: ListData, *, google: bool) -> bool:
    r"""Whether a mailbox only shows messages of other mailboxes. Google's ``\All`` doesn't."""
    flags = {flag.lower() for flag in box.flags}
    return bool(flags & VIRTUAL) or (r"\all" in flags and not google)


def uses_of(
    found: Sequence[ListData],
    subscribed: Collection[str],
    separator: str,
    *,
    google: bool,
    namespaces: Namespaces = Namespaces(),
) -> list[RemoteBox]:
    r"""The mailboxes of a listing, with their special uses: by attribute, else by well-known names.

    Left out: mailboxes that cannot be selected, and mailboxes that only show messages of others. Google's ``\All`` is
    kept, at the end: it alone has the messages without a label.
    """
    boxes: list[RemoteBox] = []
    taken = SpecialUse(0)
    for one in found:
        flags = {flag.lower() for flag in one.flags}
        if flags & {r"\noselect", r"\nonexistent"} or shows_others(one, google=google):
            continue
        public = namespaces.owner_of(one.name) == "shared"
        use = SpecialUse(0)
        for flag, bit in USES.items():
            if flag in flags and not bit & taken and not public:
                use |= bit
        taken |= use
        known = one.name in subscribed or r"\subscribed" in flags
        remote, separates = r"\remote" in flags, one.separator or ""
        boxes.append(RemoteBox(one.name, separates, use, known, r"\all" in flags, remote, public))
    own = [box.name for box in boxes if not box.public]
    prefix = namespaces.prefix or personal_prefix(own, separator)
    for at, box in enumerate(boxes):
        if box.public:
            continue
        boxes[at] = box = msgspec.structs.replace(box, prefix=prefix)
        short = _without(box.name, prefix).lower()
        for bit, names in NAMES.items():
            if not box.use and not bit & taken and not box.everything and short in names:
                boxes[at] = msgspec.structs.replace(box, use=bit)
                taken |= bit
    boxes.sort(key=lambda box: (box.everything, box.name.lower() != "inbox", box.name))
    return boxes


def personal_prefix(names: Iterable[str], separator: str) -> str:
    """``INBOX.`` if all mailboxes are below Inbox, as with Courier and Cyrus; else ""."""
    if not separator:
        return ""
    others = [name for name in names if name.lower() != "inbox"]
    prefix = f"inbox{separator}"
    return others[0][: len(prefix)] if others and all(name.lower().startswith(prefix) for name in others) else ""


def excluded(name: str, separator: str, patterns: Iterable[str]) -> bool:
    """Whether a mailbox or one above it matches a pattern."""
    names = [name]
    if separator:
        elements = name.split(separator)
        names += [separator.join(elements[:count]) for count in range(1, len(elements))]
    return any(_matches(pattern, one, separator) for pattern in patterns for one in names)


def _matches(pattern: str, name: str, separator: str) -> bool:
    """Match a LIST pattern: ``*`` matches any text, ``%`` any text without a separator; case is ignored. Linear,
    without backtracking: each character of the name advances a set of positions.
    """
    # Merge adjacent wildcards, so that none follows another.
    pattern = _WILDCARDS.sub(lambda match: "*" if "*" in match[0] else "%", pattern.lower()) + "\0"
    states = _past_wildcards({0}, pattern)
    for letter in name.lower():
        stay = {at for at in states if pattern[at] == "*" or (pattern[at] == "%" and letter != separator)}
        states = _past_wildcards(stay | {at + 1 for at in states if pattern[at] == letter}, pattern)
        if not states:
            return False
    return len(pattern) - 1 in states


def _past_wildcards(states: set[int], pattern: str) -> set[int]:
    return states | {at + 1 for at in states if pattern[at] in "*%"}


def mapped(name: str, separator: str, maps: Iterable[tuple[str, str]]) -> str | None:
    """The name that the user's options give a mailbox; the longest matching source name wins. None if no option
    matches.
    """
    best: tuple[int, str] | None = None
    for old, new in maps:
        same = name == old or (old.lower() == "inbox" and name.lower() == "inbox")
        below = bool(separator) and name.startswith(old + separator)
        if (same or below) and (best is None or len(old) > best[0]):
            rest = name[len(old) :].strip(separator) if below else ""
            elements = [new.strip(SEPARATOR), *map(_element, rest.split(separator) if rest else [])]
            best = len(old), SEPARATOR.join(filter(None, elements))
    return None if best is None else best[1]


def places(
    boxes: Sequence[RemoteBox],
    *,
    own: Mapping[SpecialUse, str],
    maps: Sequence[tuple[str, str]] = (),
    excludes: Sequence[str] = (),
    leave_out: Collection[str] = (),
    prefix: str = "",
    uses_below: bool = False,
) -> list[Place]:
    """The targets of another server's mailboxes.

    Args:
      own: names of our mailboxes by special use.
      excludes: patterns of mailboxes that are left out with all below. leave_out: names of mailboxes that are.
      prefix: mailbox below which all targets are; with `uses_below`, those with a special use are named there as ours.
    """
    below = prefix.strip(SEPARATOR)
    found = []
    for box in boxes:
        if box.name in leave_out or excluded(box.name, box.separator, excludes):
            continue
        wanted = mapped(box.name, box.separator, maps)
        use = SpecialUse(0)
        if wanted is not None:
            target = wanted
        elif box.name.lower() == "inbox":
            target = INBOX
        elif (not below or uses_below) and box.everything:
            target, use = own[SpecialUse.ARCHIVE], SpecialUse.ARCHIVE
        elif (not below or uses_below) and (bits := [bit for bit in own if bit & box.use]):
            target, use = own[bits[0]], bits[0]
        else:
            target = path_of(box)
        inside = below and wanted is None
        found.append(Place(box, f"{below}{SEPARATOR}{target}" if inside else target, SpecialUse(0) if below else use))
    return found


def path_of(box: RemoteBox) -> str:
    """The path of a mailbox without a special use, in the form of this server. One that would hide the mailboxes that
    other users share here has another name (IMAP-157).
    """
    short = _without(box.name, box.prefix)
    elements = [*map(_element, short.split(box.separator) if box.separator else [short])]
    if elements[0] == OTHERS:
        elements[0] = OTHERS_MOVED
    elif elements[0].lower() == "inbox":  # as the store writes it
        elements[0] = INBOX
    return SEPARATOR.join(elements)


def name_there(name: str, separator: str, prefix: str) -> str:
    """The name on another server for a mailbox of ours; `prefix` begins the names of personal mailboxes there."""
    elements = name.split(SEPARATOR)
    if elements[0] == INBOX:
        elements[0] = "INBOX"
        prefix = ""
    if not separator:
        return prefix + "_".join(elements)
    return prefix + separator.join(element.replace(separator, "_") for element in elements)


def _without(name: str, prefix: str) -> str:
    return name[len(prefix) :] if prefix and name.lower().startswith(prefix.lower()) else name


def _element(element: str) -> str:
    """An element of a foreign name, changed to one that is valid here (STORE-12)."""
    element = normalized("NFC", element).replace(SEPARATOR, "_")
    element = visible(element, "_")
    if element in ("", ".", ".."):
        return "_"
    return "_" + element[1:] if element[0] == "#" else element
