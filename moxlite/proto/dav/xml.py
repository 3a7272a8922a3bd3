"""XML of WebDAV: bodies of requests as trees, with bounds, and elements of answers as text (RFC 4918 §8.2, §14).

Names of elements are in Clark's notation, ``{namespace}name``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final
from xml.etree.ElementTree import Element, ParseError, tostring
from xml.sax.saxutils import escape, quoteattr

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser, iterparse

from moxlite.proto.namespaces import bound_namespaces

if TYPE_CHECKING:
    import pyexpat

DAV: Final = "{DAV:}"
CALDAV: Final = "{urn:ietf:params:xml:ns:caldav}"
CARDDAV: Final = "{urn:ietf:params:xml:ns:carddav}"
CALSERVER: Final = "{http://calendarserver.org/ns/}"
APPLE: Final = "{http://apple.com/ns/ical/}"

PREFIXES: Final = {DAV: "D", CALDAV: "C", CARDDAV: "CR", CALSERVER: "CS", APPLE: "A"}
"""Prefixes that answers declare once, at the top."""

MAX_XML: Final = 1 << 20
"""Octets of a body."""

MAX_DEPTH: Final = 50
"""Depth of nested elements. The deepest query, for a parameter of an alarm's property, has eight levels."""

MAX_ELEMENTS: Final = 10_000
"""Number of elements of a body. A multiget has one for each entry; clients that want more send several."""

MAX_INSIDE: Final = 2_000
"""Number of elements of a response in a list: a calendar has some fifty properties."""

MAX_TAG: Final = 16 << 10
"""Octets of a tag or comment beyond a piece. A tag is parsed in one step that blocks other threads, and attributes of
that length take 5 ms. A root with the namespaces of all standards has one thousand.
"""

ILLEGAL: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")
"""Characters that XML cannot have (XML 1.0 §2.2)."""

DECLARATIONS: Final = "".join(f' xmlns:{prefix}="{name[1:-1]}"' for name, prefix in PREFIXES.items())


class BadXML(ValueError):
    """A body that is no XML, or too large; the message is for people."""


def read_xml(data: bytes, most: int = MAX_ELEMENTS) -> Element:
    """The root of a body of at most so many elements. Raises BadXML."""
    root: Element | None = None
    for _, found in _events(data, most):
        root = found if root is None else root
    if root is None:
        raise BadXML("the body is empty")
    return root


def each_child(data: bytes, name: str, most: int = MAX_ELEMENTS) -> Iterator[Element]:
    """The children of a body's root, which has that name, one after another: each is taken from the root before the
    next is read, so that a long list takes little memory. Raises BadXML.
    """
    root: Element | None = None
    depth = inside = 0
    for event, found in _events(data, most):
        if root is None:
            root = found
            if root.tag != name:
                raise BadXML(f"expected {name.rpartition('}')[2]} as the root of the XML")
        depth += 1 if event == "start" else -1
        inside += event == "start"
        if inside > MAX_INSIDE:
            raise BadXML("the XML has too many elements or is nested too deeply")
        if event == "end" and depth == 1:
            yield found
            root.clear()
            inside = 0


def _events(data: bytes, most: int) -> Iterator[tuple[str, Element]]:
    """The starts and ends of elements. Raises BadXML."""
    depth = count = 0
    parser = DefusedXMLParser(forbid_dtd=True)
    # By Expat's own handler: the events below come after a whole piece.
    bound_namespaces(parser.parser, BadXML("the XML has a namespace with a long name"))
    try:
        for event, found in iterparse(_Pieces(data, parser.parser), events=("start", "end"), parser=parser):
            depth += 1 if event == "start" else -1
            count += event == "start"
            if depth > MAX_DEPTH or count > most:
                raise BadXML("the XML has too many elements or is nested too deeply")
            yield event, found
    except ParseError as error:
        raise BadXML(f"invalid XML in the body: {error}") from None
    except (DefusedXmlException, LookupError, ValueError) as error:
        if isinstance(error, BadXML):
            raise
        raise BadXML("the XML contains a DOCTYPE, an entity declaration, or an unknown encoding") from None


class _Pieces:
    """A body as a file that gives small pieces, so that bounds are noticed early."""

    def __init__(self, data: bytes, parser: pyexpat.XMLParserType) -> None:
        self._data = data
        self._parser = parser
        self._place = 0

    def read(self, size: int = -1) -> bytes:
        """The next octets, b"" at the end. Raises BadXML if the parser waits for the end of a long tag."""
        begun = self._parser.CurrentByteIndex  # -1: it does not know
        if 0 <= begun < self._place - MAX_TAG:
            raise BadXML("an XML tag is too long")
        piece = self._data[self._place : self._place + min(size, 4096) if size >= 0 else None]
        self._place += len(piece)
        return piece


def child(parent: Element | None, name: str) -> Element | None:
    """The first child of that name."""
    return None if parent is None else parent.find(name)


def texts(parent: Element | None, name: str) -> list[str]:
    """The texts of the children of that name, without space around them."""
    return [] if parent is None else [(one.text or "").strip() for one in parent.findall(name)]


def element(name: str, /, *inner: str, **attributes: str) -> str:
    """An element with what is in it, as XML already. A namespace without a prefix is declared at the element."""
    space, _, local = name.rpartition("}")
    prefix = PREFIXES.get(space + "}")
    tag = local if prefix is None else f"{prefix}:{local}"
    declared = f" xmlns={quoteattr(space[1:])}" if prefix is None else ""
    rest = "".join(f" {key.replace('_', '-')}={quoteattr(value)}" for key, value in attributes.items())
    body = "".join(inner)
    return f"<{tag}{declared}{rest}>{body}</{tag}>" if body else f"<{tag}{declared}{rest}/>"


def text(value: str) -> str:
    """A text as XML; characters that XML cannot have are left out."""
    return escape(ILLEGAL.sub("", value))


def kept(one: Element) -> str:
    """An element as it is kept for later answers, with its own declarations."""
    one.tail = None
    return tostring(one, encoding="unicode")


def document(name: str, pieces: Iterable[str]) -> str:
    """A whole document with the declarations of `PREFIXES`."""
    space, _, local = name.rpartition("}")
    tag = f"{PREFIXES[space + '}']}:{local}"
    return f'<?xml version="1.0" encoding="utf-8"?>\n<{tag}{DECLARATIONS}>{"".join(pieces)}</{tag}>\n'
