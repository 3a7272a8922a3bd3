"""Text of messages: decoded text parts, HTML as text, text for search and tokens (IMAP-121, STORE-88, STORE-110).

HTML is read in one pass by a tolerant tokeniser: no tree, no backtracking, cost linear in the size. Its output is for
search and previews, never for display as HTML.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Final, NamedTuple, TypeAlias

from moxlite.normal import normalized

from .charset import Decoded, codec_name, decode as decode_charset, is_ascii_superset
from .decode import BLOCK, decode_blocks, is_known_encoding
from .headers import HeaderSection
from .structure import scan
from .tnef import wrapped_content
from .types import Part, Structure
from .unshown import Curtain

Read: TypeAlias = Callable[[int, int], bytes]
"""Read the octets of the message from one offset to another; offsets as in the structure."""

MAX_TEXT: Final = 1 << 20
"""Octets of a part, and characters of a message, that are used: longer texts are rarely read, and expensive to index.
"""

# Encoded octets read per decoded octet: quoted-printable needs at most three, the rest is a reserve.
_EXPANSION: Final = 4

HIDDEN: Final = frozenset({
    "annotation", "annotation-xml", "datalist", "dialog", "head", "iframe", "noembed", "noframes", "script", "style",
    "svg", "template", "title",
})  # fmt: skip
"""Elements whose content no reader sees as words (STORE-58); the sanitizer of HTML removes the same (WEBMAIL-53)."""

_NO_WORDS: Final = frozenset({"script", "style", "svg"})  # STORE-88

# HTML §13.2.5.2..4: no tags inside.
_RAW: Final = frozenset({"script", "style", "textarea", "title", "xmp", "noembed", "noframes", "iframe"})
_BLOCKS: Final = frozenset({
    "address", "article", "aside", "audio", "blockquote", "body", "br", "button", "center", "dd", "div", "dl", "dt",
    "fieldset", "figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "li",
    "main", "nav", "object", "ol", "option", "p", "pre", "section", "select", "table", "tr", "ul", "video", "xmp",
})  # fmt: skip
_CELLS: Final = frozenset({"td", "th"})
_QUOTE_OR_END: Final = re.compile(r"[\"'>]")
_TAG_NAME: Final = re.compile(r"(/?)([A-Za-z][^\s/>]{0,40})")
_ALT: Final = re.compile(r"""\salt\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>"']+))""", re.IGNORECASE)
_META_CHARSET: Final = re.compile(
    rb"<meta[^<>]{0,200}charset\s{0,9}=\s{0,9}[\"']?([A-Za-z0-9_:.-]{1,40})", re.IGNORECASE
)
_BIG_REFERENCE: Final = re.compile(r"&#[0-9]{8,};?")  # no character has such a number, and int() refuses long ones
_BLANKS: Final = re.compile(r" {2,}")
_BLANK_LINES: Final = re.compile(r"\n{3,}")


class _Tags:
    """Finds the ends of tags. Remembers strings that do not occur again, so that they are not searched twice."""

    def __init__(self, html: str) -> None:
        self.html = html
        self.missing: set[str] = set()

    def find(self, what: str, at: int) -> int:
        if what in self.missing:
            return -1
        found = self.html.find(what, at)
        if found < 0:
            self.missing.add(what)
        return found

    def end(self, at: int) -> int:
        """After the ">" of the tag in which `at` is; quoted ones are passed over. -1 if the tag never ends."""
        html = self.html
        while mark := _QUOTE_OR_END.search(html, at):
            at = mark.end()
            if mark[0] == ">":
                return at
            # Only a quote after "=" opens a value: an apostrophe elsewhere is junk.
            if html[max(0, at - 10) : at - 1].rstrip().endswith("=") and (partner := self.find(mark[0], at)) >= 0:
                at = partner + 1
        return -1


