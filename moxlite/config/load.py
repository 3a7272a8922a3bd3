"""Loading both configuration files, with every mistake and its line (ADMIN-1..4, 9, 10, 61).

The order: octets → TOML → structs → cross checks. Each step goes on as far as it makes sense, so that one run reports
all mistakes.
"""

import errno
import hashlib
import os
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec

from moxlite.config.checks.checks import check_both, check_domains, check_static, warn_domains, warn_static
from moxlite.config.domains import Account, DomainConfig, Domains
from moxlite.config.fields import fields_of
from moxlite.config.listeners import Listener
from moxlite.config.snapshot import Snapshot, derive
from moxlite.config.static import DNS, Static
from moxlite.config.toml.decode import Finding, KeyPath, decode, dotted
from moxlite.config.toml.edit import Document
from moxlite.config.toml.scan import line_of, lines_of
from moxlite.config.values import Section
from moxlite.escapes import printable

DOMAINS_FILE: Final = "domains.toml"
"""Name of domains.toml, in the folder of the static file (ADMIN-1)."""

DKIM_FOLDER: Final = "dkim"
"""Name of the folder with keys made by the server, in the same folder."""

DNS_FOLDER: Final = "dns"
"""Name of the folder with tokens of DNS providers and what was published there."""

CUSTOM_FILES: Final = tuple(f"{app}.{kind}" for app in ("webmail", "webaccount", "webadmin") for kind in ("css", "js"))
"""Names of files in the same folder that the web apps show, made by the owner (WEB-31)."""

MAX_FILE: Final = 8 << 20
"""Maximum octets of a file: 1000 domains with 5000 accounts take about 2 MB, and the parser needs 1 s for 2 MB."""

OBJECTS: Final[dict[str, type[Section]]] = {"accounts": Account, "domains": DomainConfig}
"""Tables of domains.toml with one subtable per name, of which there may be thousands."""

BARE_TEXT: Final = re.compile(r"[ \t\[]*+[\w./@~:-]")
"""An unquoted value, or the first one of a list."""

POSITION: Final = re.compile(r"(?<!\s)\s*+\(at line (\d++), column (\d++)\)$")
SectionT = TypeVar("SectionT", bound=Section)


HINTS: Final = {
    errno.ENOENT: "`moxlite quickstart` makes it; --config names another one",
    errno.EISDIR: "--config takes the file moxlite.toml",
}
"""Hints about a static file that cannot be opened, by errno."""

TWICE: Final = "the file has this table or key already: change what is there, or put the new lines below its header"
"""Hint about what `tomllib` cannot do."""


class Problem(msgspec.Struct, frozen=True):
    """One mistake or warning, for people: ``FILE:LINE: KEY: TEXT (HINT)``."""

    file: str
    line: int
    key: str
    text: str
    hint: str = ""

    def __str__(self) -> str:
        """The problem in one line: file, line, key, text, hint."""
        where = f"{self.file}:{self.line}: " + (f"{self.key}: " if self.key else "")
        return printable(where + self.text + (f" ({self.hint})" if self.hint else ""))


class ConfigError(Exception):
    """The configuration cannot be used; `problems` has at least one entry, in the order of the files."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = tuple(problems)


class Source(msgspec.Struct, frozen=True):
    """A file as it was read. `revision` identifies its content."""

    path: Path
    text: str
    revision: str

    def problems(self, findings: Sequence[Finding]) -> list[Problem]:
        """The findings with their line numbers."""
        if not findings:
            return []
        lines = self._lines()
        found = [
            Problem(str(self.path), line_of(lines, finding.path), dotted(finding.path), finding.text, finding.hint)
            for finding in findings
        ]
        return sorted(found, key=lambda problem: problem.line)

    def _lines(self) -> dict[KeyPath, int]:
        try:
            return lines_of(self.text)
        except RecursionError:
            return {}


def read_source(path: Path) -> Source:
    """Read a file.

    Raises:
      ConfigError: it cannot be read, is too large, or isn't UTF-8.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE + 1)  # not all: the path may lead to a device without an end
    except OSError as error:
        reader = " by the service user" if hasattr(os, "geteuid") and os.geteuid() != os.getuid() else ""
        hint = ""
        if path.name != DOMAINS_FILE:
            hint = HINTS.get(error.errno or 0, "")
        text = f"cannot be read{reader}: {error.strerror or error}"
        raise ConfigError([Problem(str(path), 1, "", text, hint)]) from None
    return source_of(path, data)


def source_of(path: Path, data: bytes) -> Source:
    """The text of a file with these octets; raises ConfigError as `read_source`."""
    if len(data) > MAX_FILE:
        line = data.count(b"\n", 0, MAX_FILE) + 1
        raise ConfigError([Problem(str(path), line, "", f"the file is larger than {MAX_FILE >> 20} MiB")])
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConfigError([Problem(str(path), line, "", "is not UTF-8 text")]) from None
    return Source(path, text, hashlib.sha256(data).hexdigest()[:16])


