"""Charset names in mail, and the codecs that decode them.

An untrusted charset name never reaches Python's codec look-up: only the names below are supported. Text with a wrong
charset is decoded as UTF-8 with replacement characters; that of text with an unknown one, or none, is guessed
(STORE-56). A name that senders use for a superset is
decoded as that superset (as in the WHATWG Encoding Standard, https://encoding.spec.whatwg.org/#names-and-labels): mail
that is labelled iso-8859-1 but contains windows-1252 is common, and real iso-8859-1 decodes to the same text.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Mapping
from contextlib import suppress
from functools import lru_cache
from typing import Final, NamedTuple


# A list of our own, since Python's look-up imports modules by the name that it is given, and has codecs that no mail
# needs: `punycode` takes the square of its input, `unicode_escape` makes characters out of ASCII that a filter has read
# otherwise.
def _table() -> Mapping[str, str]:
    table: dict[str, str] = {}
    for codec, names in {
        "ascii": "usascii ascii ansix341968 iso646us unknown8bit 8bit binary default none",
        "utf-8": "utf8 unicode11utf8 utf8mb4",
        "utf-16": "utf16 unicode ucs2 iso10646ucs2",
        "utf-16-le": "utf16le",
        "utf-16-be": "utf16be",
        "utf-32": "utf32 ucs4",
        "utf-32-le": "utf32le",
        "utf-32-be": "utf32be",
        "utf-7": "utf7 unicode11utf7",
        "cp1252": "windows1252 cp1252 iso88591 latin1 l1 isolatin1 88591 iso885911987 ansi xansi",
        "iso8859-2": "iso88592 latin2 l2 isolatin2 iso885921987",
        "iso8859-3": "iso88593 latin3 l3",
        "iso8859-4": "iso88594 latin4 l4",
        "iso8859-5": "iso88595 cyrillic",
        "iso8859-6": "iso88596 iso88596i iso88596e arabic",
        "iso8859-7": "iso88597 greek",
        "iso8859-8": "iso88598 iso88598i iso88598e hebrew",
        "cp1254": "iso88599 latin5 l5 windows1254 cp1254",
        "iso8859-10": "iso885910 latin6 l6",
        "cp874": "iso885911 tis620 windows874 cp874",
        "iso8859-13": "iso885913 latin7",
        "iso8859-14": "iso885914 latin8",
        "iso8859-15": "iso885915 latin9 latin0",
        "iso8859-16": "iso885916 latin10",
        "cp1250": "windows1250 cp1250 xcp1250",
        "cp1251": "windows1251 cp1251 xcp1251",
        "cp1253": "windows1253 cp1253",
        "cp1255": "windows1255 cp1255",
        "cp1256": "windows1256 cp1256",
        "cp1257": "windows1257 cp1257",
        "cp1258": "windows1258 cp1258",
        "cp437": "cp437 ibm437",
        "cp850": "cp850 ibm850",
        "cp852": "cp852 ibm852",
        "cp858": "cp858 ibm858",
        "cp866": "cp866 ibm866",
        "koi8-r": "koi8r koi8",
        "koi8-u": "koi8u koi8ru",
        "mac-roman": "macintosh macroman xmacroman mac",
        "mac-cyrillic": "maccyrillic xmaccyrillic xmacukrainian",
        "gb18030": "gb18030 gbk gb2312 cp936 ms936 windows936 xgbk eucgb2312 euccn gb231280 csgb2312 chinese",
        "hz": "hz hzgb2312",
        "big5hkscs": "big5 big5hkscs cnbig5 xxbig5 cp950 csbig5 big5tw",
        "cp932": "shiftjis sjis xsjis cp932 ms932 windows31j csshiftjis mskanji",
        "euc-jp": "eucjp xeucjp cseucpkdfmtjapanese ujis",
        "iso2022_jp_ext": "iso2022jp iso2022jp1 iso2022jp2 iso2022jp3 iso2022jpms iso2022jp2004 "
        "cp50220 cp50221 csiso2022jp",
        "cp949": "euckr ksc56011987 ksc5601 ksc56011989 cp949 ms949 windows949 uhc korean cseuckr xwindows949",
        "iso2022_kr": "iso2022kr csiso2022kr",
        "johab": "johab",
        "ptcp154": "ptcp154 cp154",
        "tis-620": "tis6202",
    }.items():
        for name in names.split():
            table[name] = codec
    return table


_CODECS: Final = _table()
CODECS: Final = tuple(dict.fromkeys(_CODECS.values()))
"""Python's names of all codecs that are in use."""
_NOISE: Final = re.compile(r"[^a-z0-9]")
_FALLBACK: Final = "utf-8"
_LATIN: Final = "windows-1252"
UNDECLARED: Final = (None, "ascii")
"""Codecs of names that don't say what octets above 127 are."""
_NO_HINTS: Final = ("ascii", "utf-", "iso2022", "hz")
_ASCII: Final = bytes(range(128))
_SUPERSETS: Final = ("ascii", "utf-8", "cp12", "iso8859-", "koi8-", "gb18030", "euc-jp", "cp949")


