"""One request of a logged-in user, and what is stored at its place."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from typing import TYPE_CHECKING, Final

import msgspec

from moxlite.groupware.entries import BUSY_TITLE, Expander
from moxlite.processor import off_loop
from moxlite.proto.dav.xml import DECLARATIONS, MAX_XML, BadXML, read_xml
from moxlite.store.file.transaction import Reader
from moxlite.store.groupware.collection import collection_named, token_of
from moxlite.store.groupware.resources import NoSuchResource, resource_named
from moxlite.store.groupware.scheduling import User
from moxlite.store.groupware.sharing import Shelf, guests_of
from moxlite.web.dav.conditions import Conditions, conditions_of
from moxlite.web.dav.places import XML_HEADERS, Place, Refusal, Shelf as ShelfName, Tree
from moxlite.web.dav.properties import Person, Target, Viewer
from moxlite.web.http.messages import Response

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

    from moxlite.store.accounts.opened import OpenAccount
    from moxlite.web.http.exchange import Request, ResponseWriter

ON_LOOP: Final = 2 << 10
"""Octets of XML that are read on the event loop: as empty elements they take 2 ms. Most bodies have a few hundred."""

PIECE: Final = 32 << 10
"""Characters of an answer that are written at once."""


ELEMENTS: Final = 61
"""Times the octets of XML that it takes with its elements, at most `ALL_ELEMENTS`: measured with empty ones."""

ALL_ELEMENTS: Final = 3 << 20
"""Octets of as many elements as a body may have."""

TEXT: Final = 9
"""Times the octets that other XML takes: four octets a letter beside an emoji, twice while it is read."""


def _cost(octets: int) -> int:
    return min(ELEMENTS * octets, TEXT * octets + ALL_ELEMENTS)


class Session(msgspec.Struct, frozen=True):
    """One request of a logged-in user.

    Attributes:
      user: the user as people of events know the user, beside these addresses.
      questions: answers what is posted to the outbox.
      others: finds the collections of other users that the user may see.
      colleague: finds another user by the name of the account, or by a whole address.
    """

    request: Request
    writer: ResponseWriter
    account: OpenAccount
    viewer: Viewer
    place: Place
    expander: Expander
    user: Callable[[Iterable[str]], User]
    questions: Callable[[bytes], Awaitable[Response]]
    others: Callable[[ShelfName], AsyncIterator[tuple[Viewer, Target]]]
    colleague: Callable[[str], Person | None]

    @property
    def tree(self) -> Tree:
        """The tree of the user."""
        return self.viewer.tree

    async def xml(self) -> Element | None:
        """The body; None without one. Raises Refusal."""
        data = await self.request.body.read(MAX_XML, _cost)
        if not data.strip():
            return None
        try:
            if len(data) <= ON_LOOP:
                return read_xml(data)
            return await off_loop(lambda: read_xml(data), kind="dav")
        except BadXML as error:
            raise Refusal(400, "", str(error)) from None

    async def conditions(self) -> Conditions:
        """The conditions of the request. Raises Refusal."""
        return conditions_of(self.request.headers, self.tree, self.place)

    @property
    def minimal(self) -> bool:
        """Whether the client wants no word of what it asked for in vain (RFC 8144)."""
        return "return=minimal" in self.request.headers.elements("prefer") or self.request.headers.get("brief") == "t"

    async def stream(self, pieces: AsyncIterator[str]) -> None:
        """Write a multistatus as it is made. What is refused before the first piece is refused as a whole."""
        # The first piece decides the status. Later, a failure can only cut the answer off, and XML without its end is
        # read by no client as the whole.
        first = await anext(pieces, "")
        await self.writer.start(207, XML_HEADERS)
        held = f'<?xml version="1.0" encoding="utf-8"?>\n<D:multistatus{DECLARATIONS}>' + first
        async for piece in pieces:
            held += piece
            if len(held) > PIECE:
                await self.writer.write(held.encode())
                held = ""
        await self.writer.write((held + "</D:multistatus>\n").encode())
        await self.writer.finish()


def stored(r: Reader, place: Place, shelf: Shelf) -> Target:
    """Read the stored target of a place, as the user of the shelf sees it. Raises NoSuchCollection, NoSuchResource."""
    if place.kind not in ("collection", "resource"):
        return Target(place)
    where = collection_named(r, place.shelf, place.collection)
    if place.kind == "collection":
        return Target(place, where, token=token_of(r, where, where.modseq), guests=guests_of(r, where))
    resource = resource_named(r, where.id, place.name)
    if resource is None:
        raise NoSuchResource("entry not found")
    return Target(place, where, shelf.seen(r, resource, BUSY_TITLE), guests=guests_of(r, where))