def parse(source: Source) -> dict[str, object]:
    """The tables of a TOML text; raises ConfigError with the position of the mistake."""
    try:
        return tomllib.loads(source.text)
    except tomllib.TOMLDecodeError as error:
        text = str(error)
        match = POSITION.search(text)
        line = int(match[1]) if match else source.text.count("\n") + 1
        column = f", at column {match[2]}" if match else ", at the end of the file"
        hint = TWICE if text.startswith("Cannot ") else _toml_hint(source.text, line)
        raise ConfigError(
            [Problem(str(source.path), line, "", f"not TOML: {POSITION.sub('', text)}{column}", hint)]
        ) from None
    except RecursionError:
        line = _deepest_line(source.text)
        raise ConfigError([Problem(str(source.path), line, "", "not usable: values are nested too deeply")]) from None


def _toml_hint(text: str, line: int) -> str:
    """The likely cause of a syntax error at `line` (from 1) of a text that isn't TOML."""
    if text.startswith("\ufeff"):
        return "the file starts with a byte order mark: save it as UTF-8 without BOM"
    lines = text.split("\n")
    _, equals, value = (lines[line - 1] if line <= len(lines) else "").partition("=")
    if not equals or not BARE_TEXT.match(value):
        return ""
    try:
        tomllib.loads(f"value = {value}")
    except tomllib.TOMLDecodeError:
        return 'text wants quotes, as in key = "text"'
    return ""  # something else on this line


def _deepest_line(text: str) -> int:
    """The line with the most opening brackets."""
    lines = text.splitlines() or [""]
    return 1 + max(range(len(lines)), key=lambda i: lines[i].count("[") + lines[i].count("{"))


def _decode(section: type[SectionT], source: Source) -> tuple[SectionT | None, list[Finding], list[Problem]]:
    try:
        table = parse(source)
    except ConfigError as error:
        return None, [], list(error.problems)
    decoded, findings = decode(section, table, source.path.parent.absolute())
    return decoded, findings, []


def check_files(static_source: Source, domains_source: Source) -> tuple[Snapshot | None, list[Problem], list[Problem]]:
    """Check both files. Returns the configuration if it is usable, errors, and warnings."""
    static, static_findings, errors = _decode(Static, static_source)
    domains, domains_findings, more = _decode(Domains, domains_source)
    errors += more
    if static is not None:
        static = _with_whole_data_dir(static, static_source.path)
        static_findings += check_static(static)
    if domains is not None:
        domains_findings += check_domains(domains)
    if static is not None and domains is not None:
        of_static, of_domains = check_both(static, domains)
        static_findings += _not_consequential(of_static, domains_findings)
        domains_findings += _not_consequential(of_domains, [*static_findings, *domains_findings])
    errors += static_source.problems(static_findings) + domains_source.problems(domains_findings)
    if errors or static is None or domains is None:
        return None, errors, []
    snapshot = Snapshot(
        static=static, domains=domains, derived=derive(static, domains), revision=domains_source.revision
    )
    warnings = static_source.problems([*warn_static(static), *not_in_effect(static)])
    warnings += domains_source.problems([*warn_domains(domains), *not_in_effect(domains)])
    return snapshot, errors, warnings


def _not_consequential(findings: Sequence[Finding], others: Sequence[Finding]) -> list[Finding]:
    """The findings without references to names whose table has mistakes of its own."""
    paths = {
        finding.path[:length]
        for finding in others
        for length in range(1, len(finding.path) + 1)
        if not finding.refers_to
    }
    return [finding for finding in findings if not finding.refers_to or finding.refers_to not in paths]


def _with_whole_data_dir(static: Static, path: Path) -> Static:
    """Resolve `data_dir`: its default starts at the file's directory too (ADMIN-4). It is absolute, as users see it."""
    return msgspec.structs.replace(static, data_dir=(path.parent.absolute() / static.data_dir).resolve())


Acting = Callable[[], AbstractContextManager[None]]
"""Function that makes the block in which a file is read; another user than this process may own the file (ADMIN-37)."""


def read_sources(path: Path, reading: Acting = nullcontext) -> tuple[Source, Source]:
    """Read the static file at `path` and the domains.toml beside it.

    Args:
      reading: for domains.toml.

    Raises:
      ConfigError: as `read_source`, with the problems of both.
    """
    sources: list[Source] = []
    problems: list[Problem] = []
    for one, acting in ((path, nullcontext), (path.parent / DOMAINS_FILE, reading)):
        try:
            with acting():
                sources.append(read_source(one))
        except ConfigError as error:
            problems += error.problems
    if problems:
        raise ConfigError(problems)
    static, domains = sources
    return static, domains