def codec_name(charset: str) -> str | None:
    """Python's codec for a charset name in mail; None if it is unknown."""
    return _codec_name(charset[:60])


@lru_cache(maxsize=64)
def _codec_name(charset: str) -> str | None:
    return _CODECS.get(_NOISE.sub("", charset.lower()))


def is_ascii_superset(charset: str) -> bool:
    """Whether ASCII octets at the start of a text decode to ASCII in this charset, whatever follows them; also true for
    an unknown charset, which is decoded as UTF-8.
    """
    name = codec_name(charset)
    return name is None or name.startswith(_SUPERSETS)


def is_hint(charset: str) -> bool:
    """Whether a charset declared for one part suggests the encoding of octets above 127 in other parts."""
    name = codec_name(charset)
    return name is not None and not name.startswith(_NO_HINTS)


class Decoded(NamedTuple):
    """A text, and whether its charset is known and has all of its octets."""

    text: str
    sound: bool


def decode_text(octets: bytes, charset: str = "") -> str:
    """Decode any octets: with a wrong charset as UTF-8, with U+FFFD for invalid octets; with an unknown one, or none,
    as `guess_text` does.
    """
    return decode(octets, charset).text


def decode(octets: bytes, charset: str, *hints: str) -> Decoded:
    """As `decode_text`; `hints` are for `guess_text`."""
    name = codec_name(charset)
    if name in UNDECLARED:
        text = guess_text(octets, *hints)
        return Decoded(text, not (name is None and charset) and octets == text.encode(_FALLBACK))
    try:
        text = octets.decode(name)
        # UTF-7 lets surrogates through, which can neither be stored nor sent.
        return Decoded(text if name != "utf-7" else text.encode("utf-8", "replace").decode("utf-8"), True)
    except UnicodeDecodeError:
        if name == "cp1252":
            return Decoded(_decode_latin(octets), True)
        try:
            return Decoded(octets.decode(_FALLBACK), False)
        except UnicodeDecodeError:
            return Decoded(octets.decode(name, "replace"), False)


def guess_text(octets: bytes, *hints: str) -> str:
    """Decode text whose charset is not declared, with `guess_charset`."""
    try:
        return octets.decode(_FALLBACK)
    except UnicodeDecodeError:
        charset = guess_charset(octets, *hints)
    return _decode_latin(octets) if charset == _LATIN else octets.decode(codec_name(charset) or _FALLBACK, "replace")


def guess_charset(octets: bytes, *hints: str) -> str:
    """The charset of text that declares none: UTF-8 if most of it is valid, else the first of `hints` that has all of
    its octets, charsets that the message has elsewhere, else windows-1252.
    """
    broken = octets.decode(_FALLBACK, "replace").count("\ufffd")
    if broken == 0 or 2 * broken < len(octets.translate(None, _ASCII)):
        return _FALLBACK
    for hint in filter(is_hint, hints):
        with suppress(UnicodeDecodeError):
            octets.decode(codec_name(hint) or _FALLBACK)
            return hint
    return _LATIN


def _decode_latin(octets: bytes) -> str:
    """Decode octets as windows-1252; if they include one of its five undefined octets, as UTF-8 if they are valid, else
    with these octets as the C1 controls of ISO 8859-1.
    """
    try:
        return octets.decode(_FALLBACK)
    except UnicodeDecodeError:
        return octets.decode("cp1252", "moxlite.c1")


def _c1_controls(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeDecodeError)
    return error.object[error.start : error.end].decode("latin-1"), error.end


codecs.register_error("moxlite.c1", _c1_controls)


def incremental_decoder(charset: str) -> codecs.IncrementalDecoder:
    """A decoder for text in blocks; invalid octets become U+FFFD."""
    return codecs.getincrementaldecoder(codec_name(charset) or _FALLBACK)("replace")