def visible_text(
    html: str,
    *,
    hidden: frozenset[str] = HIDDEN,
    alt: bool = False,
    quotes: bool = False,
    limit: int = MAX_TEXT,
    unshown: list[str] | None = None,
) -> str:
    """The text that a reader sees, blocks on lines of their own, blanks collapsed outside of `pre`.

    Args:
      hidden: elements to leave out, lower case.
      alt: put in the alternative texts of images.
      quotes: start lines inside blockquotes with "> ".
      limit: stop after about so many characters of text.
      unshown: gets the texts that styles and attributes hide, which are else part of the text.
    """
    out: list[str] = []
    size = 0
    for piece in _pieces(html, hidden, alt, quotes, unshown):
        out.append(piece)
        size += len(piece)
        if size >= limit:
            break
    text = "\n".join([line.strip(" ") for line in "".join(out).split("\n")])
    return (_BLANK_LINES.sub("\n\n", text) if "\n\n\n" in text else text).strip("\n")


def _pieces(html: str, hidden: frozenset[str], alt: bool, quotes: bool, unshown: list[str] | None) -> Iterator[str]:
    tags = _Tags(html)
    curtain = Curtain()
    at = 0
    skipped = ""  # the hidden element we are in, "" if none
    depth = 0  # how often that element is open
    quoted = 0
    pre = 0
    end = len(html)
    while at < end:
        start = html.find("<", at)
        if start < 0:
            start = end
        if start > at and not skipped:
            text = _text(html[at:start], pre > 0)
            if curtain.hidden and unshown is not None:
                unshown.append(text)
            else:
                yield text
        if start == end:
            return
        name = _TAG_NAME.match(html, start + 1)
        if name is None:
            # an unterminated comment extends to the end, as in browsers
            if html.startswith("<!--", start):
                close = tags.find("-->", start + 4)
                at = end if close < 0 else close + 3
            elif html.startswith(("<!", "<?", "</"), start):
                # declarations and broken end tags are comments for browsers
                close = tags.find(">", start)
                at = end if close < 0 else close + 1
            else:
                if not skipped:
                    yield "<"
                at = start + 1
            continue
        closing, element = name[1] == "/", name[2].lower()
        at = tags.end(name.end())
        if at < 0:
            return
        if skipped:
            if element == skipped:
                depth += -1 if closing else 1
            # An unclosed head ends where the body begins.
            if not depth or (skipped == "head" and not closing and element in _BLOCKS):
                skipped = ""
            # what looks like a tag in a script or style is text, and must not be counted
            if skipped and not closing and element in _RAW:
                at = _raw_end(tags, element, at)
            continue
        if not closing and element in hidden:
            if element in _RAW:
                content, at = at, _raw_end(tags, element, at)
                if element == "style" and unshown is not None:
                    curtain.read_sheet(html[content:at])
            # an element that closes itself hides nothing
            elif html[at - 2] != "/":
                skipped, depth = element, 1
            continue
        if unshown is not None and (curtain.hidden or not closing):
            curtain.pass_tag(element, html[name.end() : at - 1], closing=closing)
        if element == "blockquote":
            quoted = max(0, quoted - 1) if closing else quoted + 1
        elif element == "pre":
            pre = max(0, pre - 1) if closing else pre + 1
        if element in _BLOCKS:
            yield "\n" + "> " * min(quoted, 1) if quotes else "\n"
        elif element in _CELLS and not closing:
            yield " "
        elif alt and element == "img" and (match := _ALT.search(html, name.end(), at)):
            yield f" {_text(match[1] or match[2] or match[3] or '', False)} "


def _raw_end(tags: _Tags, element: str, at: int) -> int:
    """Index of the end tag of an element whose content has no tags, or the end of the text."""
    key = "</" + element
    if key in tags.missing:
        return len(tags.html)
    match = re.compile(re.escape(key), re.IGNORECASE).search(tags.html, at)
    if match is None:
        tags.missing.add(key)
        return len(tags.html)
    return match.start()


