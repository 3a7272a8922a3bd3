"""The places of a user's tree, and refusals with their precondition (DAV-12, DAV-20)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Literal, TypeAlias
from urllib.parse import quote, urlsplit

import msgspec

from moxlite.admin.offer import OLD_DAV_PATHS
from moxlite.proto.dav.xml import CALDAV, CARDDAV, DAV, document, element, text
from moxlite.store.groupware.collection import OUTBOX, Collection, copied_from, default_of, is_element
from moxlite.web.http.messages import Response
from moxlite.web.http.paths import is_text, unescaped

XML_HEADERS: Final = (
    ("content-type", "application/xml; charset=utf-8"),
    ("cache-control", "no-store"),
    ("x-content-type-options", "nosniff"),
)

Shelf: TypeAlias = Literal["calendar", "contact"]


class Refusal(Exception):
    """A request that is refused with an element that says why (RFC 4918 §16).

    Attributes:
      condition: name of the element; "" without one. inner: what is in it, as XML. words: one sentence for people.
    """

    def __init__(self, status: int, condition: str, words: str, inner: str = "") -> None:
        super().__init__(words)
        self.status = status
        self.condition = condition
        self.words = words
        self.inner = inner

    def response(self) -> Response:
        """The answer."""
        if not self.condition:
            return Response.text(self.status, sentence_of(self.words))
        said = element("{urn:moxlite}text", text(sentence_of(self.words)))
        body = document(DAV + "error", [element(self.condition, self.inner), said])
        return Response(self.status, XML_HEADERS, body.encode())


class NotThere(Refusal):
    """There is nothing at this place."""

    def __init__(self) -> None:
        super().__init__(404, "", "nothing found at this URL")


class NoParent(NotThere):
    """A place below an entry, where nothing can be."""


def sentence_of(words: str) -> str:
    """Words as a sentence."""
    return words[:1].upper() + words[1:].rstrip(".") + "."


class Place(msgspec.Struct, frozen=True):
    """A place: the root, the principals, the user, another person, a home of collections, a collection, a resource in
    it, or the outbox, which takes questions to others.
    """

    kind: Literal["root", "principals", "principal", "person", "home", "collection", "resource", "outbox"]
    shelf: Shelf = "calendar"
    collection: str = ""
    name: str = ""

    @property
    def space(self) -> str:
        """The namespace of its preconditions."""
        return CALDAV if self.shelf == "calendar" else CARDDAV


class Layout(msgspec.Struct, frozen=True):
    """The places of a tree, by folders of their paths.

    Attributes:
      principals: folders above principals. homes: folders before the user, and behind.
      default: the collection of a shelf that each user has there.
    """

    principals: tuple[str, ...]
    homes: Mapping[Shelf, tuple[tuple[str, ...], tuple[str, ...]]]
    default: Mapping[Shelf, str] = {}

    def home(self, parts: Sequence[str]) -> tuple[Shelf, str, list[str]] | None:
        """The shelf and user of a path in a home, and the rest of its parts; None for a path elsewhere."""
        for shelf, (before, behind) in self.homes.items():
            at = len(before)
            end = at + 1 + len(behind)
            if len(parts) >= end and tuple(parts[:at]) == before and tuple(parts[at + 1 : end]) == behind:
                return shelf, parts[at], [*parts[end:]]
        return None

    def principal(self, parts: Sequence[str]) -> str:
        """The user whose principal is at a path, "" if none is."""
        *above, user = parts or [""]
        return user if tuple(above) == self.principals else ""


OWN: Final = Layout(("principals",), {"calendar": (("calendars",), ()), "contact": (("addressbooks",), ())})

NEXTCLOUD: Final = Layout(
    ("principals", "users"),
    {"calendar": (("calendars",), ()), "contact": (("addressbooks", "users"), ())},
    {"calendar": "personal", "contact": "contacts"},
)

SOGO: Final = Layout(
    (),
    {"calendar": ((), ("Calendar",)), "contact": ((), ("Contacts",))},
    {"calendar": "personal", "contact": "personal"},
)

OLD_LAYOUTS: Final = {path: SOGO if "SOGo" in path else NEXTCLOUD for path in OLD_DAV_PATHS}


def parts_of(path: str, base: str) -> list[str]:
    """The parts of a decoded path below `base`; empty for a path elsewhere."""
    return [part for part in path.removeprefix(base).split("/") if part] if path.startswith(base) else []


class Tree(msgspec.Struct, frozen=True):
    """The tree of one user: `base` is the path of its root, ending in a slash.

    Attributes:
      account: the user, as its paths have it. owner: the other user whose shared collections it shows, which are in
        the user's own homes, "" for the own ones.
      names: names of own collections in paths, by shelf and name, where they differ.
    """

    base: str
    account: str
    owner: str = ""
    layout: Layout = OWN
    names: Mapping[tuple[str, str], str] = {}

    def of(self, owner: str) -> Tree:
        """The same tree, for the collections of another user."""
        return msgspec.structs.replace(self, owner=owner)

    def of_user(self, account: str) -> Tree:
        """The tree of another user."""
        return msgspec.structs.replace(self, account=account, owner="", names={})

    def place(self, path: str) -> Place:
        """The place of a decoded path. Raises NotThere, NoParent."""
        if not path.startswith(self.base) and path + "/" != self.base:
            raise NotThere
        parts = parts_of(path, self.base)
        if not parts:
            return Place("root")
        if (home := self.layout.home(parts)) is not None:
            shelf, user, rest = home
            if user != self.account:
                raise NotThere
            return self._at_home(shelf, rest)
        if tuple(parts) == self.layout.principals:
            return Place("principals")
        if user := self.layout.principal(parts):
            return Place("principal") if user == self.account else Place("person", name=user)
        raise NotThere

    def _at_home(self, shelf: Shelf, parts: list[str]) -> Place:
        if len(parts) > 2:
            raise NoParent
        if shelf == "calendar" and parts == [OUTBOX]:
            return Place("outbox", shelf, OUTBOX)
        if parts:
            owner, name = shared_by(parts[0])
            if owner != self.owner:
                raise NotThere
            here = (known for (kind, known), shown in self.names.items() if (kind, shown) == (shelf, name))
            parts[0] = name if owner else next(here, name)
        kinds: tuple[Literal["home", "collection", "resource"], ...] = ("home", "collection", "resource")
        return Place(kinds[len(parts)], shelf, *parts)

    def target(self, href: str) -> Place:
        """The place of an address or path in a request. Raises NotThere."""
        try:
            path = unescaped(urlsplit(href.strip()).path)
        except ValueError:  # a host in brackets that is no address
            raise NotThere from None
        # Hrefs in a body are not normalised as request paths are.
        if not is_text(path) or any(part in (".", "..") for part in path.split("/")):
            raise NotThere
        return self.place(path)

    def href(self, place: Place) -> str:
        """The path of a place, encoded."""
        match place.kind:
            case "root":
                return quote(self.base)
            case "principals":
                parts = self.layout.principals
            case "principal":
                parts = (*self.layout.principals, self.account)
            case "person":
                parts = (*self.layout.principals, place.name)
            case _:
                before, behind = self.layout.homes[place.shelf]
                parts = (*before, self.account, *behind)
        path = quote(self.base) + "".join(f"{quote(part, safe='')}/" for part in parts)
        if place.collection:
            name = place.collection
            shared = f"{SHARED}{self.owner}~" if self.owner else ""
            name = name if self.owner else self.names.get((place.shelf, name), name)
            path += f"{quote(shared, safe='~')}{quote(name, safe='')}/"
        return path if place.kind == "person" else path + quote(place.name, safe="")


SHARED: Final = "shared~"
"""Begin of the names under which collections of others are in a user's homes: ``shared~OWNER~NAME``."""


