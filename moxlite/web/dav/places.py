"""The places of a user's tree, and refusals with their precondition (DAV-12, DAV-20)."""

from __future__ import annotations

from typing import Final, Literal, TypeAlias
from urllib.parse import quote, urlsplit

import msgspec

from moxlite.proto.dav.xml import CALDAV, CARDDAV, DAV, document, element, text
from moxlite.store.groupware.collection import OUTBOX
from moxlite.web.http.messages import Response
from moxlite.web.http.paths import is_text, unescaped

XML_HEADERS: Final = (
    ("content-type", "application/xml; charset=utf-8"),
    ("cache-control", "no-store"),
    ("x-content-type-options", "nosniff"),
)

Shelf: TypeAlias = Literal["calendar", "contact"]
SHELVES: Final[dict[str, Shelf]] = {"calendars": "calendar", "addressbooks": "contact"}
FOLDERS: Final = {shelf: folder for folder, shelf in SHELVES.items()}


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


class Tree(msgspec.Struct, frozen=True):
    """The tree of one user: `base` is the path of its root, ending in a slash. `owner`: the other user whose shared
    collections it shows, which are in the user's own homes, "" for the own ones.
    """

    base: str
    account: str
    owner: str = ""

    def of(self, owner: str) -> Tree:
        """The same tree, for the collections of another user."""
        return msgspec.structs.replace(self, owner=owner)

    def place(self, path: str) -> Place:
        """The place of a decoded path. Raises NotThere, NoParent."""
        rest = path.removeprefix(self.base)
        if rest == path and path + "/" != self.base:
            raise NotThere
        parts = [part for part in rest.split("/") if part] if path.startswith(self.base) else []
        if not parts:
            return Place("root")
        if parts[0] == "principals" and len(parts) < 3:
            if len(parts) == 1:
                return Place("principals")
            return Place("principal") if parts[1] == self.account else Place("person", name=parts[1])
        shelf = SHELVES.get(parts[0])
        if shelf is None or len(parts) < 2 or parts[1] != self.account:
            raise NotThere
        if len(parts) > 4:
            raise NoParent
        if shelf == "calendar" and parts[2:] == [OUTBOX]:
            return Place("outbox", shelf, OUTBOX)
        if len(parts) > 2:
            owner, name = shared_by(parts[2])
            if owner != self.owner:
                raise NotThere
            parts[2] = name
        kinds: tuple[Literal["home", "collection", "resource"], ...] = ("home", "collection", "resource")
        return Place(kinds[len(parts) - 2], shelf, *parts[2:])

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
        owner = quote(self.account, safe="")
        match place.kind:
            case "root":
                rest = ""
            case "principals":
                rest = "principals/"
            case "principal":
                rest = f"principals/{owner}/"
            case "person":
                rest = f"principals/{quote(place.name, safe='')}/"
            case _:
                rest = f"{FOLDERS[place.shelf]}/{owner}/"
                if place.collection:
                    rest += quote(f"{SHARED}{self.owner}~" if self.owner else "", safe="~")
                    rest += quote(place.collection, safe="") + "/"
                rest += quote(place.name, safe="")
        return quote(self.base) + rest


SHARED: Final = "shared~"
"""Begin of the names under which collections of others are in a user's homes: ``shared~OWNER~NAME``."""


def shared_by(name: str) -> tuple[str, str]:
    """The owner of a collection by its name in a user's home, "" for an own one, and its name there."""
    owner, mark, inner = name.removeprefix(SHARED).partition("~")
    return (owner, inner) if name.startswith(SHARED) and mark else ("", name)


def owner_in(base: str, path: str) -> str:
    """The owner of the shared collection that a path leads to, "" for the user's own places."""
    parts = [part for part in path.removeprefix(base).split("/") if part]
    return shared_by(parts[2])[0] if len(parts) > 2 and parts[0] in SHELVES else ""


def href(path: str) -> str:
    """The element with an encoded path."""
    return element(DAV + "href", text(path))
