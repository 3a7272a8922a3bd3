"""Translations that nobody has decided about since their English text is what it is now (WEBMAIL-143c).

A key of a translation is the English text, and keys are renamed when that is reworded, so a translation may say what a
former text said. ``frontend/i18n/decided/LANG.txt`` has the hash of each pair of texts that a reader has compared, one
in a line: a pair whose hash isn't there is undecided, also after the English or the translation has changed.

    script/check translations                    how many are undecided, by language
    script/check translations de                 list the undecided ones: place, hash, English, translation
    script/check translations de --right HASH …  say that these are right, after each has been read
    script/check translations --tidy             forget the decisions about pairs that are gone
"""

import argparse
import hashlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec

from moxlite.groupware.letters import LANGUAGES, Language

TOP = Path(__file__).resolve().parents[2]

PARTS = ("", "account/", "errors/", "pages/")
"""Folders with a file for each language."""

DIGITS = 10
"""Hexadecimal digits of a hash: enough for 50,000 pairs without two alike."""


class Pair(NamedTuple):
    """An English text and its translation; `place`: its file, or where it is in a letter."""

    place: str
    english: str
    translation: str

    @property
    def hash(self) -> str:
        """What a decision is kept by. The place doesn't count, so that a text can move."""
        return hashlib.sha256(f"{self.english}\0{self.translation}".encode()).hexdigest()[:DIGITS]


def languages(i18n: Path) -> list[str]:
    """The languages, without English."""
    return sorted(path.stem for path in i18n.glob("*.json"))


def pairs(language: str, i18n: Path) -> Iterator[Pair]:
    """All texts of a language."""
    for part in PARTS:
        path = i18n / part / f"{language}.json"
        for english, translation in json.loads(path.read_text(encoding="utf-8")).items():
            yield Pair(str(path.relative_to(i18n)), english, translation)
    for english, translations in json.loads((i18n / "settings/account.json").read_text(encoding="utf-8")).items():
        if language in translations:
            yield Pair("settings/account.json", english, translations[language])
    if language in LANGUAGES:
        theirs = dict(_texts(LANGUAGES[language]))
        for place, english in _texts(LANGUAGES["en"]):
            yield Pair(f"letters {place}", english, theirs[place])


def _texts(language: Language) -> Iterator[tuple[str, str]]:
    """The texts of a letter about an event, with their places."""
    for name, value in msgspec.structs.asdict(language).items():
        match value:
            case dict():
                texts = value
            case tuple():
                texts = dict(enumerate(value))
            case _:
                texts = {"": value}
        for key, text in texts.items():
            yield f"{name} {key}".strip(), text


def decided(language: str, i18n: Path) -> set[str]:
    """Hashes of the pairs that a reader has decided about."""
    path = i18n / "decided" / f"{language}.txt"
    return set(path.read_text(encoding="utf-8").split()) if path.exists() else set()


def keep(language: str, hashes: set[str], i18n: Path) -> None:
    """Write the decisions about a language."""
    path = i18n / "decided" / f"{language}.txt"
    path.parent.mkdir(exist_ok=True)
    path.write_text("".join(f"{one}\n" for one in sorted(hashes)), encoding="utf-8")


def undecided(language: str, i18n: Path) -> list[Pair]:
    """The pairs about which there is no decision."""
    known = decided(language, i18n)
    return [pair for pair in pairs(language, i18n) if pair.hash not in known]


def main(arguments: list[str], i18n: Path = TOP / "frontend/i18n") -> int:
    """Print, or keep a decision; the exit code."""
    parser = argparse.ArgumentParser(
        prog="script/check translations", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("language", nargs="?", choices=languages(i18n))
    parser.add_argument(
        "--right", metavar="HASH", nargs="+", help="pairs whose translation says what the English says, each read"
    )
    parser.add_argument("--tidy", action="store_true")
    options = parser.parse_args(arguments)
    if options.tidy:
        for one in languages(i18n):
            keep(one, decided(one, i18n) & {pair.hash for pair in pairs(one, i18n)}, i18n)
        return 0
    if options.language is None:
        counts = [f"{one} {len(undecided(one, i18n)):,}" for one in languages(i18n)]
        print(f"undecided translations (script/check translations LANG): {', '.join(counts)}")
        return 0
    left = undecided(options.language, i18n)
    if options.right is None:
        for pair in left:
            print(pair.place, pair.hash, pair.english, pair.translation, sep="\t")
        return 0
    right = set(options.right)
    if unknown := right - {pair.hash for pair in left}:
        print(f"no undecided translation has the hash {', '.join(sorted(unknown))}", file=sys.stderr)
        return 1
    keep(options.language, decided(options.language, i18n) | right, i18n)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
