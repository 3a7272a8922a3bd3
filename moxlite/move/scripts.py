"""Sieve scripts of another server: what they name there has another name here, or isn't here (MOVE-12).

Only the literals that name mailboxes are rewritten, at their offsets, so that all other characters stay as they are.
This module does no I/O.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from moxlite.migration.names import Place, RemoteBox, path_of
from moxlite.proto.sieve.errors import SyntaxFault
from moxlite.proto.sieve.grammar import Call, Kind, StringsArgument, TagArgument, parse, scan
from moxlite.proto.sieve.strings import EncodedCharacterError, decode_characters, has_variables
from moxlite.proto.sieve.validation import EXTENSIONS, IMPLIED, MAX_SCRIPT_NAME
from moxlite.store.names import INBOX
from moxlite.store.types import SpecialUse

FILING: Final = frozenset({"fileinto", "mailboxexists"})
"""Commands and tests whose last argument names mailboxes (RFC 5228 §4.1, RFC 5490 §3.1)."""

MAX_PROBLEMS: Final = 20
"""Problems of a script that are named."""

_KEPT: Final = " (old server)"


class Folders(NamedTuple):
    """A user's folders on the old server: their names here by those there, and the form of further names there."""

    here: Mapping[str, str]
    separator: str
    prefix: str

    @classmethod
    def of(cls, places: Sequence[Place]) -> "Folders":
        """The folders that are copied."""
        own = [place.box for place in places if not place.box.public]
        separator = next((box.separator for box in own if box.separator), "")
        prefix = next((box.prefix for box in own), "")
        return cls({place.box.name: place.target for place in places}, separator, prefix)

    def name_of(self, name: str, *, creates: bool) -> str | None:
        """The name here, or None for a folder that the old server doesn't have either. With `creates`, such a folder
        gets the name that a copy would give it.
        """
        if name.lower() == "inbox":
            return INBOX
        if name in self.here or not creates:
            return self.here.get(name)
        return path_of(RemoteBox(name, self.separator, SpecialUse(0), subscribed=False, prefix=self.prefix))


class Rewritten(NamedTuple):
    """A script with the names of this server, and what can't be rewritten."""

    text: str
    problems: list[str]


def rewritten(text: str, folders: Folders) -> Rewritten:
    """The script with the names that its folders have here. One that can't be parsed stays as it is, because saving it
    gives the reason.
    """
    pieces, problems, at = [], list[str](), 0
    for literal in _parsed(text).literals:
        name = literal.name if literal.open else folders.name_of(literal.name, creates=literal.creates)
        if name is None:
            problems.append(f"folder {literal.name!r} doesn't exist there, so this mail will stay in {INBOX}")
        elif name != literal.name:
            pieces += [text[at : literal.at], quoted(name)]
            at = literal.end
    return Rewritten("".join([*pieces, text[at:]]), [*dict.fromkeys(problems)][:MAX_PROBLEMS])


def gaps_of(text: str) -> list[str]:
    """List a script's requirements that aren't available or can't be rewritten, as far as its text tells."""
    script = _parsed(text)
    if script.fault:
        return [f"can't read it: {script.fault}"]
    known = {*EXTENSIONS, *(name for names in IMPLIED.values() for name in names)}
    problems = [f"extension {name!r} isn't available" for name in script.needed if name not in known]
    problems += [
        f"includes the global script {name!r}, which isn't copied"
        for call in script.calls
        if call.name == "include" and "global" in _tags(call)
        for name in _texts(call)
    ]
    problems += [
        f"folder name {literal.name!r} has variables, so it isn't rewritten"
        for literal in script.literals
        if literal.open
    ]
    return [*dict.fromkeys(problems)][:MAX_PROBLEMS]


def quoted(text: str) -> str:
    """A quoted string (RFC 5228 §2.4.2)."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def kept_name(name: str) -> str:
    """The name of the script that is kept as it was."""
    return name[: MAX_SCRIPT_NAME - len(_KEPT)] + _KEPT


class _Literal(NamedTuple):
    """A mailbox name, and the offsets of its token. `creates`: the command makes the mailbox; `open`: the name is known
    at run time only.
    """

    name: str
    at: int
    end: int
    creates: bool
    open: bool


class _Parsed(NamedTuple):
    """A script as far as it matters here. `fault`: why it can't be parsed, "" if it can."""

    calls: Sequence[Call] = ()
    needed: Sequence[str] = ()
    literals: Sequence[_Literal] = ()
    fault: str = ""


def _parsed(text: str) -> _Parsed:
    try:
        calls = [*_calls(parse(text))]
        needed = [name for call in calls if call.name == "require" for name in _texts(call)]
        return _Parsed(calls, needed, [*_literals(text, calls, needed)])
    except SyntaxFault as error:
        return _Parsed(fault=str(error))


def _calls(commands: Sequence[Call]) -> Iterator[Call]:
    """All commands and tests, in the order of the script."""
    waiting = [*reversed(commands)]
    while waiting:
        call = waiting.pop()
        yield call
        waiting += reversed([*call.tests, *(call.block or ())])


def _texts(call: Call) -> tuple[str, ...]:
    """The last argument, if it's a string or a list of strings."""
    last = call.arguments[-1] if call.arguments else None
    return last.texts if isinstance(last, StringsArgument) else ()


def _tags(call: Call) -> list[str]:
    return [argument.name for argument in call.arguments if isinstance(argument, TagArgument)]


def _literals(text: str, calls: Sequence[Call], needed: Sequence[str]) -> Iterator[_Literal]:
    """The literals that name mailboxes. Raises SyntaxFault."""
    places = {call.arguments[-1].at: call for call in calls if call.name in FILING and _texts(call)}
    left, creates = 0, False
    for kind, name, at, end, _ in scan(text):
        if at in places:
            left, creates = len(_texts(places[at])), "create" in _tags(places[at])
        if left and kind is Kind.STRING:
            left -= 1
            if "encoded-character" in needed:
                try:
                    name = decode_characters(name)
                except EncodedCharacterError as error:
                    raise SyntaxFault(at, str(error)) from None
            yield _Literal(name, at, end, creates, "variables" in needed and has_variables(name))
