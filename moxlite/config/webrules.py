"""The rules of the web server in the form for serving: compiled, and grouped by host (docs/spec/web.md §3).

Routing looks up the host in a dictionary and tries that host's rules only, however many there are (WEB-178).
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final, Protocol, TypeAlias

import msgspec

from moxlite.config.domains import Domains
from moxlite.config.webserver import WebHandler
from moxlite.patterns.searching import PLAIN_PATH
from moxlite.proto.address import Domain

REFERENCE: Final = re.compile(r"\$(?:(?P<dollar>\$)|(?P<bare>[A-Za-z0-9_]+)|\{(?P<braced>[A-Za-z0-9_]+)\})")

Template: TypeAlias = tuple[str | int, ...]
"""Replacement for a match, in parts: texts, and numbers of groups."""


class Match(Protocol):
    """A match of a pattern."""

    def group(self, number: int, /) -> str | None:
        """Text matched by a group; None if the group took no part."""

    def start(self) -> int:
        """Where the match begins."""

    def end(self) -> int:
        """Where it ends."""


class Pattern(Protocol):
    """A compiled pattern of the package ``regex``. Both functions raise TimeoutError after `timeout` seconds;
    `concurrent` lets other threads run meanwhile.
    """

    @property
    def groups(self) -> int:
        """Number of groups."""

    @property
    def groupindex(self) -> Mapping[str, int]:
        """The numbers of the named groups."""

    def search(self, text: str, /, *, timeout: float, concurrent: bool) -> Match | None:
        """The first match."""

    def finditer(self, text: str, /, *, timeout: float, concurrent: bool) -> Iterator[Match]:
        """All matches, each behind the one before."""


class WebRule(msgspec.Struct, frozen=True):
    """One handler: ``name`` in logs and metrics, ``pattern`` of the path, ``cache``: patterns of paths with their
    values of Cache-Control.
    """

    name: str
    handler: WebHandler
    pattern: Pattern
    cache: tuple[tuple[Pattern, str], ...] = ()


class PlainPattern:
    """A `PLAIN_PATH` at the beginning of a path: Python's `re` looks at each character once, so it takes no longer than
    any timeout.
    """

    def __init__(self, text: str) -> None:
        self._compiled = re.compile(text)
        self.groups = self._compiled.groups
        self.groupindex = self._compiled.groupindex

    def search(self, text: str, /, *, timeout: float, concurrent: bool) -> Match | None:
        """See `Pattern`."""
        return self._compiled.match(text)

    def finditer(self, text: str, /, *, timeout: float, concurrent: bool) -> Iterator[Match]:
        """See `Pattern`."""
        return self._compiled.finditer(text)


def compile_pattern(text: str) -> Pattern:
    """Compile a pattern that has passed the checks: so it takes little time and memory (WEB-36)."""
    if text.startswith("^") and PLAIN_PATH.fullmatch(text):
        return PlainPattern(text)
    import regex  # 30 ms and 5 MB that a server with plain patterns alone saves

    compile_: Callable[[str], Pattern] = regex.compile
    return compile_(text)


def parse_template(text: str, pattern: Pattern) -> Template:
    """The parts of a replacement: ``$1``, ``$name``, ``${name}`` stand for groups of the pattern (``$0`` for all of the
    match), ``$$`` for a dollar.

    Raises:
      ValueError: the replacement names a group that the pattern does not have.
    """
    parts: list[str | int] = []
    end = 0
    for match in REFERENCE.finditer(text):
        parts.append(text[end : match.start()])
        end = match.end()
        name = match["bare"] or match["braced"]
        if name is None:
            parts.append("$")
        elif name.isdecimal() and int(name) <= pattern.groups:  # checked here, not by a visitor's request
            parts.append(int(name))
        elif name in pattern.groupindex:
            parts.append(pattern.groupindex[name])
        else:
            raise ValueError(f"refers to an undefined group: {match[0]}")
    parts.append(text[end:])
    return tuple(part for part in parts if part != "")


def web_rules(domains: Domains) -> Mapping[str, tuple[WebRule, ...]]:
    """The handlers of each host (as A-labels), in the order of the file (WEB-34)."""
    found: dict[str, list[WebRule]] = {}
    for index, handler in enumerate(domains.web_handlers):
        cache = tuple((compile_pattern(web_cache.path_regexp), web_cache.cache_control) for web_cache in handler.cache)
        rule = WebRule(handler.log_name or str(index), handler, compile_pattern(handler.path_regexp), cache)
        found.setdefault(handler.domain.ascii, []).append(rule)
    return {host: tuple(rules) for host, rules in found.items()}


def web_redirects(domains: Domains) -> Mapping[str, str]:
    """The hosts that are redirected, with the host that they are redirected to; both as A-labels (WEB-33)."""
    return {Domain.parse(host).ascii: Domain.parse(to).ascii for host, to in domains.web_domain_redirects.items()}