def load(path: Path, reading: Acting = nullcontext) -> tuple[Snapshot, list[Problem]]:
    """Load both files, from the path of the static one. Returns the configuration and the warnings.

    Args:
      reading: for domains.toml.

    Raises:
      ConfigError: with all mistakes of both.
    """
    snapshot, errors, warnings = check_files(*read_sources(path, reading))
    if snapshot is None:
        raise ConfigError(errors)
    return snapshot, warnings


def load_domains(static: Static, source: Source) -> Snapshot:
    """Load another version of domains.toml beside a static configuration in use.

    Raises:
      ConfigError: with all mistakes of this file.
    """
    domains, findings, errors = _decode(Domains, source)
    return _checked(static, source, domains, findings, errors)


def load_changed(now: Snapshot, document: Document, path: Path) -> Snapshot:
    """The configuration after a change of `document`, whose text before the change was that of `now`.

    If only accounts and domains have changed, only these are decoded again: with 1,000 accounts the checks of the whole
    take 12 ms, decoding the whole 300 ms.

    Raises:
      ConfigError: as `load_domains`.
    """
    source = source_of(path, str(document).encode())
    # The checks that follow are of the whole: an address that two accounts have is in neither of their tables alone.
    changed = {one[:2] for one in document.touched}
    if any(len(one) < 2 or one[0] not in OBJECTS for one in changed):
        return load_domains(now.static, source)
    objects: dict[str, dict[str, Section]] = {"accounts": {**now.domains.accounts}, "domains": {**now.domains.domains}}
    findings: list[Finding] = []
    for kind, name in sorted(changed):
        try:
            tables: Any = tomllib.loads(document.slice((kind, name)))
        except tomllib.TOMLDecodeError:
            return load_domains(now.static, source)  # its exception has the line
        table = tables.get(kind, {}).get(name)
        if table is None:
            objects[kind].pop(name, None)
            continue
        section, wrong = decode(OBJECTS[kind], table, path.parent.absolute(), (kind, name))
        findings += wrong
        if section is not None:
            objects[kind][name] = section
        else:
            objects[kind].pop(name, None)
    domains = msgspec.structs.replace(now.domains, **objects)
    return _checked(now.static, source, domains, findings, [])


def _checked(
    static: Static, source: Source, domains: Domains | None, findings: list[Finding], errors: list[Problem]
) -> Snapshot:
    """The snapshot of the two files, if it passes the checks of the whole. Raises ConfigError."""
    if domains is not None:
        findings += check_domains(domains)
        of_static, of_domains = check_both(static, domains)
        findings += _not_consequential(of_domains, findings)
        # A requirement of the static file on this one (the postmaster's account) has no line here.
        errors += [
            Problem(str(source.path), 1, dotted(finding.path), finding.text, finding.hint)
            for finding in _not_consequential(of_static, findings)
        ]
    errors += source.problems(findings)
    if errors or domains is None:
        raise ConfigError(errors)
    return Snapshot(static=static, domains=domains, derived=derive(static, domains), revision=source.revision)


# Keys of the configuration that no code reads yet, and the warning that they are not in effect (ADMIN-10).
#
# `script/check config-keys` compares the list with the code: it must have exactly the keys that no code reads.

WAITING: Final[Mapping[type[Section], frozenset[str]]] = {
    Static: frozenset(("psl",)),
    DNS: frozenset(("validate",)),
    Listener: frozenset(("debug_http",)),
}
"""Keys by table. Keys below such a key are not in effect either."""


def not_in_effect(file: Static | Domains) -> list[Finding]:
    """A warning for each key of `WAITING` that the file sets to another value than its default. It has
    the path of the first place in the file.
    """
    found: dict[tuple[type[Section], str], list[KeyPath]] = {}
    for section, path in _sections(file, ()):
        for field in fields_of(type(section)):
            waits = field.name in WAITING.get(type(section), ())
            if waits and getattr(section, field.name) != field.default:
                found.setdefault((type(section), field.name), []).append((*path, field.name))
    return [Finding(paths[0], "isn't in effect yet", _elsewhere(len(paths) - 1)) for paths in found.values()]


def _elsewhere(number: int) -> str:
    return f"nor is it at {number} other {'place' if number == 1 else 'places'}" if number else ""


def _sections(value: object, path: KeyPath) -> Iterator[tuple[Section, KeyPath]]:
    """The tables of a file, without tables below a key of `WAITING`."""
    match value:
        case Section():
            yield value, path
            left_out = WAITING.get(type(value), frozenset())
            for name in value.__struct_fields__:
                if name not in left_out:
                    yield from _sections(getattr(value, name), (*path, name))
        case Mapping():
            for key, item in value.items():
                yield from _sections(item, (*path, key))
        case tuple():
            for index, item in enumerate(value):
                yield from _sections(item, (*path, index))
