"""The texts of the server's errors in other languages (WEBMAIL-143): ``frontend/i18n/errors/LANG.json`` becomes a part
of each app that is translated, ``APP-errors-LANG.js``, which a page in that language fetches with its first error.

The keys are the texts in the code: those with which errors are raised that a page shows, with the names of their values
in braces (`moxlite.wording`).
"""

import ast
import json
import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from generators._languages import FRONTEND, TOP, fault, fnv, marked
from moxlite.wording import MARKED

PACKAGE = TOP / "moxlite"
FOLDERS = ("web", "logins", "store", "compose", "submission", "sandbox", "acceptance", "proto/cards")
OTHERS = (
    "admin/credentialcommands.py",
    "admin/factors.py",
    "admin/masked.py",
    "proto/address.py",
    "proto/webpush.py",
    "groupware/copying.py",
    "groupware/davclient.py",
    "groupware/files.py",
    "groupware/writtenfiles.py",
    "groupware/links.py",
    "groupware/people.py",
    "groupware/subscribing.py",
    "migration/autoconfig.py",
    "migration/background.py",
    "migration/copies.py",
    "migration/fetching.py",
    "migration/links.py",
    "migration/linksending.py",
    "migration/linkstate.py",
    "migration/listing.py",
    "migration/pull.py",
    "net/dial.py",
    "net/limits.py",
    "net/imapclient/client.py",
    "net/imapclient/connect.py",
    "net/imapclient/transport.py",
    "net/imapclient/line.py",
    "net/imapclient/connect.py",
    "net/imapclient/transport.py",
    "admin/delivery/forwarding.py",
    "admin/publicpages.py",
    "config/holder.py",
    "config/checks/accounts.py",
    "config/checks/addresses.py",
    "config/toml/decode.py",
    "config/values.py",
    "config/transports.py",
    "patterns/searching.py",
    "proto/sasl/scram.py",
    "admin/accountforms.py",
    "admin/formedits.py",
    "admin/shares.py",
    "admin/sorting.py",
)
FOREIGN = (
    "logins/exchange.py",
    "logins/sites.py",
    "store/upkeep",
    "store/annotations",
    "web/admin",
    "web/webapi",
    "web/jmap/sharing.py",
    "store/auth/admintokens.py",
    "web/handlers",
    "web/discovery",
    "web/exports.py",
    "web/webmail/reading/drawing.py",
    "web/webmail/reading/drawing.py",
    "store/backup",
    "store/recover",
    "store/imports",
)
"""Code whose errors pages in other languages do not show, or whose texts are in `generators.pages`."""

RAISED = frozenset(
    [
        "APIError",
        "AlreadySent",
        "AppPasswordRefused",
        "BadAuth",
        "BadCalendar",
        "BadDraft",
        "BadForm",
        "BadKeyword",
        "BadMailboxName",
        "BadPassword",
        "BadSubscription",
        "ConfirmNeeded",
        "Conflict",
        "ContactChanged",
        "CopyBusy",
        "CopyFailed",
        "FactorRefused",
        "FieldError",
        "Gone",
        "JobFailed",
        "KeyRefused",
        "LimitExceeded",
        "_finding",
        "ViewErr",
        "LinkRefused",
        "LinkUsed",
        "Mistake",
        "wrong",
        "LoginDisabled",
        "LoginFailed",
        "MailboxNotAllowed",
        "NoAuth",
        "NoEntries",
        "NotAllowed",
        "NotFound",
        "NotServed",
        "NoSuchTemplate",
        "OutgoingLimitExceeded",
        "RateLimited",
        "Refused",
        "ServerFailed",
        "StorageRefused",
        "SubmissionRefused",
        "SubscriptionFailed",
        "TemplateChanged",
        "TemplateNameTaken",
        "TooLarge",
        "Unavailable",
        "Unreadable",
        "Unknown",
        "UserError",
        "WrongCredentials",
        "WrongFactor",
        "WrongPassword",
        "NotPermitted",
        "AddressError",
        "CannotNow",
        "NoWayToAsk",
        "ChangedMeanwhile",
        "BadAnswer",
        "worded",
        "deadline",
        "refuse",
        "refuse_guest",
        "_refused",
        "refused",
    ]
)
"""Errors whose texts pages show, and functions that make such texts."""

TOLD = frozenset(
    [
        "NoSuchKey",
        "NoSuchLink",
        "NoSuchUpload",
        "TakenBack",
        "TooLate",
        "TooManyScripts",
        "SendingStopped",
        "BadScriptName",
        "ScriptActive",
        "ScriptExists",
        "ReadOnly",
        "NotWritable",
        "NotKept",
    ]
)
"""Errors that bring their text with them."""