def _text(text: str, pre: bool) -> str:
    if "&" in text:
        from html import unescape  # 0.5 MB of names

        text = unescape(_BIG_REFERENCE.sub("\ufffd", text))
    if pre:
        return text
    # A pattern for runs of all blanks would replace each single blank as well, and take five times as long.
    for blank in ("\r\n", "\n", "\t", "\r", "\f"):
        text = text.replace(blank, " ")
    return _BLANKS.sub(" ", text) if "  " in text else text


# --- parts ---


class EncodedPart(NamedTuple):
    """A part, how its octets are read, and whether it is the root of an embedded message."""

    part: Part
    read: Read
    embedded: bool


def walk_encoded(structure: Structure, read: Read, limit: int = MAX_TEXT) -> Iterator[EncodedPart]:
    """As `Part.walk`, and the parts of signed-data (STORE-52b) and of encoded messages (STORE-52a), of which at most
    `limit` octets are decoded: that bounds their depth as well, as each has a header.
    """
    stack = [EncodedPart(structure.root, read, False)]
    while stack:
        reached = stack.pop()
        yield reached
        part, read, _ = reached
        if part.message is not None:
            stack.append(EncodedPart(part.message.root, read, True))
        elif part.is_encoded_message and limit > 0:
            inner, inner_read = open_message(part, read, limit)
            limit -= inner.size
            stack.append(EncodedPart(inner.root, inner_read, True))
        stack.extend([EncodedPart(child, read, False) for child in reversed(part.children)])


def open_message(part: Part, read: Read, limit: int = MAX_TEXT) -> tuple[Structure, Read]:
    """The structure of an encoded message, and how its octets are read: the first `limit` of them, decoded."""
    octets = _content(part, read, limit)
    return scan(octets), lambda start, end: octets[start:end]


def part_text(part: Part, read: Read, limit: int = MAX_TEXT) -> str:
    """The text of a text part, transfer encoding and charset decoded, from at most `limit` decoded octets."""
    return decode_part(part, read, limit).text


def decode_part(part: Part, read: Read, limit: int) -> Decoded:
    """As `part_text`, and whether its encodings are known, and its charset has all of its octets."""
    content = _content(part, read, limit)
    charset = part.charset
    if (
        part.subtype == "HTML"
        and (not charset or codec_name(charset) is None)
        and (meta := _META_CHARSET.search(content, 0, 4096))
    ):
        charset = meta[1].decode("ascii")
    text, sound = decode_charset(content, charset, part.hint)
    return Decoded(text, sound and is_known_encoding(part.encoding))


def reader_of(part: Part, read: Read) -> Read:
    """How the octets of a part are read by its own offsets; `read` reads the message."""
    within = part.within
    if within is None:
        return read
    encoded = (read(at, min(within.end, at + BLOCK)) for at in range(within.start, within.end, BLOCK))
    octets = wrapped_content(b"".join(decode_blocks(encoded, within.encoding))) or b""
    return lambda start, end: octets[start:end]


def _content(part: Part, read: Read, limit: int) -> bytes:
    octets = bytearray()
    for block in decode_blocks(_blocks(part, read, limit), part.encoding):
        octets += block
        if len(octets) >= limit:
            del octets[limit:]
            break
    return bytes(octets)


def _blocks(part: Part, read: Read, limit: int) -> Iterator[bytes]:
    read = reader_of(part, read)
    end = min(part.end, part.body + limit * _EXPANSION)
    for at in range(part.body, end, BLOCK):
        yield read(at, min(end, at + BLOCK))


SIGNATURE_FIELDS: Final = frozenset({"dkim-signature", "x-google-dkim-signature", "arc-seal", "arc-message-signature"})
"""Fields, in lower case, whose hashes and signatures (RFC 6376 §3.5, RFC 8617 §4.1) are no search text: the trigrams of
these random characters took a fifth of an index's time (decisions/025).
"""