def shared_by(name: str) -> tuple[str, str]:
    """The owner of a collection by its name in a user's home, "" for an own one, and its name there."""
    owner, mark, inner = name.removeprefix(SHARED).partition("~")
    return (owner, inner) if name.startswith(SHARED) and mark else ("", name)


def owner_in(base: str, path: str) -> str:
    """The owner of the shared collection that a path leads to, "" for the user's own places."""
    home = layout_of(base).home(parts_of(path, base))
    return shared_by(home[2][0])[0] if home is not None and home[2] else ""


def layout_of(base: str) -> Layout:
    """The layout of the tree at a path."""
    return OLD_LAYOUTS.get(base, OWN)


def old_names(collections: Sequence[Collection], layout: Layout) -> dict[tuple[str, str], str]:
    """The names by which devices of a previous server know collections: those from which they were copied, and the
    one that each user had there. A collection that has such a name itself keeps it.
    """
    taken = {(one.kind, one.name) for one in collections}
    names: dict[tuple[str, str], str] = {}

    def know(collection: Collection, name: str) -> None:
        key = collection.kind, collection.name
        if key not in names and (collection.kind, name) not in taken and is_element(name):
            names[key] = name
            taken.add((collection.kind, name))

    for collection in collections:
        for path in copied_from(collection):
            for base, other in OLD_LAYOUTS.items():
                home = other.home(parts_of(unescaped(path), base)) if other == layout else None
                if home is not None and home[0] == collection.kind and len(home[2]) == 1:
                    know(collection, home[2][0])
    for shelf, name in layout.default.items():
        if (default := default_of([one for one in collections if one.kind == shelf])) is not None:
            know(default, name)
    return names


def href(path: str) -> str:
    """The element with an encoded path."""
    return element(DAV + "href", text(path))