CALLED = re.compile(rf"\b(?:{'|'.join(sorted(RAISED | {'ValueError'} | {f'class {one}' for one in TOLD}))})\(")
"""A call that may have a text, or a class that brings one."""


@cache
def tree(path: Path) -> ast.Module:
    """A module, parsed once for all languages and pages."""
    return ast.parse(path.read_bytes())


def calls_below(node: ast.AST) -> list[ast.Call]:
    """All calls in a module or class."""
    return [one for one in ast.walk(node) if isinstance(one, ast.Call)]


def _modules() -> Iterator[Path]:
    foreign = tuple(f"{PACKAGE / one}" for one in FOREIGN)
    for folder in FOLDERS:
        for path in sorted((PACKAGE / folder).rglob("*.py")):
            if not str(path).startswith(foreign):
                yield path
    yield from (PACKAGE / one for one in OTHERS)


def _constants(path: Path, name: str) -> Iterator[str]:
    """The texts that a name of a module stands for, its own or an imported one."""
    yield from _named(tree(path), name)
    for node in tree(path).body:
        if isinstance(node, ast.ImportFrom) and node.module and any(one.name == name for one in node.names):
            source = TOP / f"{node.module.replace('.', '/')}.py"
            if source.exists():
                yield from _constants(source, name)


def texts_of(path: Path, given: ast.expr) -> Iterator[str]:
    """The literal texts that an expression may stand for."""
    match given:
        case ast.Constant(value=str() as text):
            yield text
        case ast.Name(id=name):
            yield from _constants(path, name)
        case ast.Subscript(value=ast.Name(id=name)):
            yield from _constants(path, name)
        case ast.Attribute(attr=name) if name.isupper():
            yield from (
                text for kind in tree(path).body if isinstance(kind, ast.ClassDef) for text in _named(kind, name)
            )
        case ast.IfExp(body=one, orelse=other):
            yield from texts_of(path, one)
            yield from texts_of(path, other)
        case ast.List(elts=several):
            for one in several:
                yield from texts_of(path, one)


def _named(node: ast.ClassDef | ast.Module, name: str) -> Iterator[str]:
    for one in node.body:
        if isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name) and one.target.id == name:
            if isinstance(one.value, ast.Dict):
                for each in one.value.values:
                    if isinstance(each, ast.Constant) and isinstance(each.value, str):
                        yield each.value
            elif isinstance(one.value, ast.Constant) and isinstance(one.value.value, str):
                yield one.value.value


def _called(node: ast.Call) -> str:
    function = node.func
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


@cache
def source_texts() -> dict[str, str]:
    """The keys, with the module that has each first. One word alone is the name of a field or setting."""
    found: dict[str, str] = {}
    for path in _modules():
        raised = RAISED | {"ValueError"} if path.is_relative_to(PACKAGE / "config") else RAISED
        if not CALLED.search(path.read_text()):
            continue  # most modules; a tree takes ten times as long
        calls = [node for node in calls_below(tree(path)) if _called(node) in raised]
        for kind in tree(path).body:
            if isinstance(kind, ast.ClassDef) and kind.name in TOLD:
                calls += [node for node in calls_below(kind) if _called(node) == "__init__"]
        for call in sorted(calls, key=lambda one: one.lineno):
            for text in (text for given in call.args for text in texts_of(path, given)):
                if " " in text or (text and _called(call) == "worded" and "{" not in text):
                    found.setdefault(text, str(path.relative_to(TOP)))
    bounces = PACKAGE / "queue" / "bounces.py"
    for call in calls_below(tree(bounces)):
        if _called(call) == "Meaning":
            for text in (text for given in call.args[2:3] for text in texts_of(bounces, given)):
                found.setdefault(text, str(bounces.relative_to(TOP)))
    return found


@cache
def languages() -> dict[str, dict[str, str]]:
    """The translations by key of all languages."""
    return {path.stem: json.loads(path.read_text()) for path in sorted((FRONTEND / "i18n" / "errors").glob("*.json"))}


@cache  # the keys are the same in each language
def hashed(key: str) -> str:
    """The hash of a key, seven digits of base 36, as ``wholeHash`` of ``frontend/lib/language.ts`` computes it."""
    value, digits = fnv(key), ""
    for _ in range(7):
        value, digit = divmod(value, 36)
        digits = "0123456789abcdefghijklmnopqrstuvwxyz"[digit] + digits
    return digits


def data(language: str) -> str:
    """The texts of a language as a part holds them: lines of hash and text. Ends with a word about bad translations."""
    known = {key: marked(key) for key in source_texts()} if language == MARKED else languages()[language]
    for key, text in known.items():
        if why := fault(key, text, language):
            sys.exit(f"gen: frontend/i18n/errors/{language}.json: the text for {key!r} {why}")
    return "".join(f"{hashed(key)}{known[key]}\n" for key in source_texts() if key in known)
