"""Patterns of users and of the administrator: which engine takes one, what is wrong with it, and its searches.

A user's pattern is `Linear`. One of the configuration that RE2 has no words for never matches, and cannot be saved
anew (STORE-162). The administrator's patterns of paths are searched by `regex` in the server (WEB-36), once a child
process has compiled them within bounds.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from moxlite.patterns.questions import Answer, NoProcess, Question, TooCostly
from moxlite.proto.patterns.dialect import UnsupportedByRE2
from moxlite.proto.patterns.linear import Linear, Text, linear
from moxlite.wording import worded

WORDS: Final = re.compile(r"\^?(?:[\w /-]+|\([\w /-]+(?:\|[\w /-]+)*\))\$?", re.ASCII)
"""Patterns that Python's `re` searches in little time, with the same meaning: a word, or one of some, anchored or not.
All accounts have some of these (`store.junkflags`), and RE2 is 8 ms and 3 MB that a server with no other does without.
"""

LONGEST: Final = 256
"""Characters of a user's pattern that is saved anew (STORE-162)."""

LONGEST_PATH: Final = 1024
"""Octets of a pattern of the administrator (WEB-36)."""

PATH_SECONDS: Final = 0.2
PATH_MEMORY: Final = 16 << 20
"""Seconds of the processor and octets that it may take to compile a pattern of the administrator: the server does so
again, with Python's lock held. A sane one takes 1 ms and some kB.
"""

PLAIN_PATH: Final = re.compile(r"\^?(?>(?:[\w/.-]|\\[.$])*)(?:\(/\|\$\))?\$?", re.ASCII)
"""Patterns of paths that take no time to compile: most servers have no others, and need no process at their start."""

REMEMBERED: Final = 2048
"""Patterns, and verdicts about them, that are kept: as many as programs of RE2 (`proto.patterns.linear`)."""


def program(pattern: str) -> Linear | None:
    """Compile a pattern of the configuration, None for one that never matches. Raises nothing."""
    try:
        return linear(pattern)
    except UnsupportedByRE2:
        return None


def found(pattern: str, text: str) -> bool:
    """Whether the pattern matches anywhere in the text; one that is not a regular expression matches nowhere."""
    if WORDS.fullmatch(pattern):
        return re.search(pattern, text) is not None
    compiled = program(pattern)
    return compiled is not None and compiled.is_in(Text(text))


def fault(pattern: str) -> str:
    """Why a pattern in the configuration is not a regular expression; "" if it is one, or may be: then it does not keep
    the server from starting.
    """
    if WORDS.fullmatch(pattern) or not _unsupported_by_re2(pattern):
        return ""
    try:
        answer = _tried(pattern)
    except (TooCostly, NoProcess):
        return ""
    return answer.text if answer.outcome == "fault" else ""


def refusal(pattern: str) -> str:
    """Why a user's pattern cannot be saved anew, or tried, "" if it can (STORE-162)."""
    if len(pattern) > LONGEST:
        return worded("must be {most} characters or fewer", most=LONGEST)
    if WORDS.fullmatch(pattern) or not (reason := _unsupported_by_re2(pattern)):
        return ""
    return worded(
        "can't be used as a regular expression, because {reason} could take too long to match",
        reason=reason,
    )


def pattern_warning(pattern: str) -> str:
    """Warning about a pattern in the configuration, for its user and the administrator, or ""."""
    if WORDS.fullmatch(pattern) or not (reason := _unsupported_by_re2(pattern)):
        return ""
    return worded('never matches: "{pattern}" has {reason}', pattern=pattern, reason=reason)


def path_fault(pattern: str) -> str:
    """Why a pattern of the administrator cannot be used, "" if it can (WEB-36)."""
    if len(pattern.encode()) > LONGEST_PATH:
        return f"must be {LONGEST_PATH} bytes or fewer"
    if PLAIN_PATH.fullmatch(pattern):
        return ""
    try:
        answer = _tried(pattern)
    except TooCostly:
        return TOO_COSTLY
    except NoProcess as error:
        return f"can't be compiled: {error}"
    if answer.outcome == "fault":
        return worded("isn't a valid regular expression: {text}", text=answer.text)
    if answer.outcome != "done" or answer.compiling > PATH_SECONDS or answer.memory > PATH_MEMORY:
        return TOO_COSTLY
    return ""


TOO_COSTLY: Final = "takes too much time or memory to compile; use fewer and smaller nested repetitions"


def _unsupported_by_re2(pattern: str) -> str:
    """Why RE2 can't express a pattern, or "" if it can."""
    try:
        linear(pattern)
    except UnsupportedByRE2 as error:
        return str(error)
    return ""


def _ask(question: Question) -> Answer:
    """The answer of the process. Raises TooCostly, NoProcess."""
    from moxlite.patterns.process import process  # with Trio, which commands that read the configuration do without

    return process.ask(question)


def _tried(pattern: str) -> Answer:
    """What the process says about a pattern, remembered. Raises TooCostly, NoProcess."""
    answer = _remembered(pattern)
    if answer is None:
        raise TooCostly
    return answer


@lru_cache(REMEMBERED)
def _remembered(pattern: str) -> Answer | None:
    """What the process says about a pattern, None if it was too costly. Raises NoProcess, which is not remembered."""
    try:
        return _ask(Question(pattern))
    except TooCostly:
        return None