_SIGNATURE_VALUE: Final = re.compile(r"((?:^|;)[ \t]*bh?[ \t]*=)[^;]*")
_SIGNATURE_NAMES: Final = frozenset(name.encode() for name in SIGNATURE_FIELDS)


def header_text(header: HeaderSection) -> str:
    """The search text of a header section: all fields, unfolded and decoded, one per line; junk has an empty name.

    In `SIGNATURE_FIELDS`, a line end replaces the values of `b=` and `bh=`: no needle without a line end matches
    across the gap.
    """
    return "\n".join(
        [f"{label.decode('ascii')}: {_field_text(label, header.decode(text))}" for label, text in header.pairs()]
    )


def _field_text(label: bytes, text: str) -> str:
    return _SIGNATURE_VALUE.sub(r"\1\n", text) if label.lower() in _SIGNATURE_NAMES else text


MAX_WORD: Final = 64
"""Characters of a word in HTML's source, up to a blank, quote or angle bracket, that is search text. Longer ones are
mostly addresses with keys, or data, which were half of the index's time (decisions/025).
"""
_LONG_WORD: Final = re.compile(rf"""(?<![^\s<>"'])[^\s<>"']{{{MAX_WORD + 1},}}""")


def _without_long_words(html: str) -> str:
    """A line end takes the place of each. Splitting takes a quarter of the pattern's time, and most mail has none."""
    words = html.replace("<", " ").replace(">", " ").replace('"', " ").replace("'", " ").split()
    return _LONG_WORD.sub("\n", html) if max(map(len, words), default=0) > MAX_WORD else html


def body_text(structure: Structure, read: Read, limit: int = MAX_TEXT) -> str:
    """The text for SEARCH BODY (IMAP-121): all text parts decoded, HTML as source without its longest words and as
    visible text, and the headers of embedded messages.

    At most `limit` characters; `read` is called only for the octets that are needed.
    """
    out: list[str] = []
    room = limit
    for part, octets, embedded in walk_encoded(structure, read):
        pieces: list[str] = []
        if embedded:
            header = reader_of(part, octets)(part.header, min(part.body, part.header + limit))
            pieces.append(header_text(HeaderSection(header, hint=part.hint)))
        if part.type == "TEXT" and part.end > part.body:
            text = part_text(part, octets, limit)
            if part.subtype == "HTML":
                pieces += _without_long_words(text), visible_text(text, alt=True)
            else:
                pieces.append(text)
        for piece in pieces:
            out.append(piece[:room])
            room -= len(out[-1]) + 1
            if room <= 0:
                return "\n".join(out)
    return "\n".join(out)


class TokenText(NamedTuple):
    """The text of a part, what of it isn't shown, and its decoded source: the links of an HTML part are only there."""

    text: str
    unshown: str
    source: str


def token_text(structure: Structure, read: Read, limit: int = MAX_TEXT) -> Iterator[TokenText]:
    """The texts for the tokens of the junk filter (STORE-88): each text part, also of embedded messages; HTML as
    visible text with the alternative texts of images.

    The texts have at most `limit` characters together.
    """
    for part, octets, _ in walk_encoded(structure, read):
        if part.type != "TEXT" or part.end == part.body:
            continue
        source = part_text(part, octets, limit)
        unshown: list[str] = []
        text = source if part.subtype != "HTML" else visible_text(source, hidden=_NO_WORDS, alt=True, unshown=unshown)
        hidden = "\n".join(unshown)
        yield TokenText(text[:limit], hidden[: max(limit - len(text), 0)], source)
        limit -= len(text) + len(hidden)
        if limit <= 0:
            return


def casemap(text: str) -> str:
    """Sort key of text by i;unicode-casemap (RFC 5051 §2): each character in title case, then decomposed. Comparing the
    keys by code points gives the same order as comparing their octets in UTF-8.
    """
    if text.isascii():
        return text.upper()
    return "".join(map(_mapped, text))


