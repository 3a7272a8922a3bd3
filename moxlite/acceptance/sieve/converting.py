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

from moxlite.config.domains import Condition, Ruleset
from moxlite.config.values import parse_size
from moxlite.normal import visible

PLAIN: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789@-_ /=:,;<>!#%&'~\"")
"""Characters that stand for themselves in a regular expression, beside all that are not ASCII."""

FIELD: Final = re.compile(r"\^([a-z0-9-]{1,70})\$")
"""A pattern for the name of a header field that matches one name."""


class ConvertedScript(msgspec.Struct, frozen=True):
    """A script, and why rules are left out of it: index and reason."""

    script: str
    left_out: tuple[tuple[int, str], ...]


class _Unsupported(Exception):
    """The rule has no counterpart; the text says why."""


def as_sieve(rules: Sequence[Ruleset]) -> ConvertedScript:
    """Convert rules to a script in which the first one that matches files the message, too."""
    blocks: list[str] = []
    left_out: list[tuple[int, str]] = []
    needs: set[str] = set()
    for index, rule in enumerate(rules):
        words = visible(rule.comment).split()
        name = f"# {' '.join(words)}\n" if words else ""
        try:
            test = _test(rule)
        except _Unsupported as reason:
            left_out.append((index, str(reason)))
            blocks.append(f"{name}# rule {index + 1} is left out: {reason}\n")
            continue
        actions = _actions(rule)
        needs |= {need for need, sign in NEEDS.items() if sign in test or any(sign in action for action in actions)}
        lines = "".join(f"    {action};\n" for action in actions)
        blocks.append(f"{name}if {test} {{\n{lines}}}\n")
    required = ", ".join(f'"{need}"' for need in sorted(needs or {"fileinto", "mailbox"}))
    return ConvertedScript(f"require [{required}];\n\n" + "\n".join(blocks), tuple(left_out))


NEEDS: Final = {
    "fileinto": "fileinto ",
    "mailbox": ":create ",
    "envelope": "envelope :",
    "body": "body :",
    "copy": "redirect :copy",
    "imap4flags": "addflag ",
}
"""Extensions that a script needs, with the words by which it uses them."""


def _actions(rule: Ruleset) -> list[str]:
    """The actions of a rule."""
    flags = (STARRED if rule.star else "", READ if rule.read else "", rule.label or "")
    actions = [f"addflag {_quoted(flag)}" for flag in flags if flag]
    actions += [f"redirect :copy {_quoted(str(address))}" for address in rule.forward_to]
    actions.append("keep" if rule.mailbox is None else f"fileinto :create {_quoted(rule.mailbox)}")
    return [*actions, "stop"]


STARRED: Final = "\\Flagged"
READ: Final = "\\Seen"
"""The flags of starred and of read messages (RFC 9051 §2.3.2)."""


def _test(rule: Ruleset) -> str:
    """The conditions of a rule. Raises _Unsupported."""
    changes = (rule.is_forward, rule.list_allow_domain, rule.accept_rejects_to_mailbox, rule.never_junk)
    if any(changes):
        raise _Unsupported("scripts can't change junk filtering")
    if rule.verified_domain is not None:
        raise _Unsupported("scripts can't check whether a domain is verified")
    tests: list[str] = []
    if rule.msg_from_regexp is not None:
        tests.append(f'address :matches "from" {_glob(rule.msg_from_regexp)}')
    if rule.smtp_mail_from_regexp is not None:
        tests.append(f'envelope :matches "from" {_glob(rule.smtp_mail_from_regexp)}')
    for name, value in rule.headers_regexp.items():
        field = FIELD.fullmatch(name)
        if field is None:
            raise _Unsupported(f"the pattern {name!r} must be a single header field name, like ^subject$")
        tests.append(f'header :matches "{field[1]}" {_glob(value)}')
    words = [_condition(condition) for condition in rule.conditions]
    tests += words if rule.match == "all" else [_joined("anyof", words)] if words else []
    if not tests:
        raise _Unsupported("the rule doesn't have any conditions")
    return _joined("allof", tests)


def _joined(word: str, tests: Sequence[str]) -> str:
    return tests[0] if len(tests) == 1 else f"{word} ({f',{chr(10)}          '.join(tests)})"


def _condition(condition: Condition) -> str:
    """A condition in words as a test. Raises _Unsupported."""
    value = condition.value.strip()
    if condition.part == "attachment":
        raise _Unsupported("scripts can't check for attachments")
    if condition.part == "larger":
        return f"size :over {parse_size(value)}"
    if condition.part == "text":
        fields = f'header :contains ["from", "to", "cc", "subject"] {_quoted(value)}'
        return f"anyof (body :text :contains {_quoted(value)}, {fields})"
    test, names = condition.test, SIEVE_FIELDS[condition.part]
    if test == "contains":
        return f"header :contains {names} {_quoted(value)}"
    if condition.part in {"from", "to"} and "@" not in value:
        raise _Unsupported("scripts can't match sender or recipient names")
    kind = "address" if condition.part in {"from", "to"} else "header"
    if test == "is" and condition.part != "list":
        return f"{kind} :is {names} {_quoted(value)}"
    sought = "".join(map(_literal, value))
    ends = {"is": f"*<{sought}>", "begins": f"{sought}*", "ends": f"*{sought}"}[test]
    if condition.part == "list":  # the identifier, or all of the field
        inner = {"is": f"*<{sought}>", "begins": f"*<{sought}*", "ends": f"*{sought}>"}[test]
        outer = sought if test == "is" else ends
        return f"header :matches {names} [{_quoted(inner)}, {_quoted(outer)}]"
    return f"{kind} :matches {names} {_quoted(ends)}"


SIEVE_FIELDS: Final = {"from": '"from"', "to": '["to", "cc"]', "subject": '"subject"', "list": '"list-id"'}
"""Header fields of the parts that conditions name, as a script lists them."""


def _glob(pattern: str) -> str:
    """A regular expression as a quoted pattern of ``:matches`` (RFC 5228 §2.7.1). Raises _Unsupported."""
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
            raise _Unsupported(f"can't convert the pattern {pattern!r} to the wildcards * and ?")
        if at < end and pattern[at] in "*+?{":
            raise _Unsupported(f"can't convert the pattern {pattern!r} to the wildcards * and ?")
    return _quoted(("" if begins else "*") + "".join(parts) + ("" if ends else "*"))


def _literal(letter: str) -> str:
    return f"\\{letter}" if letter in "*?\\" else letter


def _quoted(text: str) -> str:
    """A quoted string (RFC 5228 §2.4.2)."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
