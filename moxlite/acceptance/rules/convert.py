"""Rulesets as a Sieve script (WEBMAIL-130).

Sieve has no regular expressions, so patterns become patterns of ``:matches`` as far as these say the same. Conditions
about the proof of a sender, and rules that change how mail is judged, have no counterpart: they are named, and left
out.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

import msgspec

from moxlite.config.domains import Ruleset

PLAIN: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789@-_ /=:,;<>!#%&'~\"")
"""Characters that stand for themselves in a regular expression, beside all that are not ASCII."""

FIELD: Final = re.compile(r"\^([a-z0-9-]{1,70})\$")
"""A pattern for the name of a header field that matches one name."""


class Converted(msgspec.Struct, frozen=True):
    """A script, and why rules are left out of it: index and reason."""

    script: str
    left_out: tuple[tuple[int, str], ...]


class _Without(Exception):
    """The rule has no counterpart; the text says why."""


def as_sieve(rules: Sequence[Ruleset]) -> Converted:
    """Convert rules to a script in which the first one that matches files the message, too."""
    blocks: list[str] = []
    left_out: list[tuple[int, str]] = []
    needs = {"fileinto", "mailbox"}
    for index, rule in enumerate(rules):
        words = "".join(letter if letter.isprintable() else " " for letter in rule.comment).split()
        name = f"# {' '.join(words)}\n" if words else ""
        try:
            tests = _tests(rule)
        except _Without as reason:
            left_out.append((index, str(reason)))
            blocks.append(f"{name}# rule {index + 1} is left out: {reason}\n")
            continue
        if any(test.startswith("envelope") for test in tests):
            needs.add("envelope")
        condition = tests[0] if len(tests) == 1 else f"allof ({f',{chr(10)}          '.join(tests)})"
        blocks.append(f"{name}if {condition} {{\n    fileinto :create {_quoted(rule.mailbox)};\n    stop;\n}}\n")
    required = ", ".join(f'"{one}"' for one in sorted(needs))
    return Converted(f"require [{required}];\n\n" + "\n".join(blocks), tuple(left_out))


def _tests(rule: Ruleset) -> list[str]:
    """The conditions of a rule. Raises _Without."""
    if rule.is_forward or rule.list_allow_domain is not None or rule.accept_rejects_to_mailbox is not None:
        raise _Without("it changes how mail is judged, which a script cannot")
    if rule.verified_domain is not None:
        raise _Without("a script cannot ask for a verified domain")
    tests: list[str] = []
    if rule.msg_from_regexp is not None:
        tests.append(f'address :matches "from" {_glob(rule.msg_from_regexp)}')
    if rule.smtp_mail_from_regexp is not None:
        tests.append(f'envelope :matches "from" {_glob(rule.smtp_mail_from_regexp)}')
    for name, value in rule.headers_regexp.items():
        field = FIELD.fullmatch(name)
        if field is None:
            raise _Without(f"the pattern {name!r} is not the name of one header field, such as ^subject$")
        tests.append(f'header :matches "{field[1]}" {_glob(value)}')
    if not tests:
        raise _Without("it has no condition")
    return tests


def _glob(pattern: str) -> str:
    """A regular expression as a quoted pattern of ``:matches`` (RFC 5228 §2.7.1). Raises _Without."""
    parts: list[str] = []
    at, end = 0, len(pattern)
    begins = pattern.startswith("^")
    ends = pattern.endswith("$") and not pattern.endswith("\\$")
    at, end = int(begins), end - int(ends)
    while at < end:
        letter = pattern[at]
        at += 1
        if letter == "\\" and at < end and pattern[at].isprintable() and not pattern[at].isalnum():
            parts.append(_literal(pattern[at]))
            at += 1
        elif letter == ".":
            repeat = pattern[at] if at < end and pattern[at] in "*+" else ""
            parts.append({"": "?", "*": "*", "+": "?*"}[repeat])
            at += len(repeat)
        elif letter in PLAIN or (not letter.isascii() and letter.isprintable()):
            parts.append(_literal(letter))
        else:
            raise _Without(f"the pattern {pattern!r} says more than * and ? can")
        if at < end and pattern[at] in "*+?{":
            raise _Without(f"the pattern {pattern!r} says more than * and ? can")
    return _quoted(("" if begins else "*") + "".join(parts) + ("" if ends else "*"))


def _literal(letter: str) -> str:
    return f"\\{letter}" if letter in "*?\\" else letter


def _quoted(text: str) -> str:
    """A quoted string (RFC 5228 §2.4.2)."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
