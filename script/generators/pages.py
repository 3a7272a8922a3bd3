"""The texts of plain pages and of mail to users in other languages (WEBMAIL-143, WEBMAIL-143e): error pages, and what a
page without scripts says; notices, bounces, and the sheets of ``moxlite move links``.

``frontend/i18n/pages/LANG.json`` has them by the English ones, which are in the code. With the translations of errors
that pages show, and of texts that an app has, too, they become ``moxlite/web/static/pages-LANG.json``, which
`moxlite.wording` reads.
"""

import ast
import json
import re
import sys

from generators import _errors, _languages
from generators._languages import FRONTEND, TOP, TRANSLATED, fault, marked
from moxlite.store.auth.loginattempts import PROTOCOLS
from moxlite.wording import MARKED

PACKAGE = TOP / "moxlite"
WEB = PACKAGE / "web"
FOREIGN = ("admin", "dav", "jmap", "webapi", "handlers", "discovery", "http", "http2")
"""Folders whose pages stay English."""

UNSEEN = frozenset({405, 415})
"""Status of pages that a person does not come to: a program has asked in another way than ours do."""

ERRORS = (
    "moxlite/web/sessions.py",
    "moxlite/web/storeerrors.py",
    "moxlite/web/account/calls/devices.py",
    "moxlite/web/webmail/reading/",
    "moxlite/store/errors.py",
    "moxlite/sandbox/",
)
"""Code whose errors of calls are shown on pages, too."""

NOSCRIPT = re.compile(r"<noscript>(.*?)</noscript>", re.DOTALL)


def source_texts() -> set[str]:
    """The texts that are in the code of pages."""
    found: set[str] = set()
    for app in TRANSLATED:
        found |= set(NOSCRIPT.findall((FRONTEND / app / "index.html").read_text()))
    for path in sorted(WEB.rglob("*.py")):
        if path.relative_to(WEB).parts[0] in FOREIGN:
            continue
        module = path.read_text()
        for call in _errors.calls_below(_errors.tree(path)):
            if getattr(call.func, "id", "") == "HTTPError":
                found |= _error_text(call.args)
            elif "ReaderLanguage" in module and path.name != "pagetexts.py":
                found |= _page_text(call)
    return found | _mail_texts()


def _mail_texts() -> set[str]:
    """The texts of mail to users, without those that are values alone."""
    found = {name for name in PROTOCOLS.values() if name != name.upper() and not re.search("[a-z][A-Z]", name)}
    for path in sorted(PACKAGE.rglob("*.py")):
        if "mail_text(" in path.read_text():
            for call in _errors.calls_below(_errors.tree(path)):
                if getattr(call.func, "id", "") == "mail_text":
                    found |= set(_errors.texts_of(path, call.args[0]))
    bounces = PACKAGE / "queue" / "bounces.py"
    for call in _errors.calls_below(_errors.tree(bounces)):
        if getattr(call.func, "id", "") == "Meaning":
            found |= {text for given in call.args[1:3] for text in _errors.texts_of(bounces, given)}
    return {text for text in found if re.search("[a-z]", _languages.NAMES.sub("", text))}


def _error_text(given: list[ast.expr]) -> set[str]:
    match given:
        case [ast.Constant(value=int() as status), *_] if status in UNSEEN:
            return set()
        case [_, ast.Constant(value=str() as text), *_]:
            return {text}
        case [_, ast.Call(func=ast.Name(id="worded"), args=[ast.Constant(value=str() as text)]), *_]:
            return {text}
    return set()


def _page_text(call: ast.Call) -> set[str]:
    match call:
        case ast.Call(func=ast.Attribute(attr="say"), args=[ast.Constant(value=str() as text)]):
            return {text}
        case ast.Call(func=ast.Name(id="worded" | "HTMLUnavailable"), args=[ast.Constant(value=str() as text)]):
            return {text}
    return set()


def languages() -> dict[str, dict[str, str]]:
    """The translations by key of all languages, without those that an app has, too."""
    return {path.stem: json.loads(path.read_text()) for path in sorted((FRONTEND / "i18n" / "pages").glob("*.json"))}


def shared(language: str) -> dict[str, str]:
    """The translations of texts that an app has, too, or that errors are."""
    known = _errors.languages()[language] | _languages.languages("account")[language]
    return {key: known[key] for key in sorted(source_texts()) if key in known}


def outputs() -> dict[str, bytes]:
    """A file for each language. Ends with a word about bad translations."""
    shown = [key for key, module in _errors.source_texts().items() if module.startswith(ERRORS)]
    errors = dict(_errors.languages())
    written: dict[str, bytes] = {}
    both = languages() | {MARKED: {key: marked(key) for key in source_texts()}}
    errors[MARKED] = {key: marked(key) for key in shown}
    for name, known in both.items():
        for key, text in known.items():
            if why := fault(key, text, name):
                sys.exit(f"gen: frontend/i18n/pages/{name}.json: the text for {key!r} {why}")
        others = {} if name == MARKED else shared(name)
        texts = {key: errors[name][key] for key in shown if key in errors[name]} | others | known
        content = json.dumps(texts, ensure_ascii=False, indent=0, sort_keys=True) + "\n"
        written[f"moxlite/web/static/pages-{name}.json"] = content.encode()
    return written
