"""The texts of the interface in other languages (WEBMAIL-143): ``frontend/i18n/LANG.json`` becomes two parts of each
app that is translated. ``APP-lang-LANG.js`` has the texts of what nearly each visit loads, ``APP-texts-LANG.js``
those that only other parts have. Texts of the account app alone are in ``frontend/i18n/account/LANG.json``.

A source text is its own key; of a text that counts, both forms are, with ``|`` between them; a translation has as many
as its language (`FORMS`). A word that English uses for several things comes after what is meant: ``alert none``.
Each text comes after the hash of its key, so that a part is half as large as with the keys themselves.
"""

import json
import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from moxlite.wording import MARKED

TOP = Path(__file__).resolve().parent.parent.parent
FRONTEND = TOP / "frontend"
TRANSLATED = ("webmail", "account")
"""Apps with languages."""

COMMON = {"webmail": ("message", "compose"), "account": ("you", "reading")}
"""Parts that nearly each visit loads, by app."""

FORMS = {
    "ar": ("zero", "one", "two", "few", "many"),
    "cs": ("one", "few"),
    "he": ("one", "two"),
    "ja": (),
    "pl": ("one", "few"),
    "uk": ("one", "few"),
    "zh": (),
}
"""The plural categories (CLDR) with a form of their own before the last form, which all other numbers have; of other
languages "one" alone.
"""

MAILBOXES = ("Inbox", "Drafts", "Sent", "Archive", "Trash", "Junk", "Snoozed")
"""Mailboxes whose names are translated, each by the key ``mailbox NAME``."""

KEYS = ("ctrl", "shift", "alt", "Enter", "Escape", "Delete", "Space", "PageUp", "PageDown", "Home", "End")
"""Keys whose names are translated, each by the key ``key NAME``: those in the command table of the webmail."""

NAMED = {"mailbox": MAILBOXES, "key": KEYS}


CALL = re.compile(r"(?<![\w.$])(t|many|meant)\(\s*")
STRING = r'"((?:[^"\\\n]|\\.)*)"'
ONE = re.compile(STRING)
COUNTED = re.compile(r'(?:[^",()]|\((?:[^()]|\([^()]*\))*\))*,\s*' + STRING + r",\s*" + STRING)
MEANT = re.compile(STRING + r",\s*" + STRING)
FORM = {"t": ONE, "many": COUNTED, "meant": MEANT}
NAMES = re.compile(r"\{(\w+)\}")
IMPORT = re.compile(r'^(?:import|export)\b(?!\s+type\b)[^;"]*"(\.[^"]*)"', re.MULTILINE)


def texts(module: str) -> Iterator[tuple[str, str]]:
    """The keys of the texts in a module, in their order, each with its English: of a word with a context, the word
    alone. Texts that are not written as literals have no key.
    """
    for call in CALL.finditer(module):
        literals = FORM[call[1]].match(module, call.end())
        if literals is not None:
            strings = [json.loads(f'"{text}"') for text in literals.groups()]
            yield (" ".join(strings), strings[1]) if call[1] == "meant" else ("|".join(strings), "|".join(strings))


def modules_of(app: str) -> Iterator[Path]:
    """The modules with the texts of an app, and modules of another app from which it imports."""
    modules = [path for folder in (app, "lib") for path in sorted((FRONTEND / folder).rglob("*.ts"))]
    yield from modules
    yield from sorted(reached(modules) - set(modules))
    yield from (FRONTEND / "gen").glob(f"{app}settings.ts")


@cache
def source_texts(app: str) -> dict[str, str]:
    """The keys of an app, with the module that has each first."""
    named = [f"{kind} {name}" for kind, names in NAMED.items() for name in names]
    found = dict.fromkeys(named, "") if app in TRANSLATED else {}
    for path in modules_of(app):
        for key, _ in texts(path.read_text()):
            found.setdefault(key, str(path.relative_to(FRONTEND)))
    return found


def marked(text: str) -> str:
    """A text of the marked language: its English in brackets, each form of one that counts."""
    return "|".join(f"⟦{form}⟧" for form in text.split("|"))


@cache
def marked_texts(app: str) -> dict[str, str]:
    """The texts of the marked language by their keys. A view that shows English without brackets has a text that no
    language can translate.
    """
    known = {f"{kind} {name}": name for kind, names in NAMED.items() for name in names}
    for path in modules_of(app):
        known |= dict(texts(path.read_text()))
    return {key: marked(english) for key, english in known.items()}