@lru_cache(maxsize=4096)  # the letters in use are few; some peer may send them all
def _mapped(character: str) -> str:
    title = character.title()
    return _decomposed(title if len(title) == 1 else character)  # only what UnicodeData.txt has: one for one


def _decomposed(character: str) -> str:
    """By the field of UnicodeData.txt, again and again: Hangul has none there, and nothing is put in another order."""
    fields = [field for field in unicodedata.decomposition(character).split() if field[0] != "<"]
    return "".join([_decomposed(chr(int(field, 16))) for field in fields]) or character


def fold(text: str) -> str:
    """The form in which texts and search strings are compared (IMAP-121): NFKC, then casefold."""
    if text.isascii():
        return text.lower()
    # Twice, since casefold leaves forms that NFKC joins: ΐ becomes three characters, which are one again only by the
    # second pass. Text and search string must come out alike, however each was written.
    return normalized("NFKC", normalized("NFKC", text).casefold())


# Previews of messages (RFC 8970; STORE-58, IMAP-105): the text without quotes, on one line.


MAX_PREVIEW: Final = 200
"""Characters (RFC 8970 §3.1 recommends at most 256)."""

_HTML_TEXT: Final = 16 * 1024  # characters of visible text: enough to get past quotes
_BEGIN: Final = 2048  # octets: more than the first `_FEW_LINES` lines
_PLAIN: Final = ("7BIT", "8BIT", "BINARY")
_FEW_LINES: Final = 20  # enough for most messages; all lines of a page would take 100 µs more
_MANY_LINES: Final = 5000  # where all the first ones are quotes: some answers come below pages of them
_LOOK_AHEAD: Final = 3  # lines that `_attribution` reads
_GAP: Final = "[...]"
_SIGNATURE: Final = "--"  # RFC 3676 §4.3, its blank at the end often lost
_ATTRIBUTION: Final = re.compile(r"On .{1,300} wrote:")
_FORWARDED: Final = re.compile(r"-{3,}\s?(?:Original|Forwarded) [Mm]essage\s?-{3,}")
# Fillers by which senders keep text out of previews, and characters without meaning on one line.
_INVISIBLE: Final = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]"
)


class TooManySigns(Exception):
    """A text has more tags and entities than the caller of `preview` allows, each of which costs some 2.5 µs; or it is
    in an encoded message, which may cost as much as any other.
    """


def preview(structure: Structure, read: Read, *, signs: int | None = None) -> str:
    """The preview of a message, "" if it has no readable text.

    Reads at most MAX_TEXT octets of a part.

    Raises:
      TooManySigns: the decoded texts have more than `signs` tags and entities together; found before they are read.
    """
    for part, source in _candidates(structure.root, read, signs is None):
        if part.subtype != "HTML" and (found := _preview_of_begin(part, source)):
            return found
        text = part_text(part, source, MAX_TEXT)
        if signs is not None:
            signs -= text.count("<") + text.count("&")
            if signs < 0:
                raise TooManySigns
        if part.subtype == "HTML":
            text = visible_text(text, quotes=True, limit=_HTML_TEXT)
        if found := preview_of_text(text):
            return found
    return ""


def _preview_of_begin(part: Part, read: Read) -> str:
    """The preview from the first octets of a text if it is certainly the preview of the whole; else ""."""
    if part.end - part.body <= _BEGIN or part.encoding not in _PLAIN or not is_ascii_superset(part.charset):
        return ""
    octets = reader_of(part, read)(part.body, part.body + _BEGIN)
    if not octets.isascii():  # the charset is known only from the whole text
        return ""
    found, complete = _preview_of_lines(octets.decode("ascii"), _FEW_LINES, cut=True)
    return found if complete else ""


