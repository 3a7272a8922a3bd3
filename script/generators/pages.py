"""The texts of plain pages in other languages (WEBMAIL-143): error pages, and what a page without scripts says.

``frontend/i18n/pages/LANG.json`` has them by the English ones, which are in the code. With the translations of errors
that pages show they become ``moxlite/web/static/pages-LANG.json``, which `moxlite.web.http.pagetexts` reads.
"""

import ast
import json
import re
import sys

from generators import _errors
from generators._languages import FRONTEND, TOP, TRANSLATED, fault

WEB = TOP / "moxlite" / "web"
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
            elif "PageLanguage" in module and path.name != "pagetexts.py":
                found |= _page_text(call)
    return found


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
    """The translations by key of all languages."""
    return {path.stem: json.loads(path.read_text()) for path in sorted((FRONTEND / "i18n" / "pages").glob("*.json"))}


def outputs() -> dict[str, bytes]:
    """A file for each language. Ends with a word about bad translations."""
    shown = [key for key, module in _errors.source_texts().items() if module.startswith(ERRORS)]
    errors = _errors.languages()
    written: dict[str, bytes] = {}
    for name, known in languages().items():
        for key, text in known.items():
            if why := fault(key, text, name):
                sys.exit(f"gen: frontend/i18n/pages/{name}.json: the text for {key!r} {why}")
        texts = {key: errors[name][key] for key in shown if key in errors[name]} | known
        content = json.dumps(texts, ensure_ascii=False, indent=0, sort_keys=True) + "\n"
        written[f"moxlite/web/static/pages-{name}.json"] = content.encode()
    return written