@cache
def languages(app: str) -> dict[str, dict[str, str]]:
    """The translations by key of all languages, with texts of the webmail that the app does not have."""
    found = {path.stem: json.loads(path.read_text()) for path in sorted((FRONTEND / "i18n").glob("*.json"))}
    for path in (FRONTEND / "i18n" / app).glob("*.json"):
        found[path.stem] |= json.loads(path.read_text())
    settings = FRONTEND / "i18n" / "settings" / f"{app}.json"  # by text, so that a new setting changes one file
    if settings.exists():
        for text, translations in json.loads(settings.read_text()).items():
            for language, words in translations.items():
                found[language][text] = words
    return found


def forms(language: str) -> tuple[str, ...]:
    """The plural categories that have a form before the last one."""
    return FORMS.get(language, ("one",))


def fault(key: str, text: str, language: str = "de") -> str:
    """The reason why a text does not translate its key; "" for one that does."""
    if not text.strip():
        return "is empty"
    if "\n" in text:
        return "has a line end"
    if text.count("|") != (len(forms(language)) if "|" in key else 0):
        return "has other forms"
    *few, most = text.split("|")
    names = set(NAMES.findall(key.split("|")[-1]))
    # the forms for one, two and few may leave out the number
    if set(NAMES.findall(most)) != names or any(not set(NAMES.findall(form)) <= names | {"n"} for form in few):
        return "has other names in braces"
    if (key[:1] == " ", key[-1:] == " ") != (text[:1] == " ", text[-1:] == " "):
        return "begins or ends with another blank"
    return ""


def fnv(key: str) -> int:
    """FNV-1a of a key's UTF-16, 32 bits, as ``frontend/lib/language.ts`` computes it."""
    value = 0x811C9DC5
    units = key.encode("utf-16-le")
    for n in range(0, len(units), 2):
        value = ((value ^ int.from_bytes(units[n : n + 2], "little")) * 0x01000193) & 0xFFFFFFFF
    return value


@cache  # the keys are the same in each language
def hashed(key: str) -> str:
    """The hash of a key, four digits of base 36, as ``frontend/lib/language.ts`` computes it."""
    value = fnv(key) % 36**4
    digits = ""
    for _ in range(4):
        value, digit = divmod(value, 36)
        digits = "0123456789abcdefghijklmnopqrstuvwxyz"[digit] + digits
    return digits


@cache
def loaded_first(app: str) -> set[Path]:
    """The modules of an app that nearly each visit loads: main.ts, the parts of COMMON, and what they import."""
    return reached([FRONTEND / app / "main.ts", *(FRONTEND / app / part / "part.ts" for part in COMMON[app])])


def reached(modules: list[Path]) -> set[Path]:
    """These modules, and all that they import."""
    found: set[Path] = set()
    waiting = [*modules]
    while waiting:
        path = waiting.pop()
        if path in found or not path.is_file():
            continue
        found.add(path)
        waiting += [(path.parent / f"{name}.ts").resolve() for name in IMPORT.findall(path.read_text())]
    return found


@cache
def _read_first(app: str) -> set[str]:
    return {key for path in loaded_first(app) for key, _ in texts(path.read_text())}


def data(app: str, language: str) -> tuple[str, str]:
    """The texts of a language as its two parts hold them: lines of hash and text. Ends with a word about bad
    translations.
    """
    keys = source_texts(app)
    known = marked_texts(app) if language == MARKED else languages(app)[language]
    hashes = {hashed(key): key for key in keys}
    if len(hashes) != len(keys):
        sys.exit(f"gen: two texts of {app} have one hash: change the words of one of them")
    for key in keys:
        if key in known and (why := fault(key, known[key], language)):
            sys.exit(f"gen: frontend/i18n/{language}.json or {app}/{language}.json: the text for {key!r} {why}")
    first = _read_first(app) | {key for key, module in keys.items() if not module}  # names of mailboxes and keys

    def lines(*, early: bool) -> str:
        chosen = (key for key in keys if key in known and (key in first) == early)
        return "\n".join(f"{hashed(key)}{known[key]}" for key in chosen)

    return lines(early=True), lines(early=False)