def _candidates(part: Part, read: Read, may_open: bool) -> Iterator[tuple[Part, Read]]:
    """Text parts that show the message, best first, and how they are read; an embedded message counts when nothing
    else has text.

    Raises:
      TooManySigns: an encoded message would have to be opened, and `may_open` forbids it.
    """
    embedded: list[tuple[Part, Read]] = []
    room = MAX_TEXT  # octets of encoded messages
    stack = [part]
    while stack or embedded:
        if not stack:
            holder, read = embedded.pop(0)
            if holder.message is not None:
                stack.append(holder.message.root)
            elif not may_open:
                raise TooManySigns
            elif room > 0:
                inner, read = open_message(holder, read, room)
                room -= inner.size
                stack.append(inner.root)
            continue
        part = stack.pop()
        if part.wrapped is not None:
            stack.append(part.wrapped)
            continue
        if part.disposition == "ATTACHMENT":
            continue
        if part.message is not None or part.is_encoded_message:
            embedded.append((part, read))
        elif part.parts:
            stack.extend(reversed(_children(part)))
        elif part.type == "TEXT" and part.subtype in ("PLAIN", "HTML"):
            yield part, read


def _children(part: Part) -> list[Part]:
    """The children of a multipart that show the message, best first."""
    if part.subtype == "ENCRYPTED":
        return []
    if part.subtype == "SIGNED":
        return list(part.parts[:1])
    if part.subtype == "ALTERNATIVE":
        return sorted(part.parts, key=lambda child: child.media_type != "text/plain")
    return list(part.parts)


def preview_of_text(text: str) -> str:
    """The first MAX_PREVIEW characters without quotes and signature, with white space collapsed; omitted text becomes
    one `[...]`.
    """
    found, complete = _preview_of_lines(text, _FEW_LINES)
    return found if complete else _preview_of_lines(text, _MANY_LINES)[0]


def _preview_of_lines(text: str, most: int, *, cut: bool = False) -> tuple[str, bool]:
    """The preview from the first `most` lines, and whether further lines cannot change it. `cut`: more text follows
    `text`, which may end within a line.
    """
    raw = text[:MAX_TEXT].split("\n", most)
    count = min(len(raw), most)
    plain = text.isascii()
    out: list[str] = []
    size = 0
    index = 0
    while index < count and size <= MAX_PREVIEW:
        line = _shown(raw[index], plain)
        index += 1
        if not line:
            continue
        first = line[0]
        if first == "-":
            if line == _SIGNATURE:
                size = MAX_PREVIEW + 1
                break
            if _FORWARDED.fullmatch(line):
                out.append(_GAP)
                size = MAX_PREVIEW + 1
                break
        if first == ">":
            line = _GAP
        elif line[-1] == ":" or line.startswith("On "):
            following = [_shown(one, plain) for one in raw[index : min(index + _LOOK_AHEAD - 1, count)]]
            if skip := _attribution(line, following):
                index += skip - 1
                line = _GAP
        if line == _GAP and out and out[-1] == _GAP:
            continue
        out.append(line)
        size += len(line) + 1
    # The last of these lines may introduce a quote that begins after them.
    complete = (len(raw) <= most and not cut) or (size > MAX_PREVIEW and index + _LOOK_AHEAD <= count)
    return "" if out == [_GAP] else " ".join(out)[:MAX_PREVIEW].rstrip(), complete


def _shown(line: str, plain: bool) -> str:
    """A line in the form for the preview; `plain`: it is all ASCII."""
    line = (line if plain else _INVISIBLE.sub("", line)).strip()
    # Of all white space only the blank is printable.
    return line if line.isprintable() and "  " not in line else " ".join(line.split())


def _attribution(first: str, following: list[str]) -> int:
    """Number of lines from `first` on that introduce a quote: `On ... wrote:` over up to three lines, or any line that
    ends with a colon before a quoted one.
    """
    if first.startswith("On "):
        joined = ""
        for count, line in enumerate([first, *following], 1):
            if not line:
                break
            joined = f"{joined} {line}" if joined else line
            if _ATTRIBUTION.fullmatch(joined):
                return count
    if first.endswith(":"):
        behind = next((line for line in following if line), "")
        return 1 if behind.startswith(">") else 0
    return 0
