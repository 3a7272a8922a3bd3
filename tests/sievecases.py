"""Sieve scripts with messages and what comes of them, in `tests/sieve/cases`: the same for us and for Pigeonhole.

A case begins with ``== title``; then options, ``--``, the script, ``=>`` and the actions, one on each line. Options:
``message`` (a file of `tests/sieve/messages`), ``from``, ``to``, ``mailboxes``, ``special uses``, ``mailbox ids``,
``include NAME`` (a script), and ``compare: no`` with the reason why Pigeonhole decides otherwise. ``python -m
tests.sievecases`` writes the actions anew, to be reviewed.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import msgspec

from moxlite.proto.mime.headers import HeaderSection
from moxlite.proto.mime.structure import scan
from moxlite.proto.sieve.checker import check
from moxlite.proto.sieve.errors import ScriptError
from moxlite.proto.sieve.message import Body, Mailbox, Message
from moxlite.proto.sieve.outcome import Action, AnswerAction, FileAction, KeepAction, RedirectAction, RejectAction
from moxlite.proto.sieve.program import Program, run
from moxlite.proto.sieve.state import Mailboxes, World

FOLDER: Final = Path(__file__).parent / "sieve"
NOW: Final = 1_795_248_000_000_000
"""2026-11-21 08:00:00 UTC, in µs."""


class Case(msgspec.Struct, frozen=True):
    """A script and what it does."""

    title: str
    options: dict[str, str]
    script: str
    wanted: tuple[str, ...]

    @property
    def sender(self) -> str:
        return self.options.get("from", "ann@example.org").strip("<>")

    @property
    def recipient(self) -> str:
        return self.options.get("to", "mia@example.com")

    @property
    def message(self) -> Path:
        return FOLDER / "messages" / f"{self.options['message']}.eml"

    @property
    def includes(self) -> dict[str, str]:
        return {key.removeprefix("include "): text for key, text in self.options.items() if key.startswith("include ")}


def read(path: Path) -> list[Case]:
    """The cases of a file."""
    return [_case(text) for text in re.split(r"^== ", path.read_text(), flags=re.MULTILINE)[1:]]


def all_cases() -> list[Case]:
    return [case for path in sorted((FOLDER / "cases").glob("*.txt")) for case in read(path)]


def _case(text: str) -> Case:
    head, _, rest = text.partition("\n--\n")
    script, _, wanted = rest.partition("=>\n")
    title, *lines = head.splitlines()
    options = dict(line.split(": ", 1) for line in lines)
    return Case(title, options, script, tuple(wanted.splitlines()))


def _mailbox(text: str) -> Mailbox | None:
    localpart, _, domain = text.rpartition("@")
    return Mailbox(localpart, domain) if text else None


def decide(case: Case) -> list[str]:
    """The actions of a case by our own interpreter, or the faults of its script."""
    try:
        program = Program(check(case.script.encode()))
    except ScriptError as error:
        return [f"refused {fault}" for fault in error.faults]
    octets = case.message.read_bytes()
    junk = re.search(rb"^X-Junk: ([0-9.]+)", octets, re.MULTILINE)
    uses = dict(pair.split(" = ") for pair in case.options.get("special uses", "").split(", ") if pair)
    ids = dict(pair.split(" = ") for pair in case.options.get("mailbox ids", "").split(", ") if pair)
    names = [name for name in case.options.get("mailboxes", "").split(", ") if name]
    outcome = run(
        program,
        Message(HeaderSection(octets), len(octets), lambda: Body(scan(octets), lambda start, end: octets[start:end])),
        World(
            now=NOW,
            sender=_mailbox(case.sender),
            recipient=_mailbox(case.recipient),
            mailboxes=Mailboxes(
                names=frozenset({"Inbox", *names}),
                ids=ids,
                uses={name: frozenset({use.lower()}) for name, use in uses.items()},
            ),
            junk=None if junk is None else float(junk[1]),
            items={"name": "moxlite", "phase": "during", "location": "MDA"},
            scripts={name: Program(check(text.encode())) for name, text in case.includes.items()},
        ),
    )
    lines = [line(action) for action in outcome.actions]
    return [*lines, "error"] if outcome.error else lines


def line(action: Action) -> str:
    """An action on one line; what both programs tell of it."""
    match action:
        case KeepAction():
            return _words("keep", *_flags(action.flags), "implicit" if action.implicit else "")
        case FileAction():
            return _words(f"fileinto {action.mailbox}", *_flags(action.flags), "create" if action.create else "")
        case RedirectAction():
            return f"redirect {action.address}"
        case RejectAction():
            return f"reject {_plain(action.text)}"
        case AnswerAction():
            return _words(
                "vacation",
                f"seconds={7 * 86400 if action.seconds is None else action.seconds}",
                f"subject={action.subject}" if action.subject else "",
                f"text={_plain(action.text)}",
            )
        case _:
            return "discard"


def _flags(flags: tuple[str, ...]) -> list[str]:
    return [f"+{flag.lower()}" for flag in sorted(flags, key=str.lower)]


def _plain(text: str) -> str:
    return " ".join(text.split())


def _words(*words: str) -> str:
    return " ".join(filter(None, words))


def _write(case: Case) -> str:
    options = "".join(f"{key}: {value}\n" for key, value in case.options.items())
    return f"== {case.title}\n{options}--\n{case.script}=>\n" + "".join(f"{line}\n" for line in decide(case))


if __name__ == "__main__":
    for path in sorted((FOLDER / "cases").glob("*.txt")):
        path.write_text("".join(_write(case) for case in read(path)))
