"""Names of people in the form in which they are compared (STORE-96d): a name that readers take for another is equal to
it, whatever its case, blanks, order of words, accents, invisible characters and look-alike letters.

A change of the form needs a migration that empties the stored ones.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import Final

from moxlite.normal import normalized
from moxlite.proto.address import AddressKey

MAX_NAME: Final = 1000
"""Characters of a name that are compared: more than a line of a window shows. 0.3 ms."""

MAX_FOLDED: Final = 200
"""Characters of a folded name; a longer one is no name of a person."""

# Letters of other scripts, and letters without a decomposition, by the Latin ones that they look like. Upper case comes
# first: a Cyrillic "В" looks like B, and its lower case like no Latin letter.
# fmt: off
_PAIRS: Final = (
    "АA ВB ЕE ЗЗ ІI ЈJ КK МM НH ОO РP СC ЅS ТT УY ХX ԌG ԚQ ԜW "
    "аa вb еe іi јj кk мm нh оo рp сc ѕs тt уy хx ԁd ԛq ԝw һh ӏl "
    "ΑA ΒB ΕE ΖZ ΗH ΙI ΚK ΜM ΝN ΟO ΡP ΤT ΥY ΧX "
    "αa γy εe ηn ιi κk νv οo ρp σo τt υu χx ωw "
    "օo սu հh ոn ցg զq ՏS ՕO "
    "ıi łl ŁL øo ØO đd ĐD ħh ĦH ɑa ɡg ɩi ʟl "
    "ᴀa ʙb ᴄc ᴅd ᴇe ɢg ʜh ɪi ᴊj ᴋk ᴍm ɴn ᴏo ᴘp ʀr ꜱs ᴛt ᴜu ᴠv ᴡw ʏy ᴢz"
)
# fmt: on
_ALIKE: Final = str.maketrans({pair[0]: pair[1] for pair in _PAIRS.split()})
_FOREIGN: Final = {letter: latin for letter, latin in _ALIKE.items() if 0x370 <= letter < 0x590}
"""Letters of Greek, Cyrillic and Armenian."""

_MIXED: Final = re.compile("[A-Za-z][\u0370-\u058f]|[\u0370-\u058f][A-Za-z]")
_DIGITS: Final = str.maketrans({"0": "o", "1": "l", "i": "l", "|": "l"})
_TWO: Final = (("rn", "m"), ("vv", "w"), ("ae", "a"), ("oe", "o"), ("ue", "u"))
"""Pairs of letters that look like one, and the spellings of ä, ö, ü without dots."""

_BACKWARDS: Final = re.compile("\u202e([^\u202c]*)\u202c?")
_ASIDE: Final = re.compile(r"\([^()]*\)|\[[^\[\]]*\]|<[^<>]*>")
_UNSEEN: Final = frozenset({"Cc", "Cf", "Cs", "Cn", "Co"})
"""Categories of characters that are shown as nothing: controls, directions, joiners."""

_APOSTROPHE: Final = re.compile("['`\u00b4\u2018\u2019\u02bc]")
_WORD: Final = re.compile(r"[^\W_]+")

# Words of departments and machines: names of such words alone are borne by many.
_ROLE_WORDS: Final = """
a abteilung account accounts admin administration administrator alert alerts and an assistance billing buchhaltung care
client clientes clients contact customer das de del der desk die dienst do el equipe equipo facturation groep group help
helpdesk info information it klantenservice kunden kundendienst kundenservice la le les mail mailer marketing news
newsletter no noreply not notification notifications notificaciones of office order orders our press reply sales service
services shop soporte store support system team the und update updates verkauf vertrieb web webmaster your
"""
_ROLES: Final = frozenset(_ROLE_WORDS.split())


def folded_name(name: str) -> str:
    """The name as names are compared: its words in alphabetical order. "" for one without letters, and one that is
    longer than a name.
    """
    return _folded(_words(name))


def full_name(name: str) -> str:
    """As `folded_name`, but "" for a name that many people may have: of one word, or of words like "support" alone."""
    words = _words(name)
    if sum(any(char.isalpha() for char in word) for word in words) < 2 or _ROLES.issuperset(words):
        return ""
    return _folded(words)


def skeleton(text: str) -> str:
    """A text in lower case, without what is invisible, and with Latin letters where others, or digits, look like them.
    Linear.
    """
    return _alike(_plain(text))


def alike(addresses: Iterable[str], known: Iterable[str]) -> dict[str, str]:
    """Addresses that people may take for another one of their domain, and the first such one of `known`. Linear."""
    looks: dict[tuple[str, str], list[str]] = {}
    for other in known:
        looks.setdefault(_look(AddressKey.parse(other)), []).append(other)
    found: dict[str, str] = {}
    for address in addresses:
        key = AddressKey.parse(address)
        others = looks.get(_look(key), ()) if key.localpart else ()
        taken_for = next((other for other in others if AddressKey.parse(other) != key), "")
        if taken_for:
            found[address] = taken_for
    return found


def _look(key: AddressKey) -> tuple[str, str]:
    return skeleton(key.localpart), key.domain


def unmixed(text: str) -> str:
    """A text with Latin letters where a word has both these and letters of other scripts that look alike. Linear."""
    if _MIXED.search(text) is None:
        return text
    return _WORD.sub(lambda word: word[0].translate(_FOREIGN) if _MIXED.search(word[0]) else word[0], text)


def _words(name: str) -> list[str]:
    """The words of a name in lower case; asides such as "(via phone)" are left out."""
    shown = _BACKWARDS.sub(lambda match: match[1][::-1], name[:MAX_NAME])
    return _WORD.findall(_plain(_APOSTROPHE.sub("", _ASIDE.sub(" ", shown))))


def _plain(text: str) -> str:
    """A text in lower case, without accents and invisible characters, in Latin letters as far as they look so."""
    text = normalized("NFKD", text)
    if not text.isprintable():
        text = "".join(char for char in text if char.isspace() or unicodedata.category(char) not in _UNSEEN)
    if not text.isascii():
        text = "".join(char for char in text if not unicodedata.combining(char)).translate(_ALIKE)
    return text.casefold().translate(_ALIKE)


def _folded(words: list[str]) -> str:
    folded = " ".join(sorted(map(_alike, words)))
    return folded if len(folded) <= MAX_FOLDED and any(char.isalpha() for char in folded) else ""


def _alike(text: str) -> str:
    text = text.translate(_DIGITS)
    for two, one in _TWO:
        text = text.replace(two, one)
    return text
