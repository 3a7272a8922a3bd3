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
from typing import Any, Final, Self, TypeVar

import msgspec

from moxlite.config.checks.checks import (
    check_both,
    check_domains,
    check_source,
    check_static,
    warn_domains,
    warn_static,
)
from moxlite.config.domains import Account, DomainConfig, Domains
from moxlite.config.fields import fields_of
from moxlite.config.listeners import Listener
from moxlite.config.snapshot import Snapshot, derive
from moxlite.config.static import DNS, Static, Updates
from moxlite.config.toml.decode import KeyPath, Mistake, decode, dotted
from moxlite.config.toml.edit import Document
from moxlite.config.toml.scan import line_of, lines_of
from moxlite.config.values import Section
from moxlite.findings import Code, Finding, Grade
from moxlite.safefile import open_file

DOMAINS_FILE: Final = "domains.toml"
"""Name of domains.toml, in the folder of the static file (ADMIN-1)."""

DKIM_FOLDER: Final = "dkim"
"""Name of the folder with keys made by the server, in the same folder."""

DNS_FOLDER: Final = "dns"
"""Name of the folder with tokens of DNS providers and what was published there."""

CHANNEL: Final = Path(__file__).parents[1] / "channel.toml"
"""The update channel of this build: `script/package` puts packaging/channel.toml there, a checkout has none."""

CUSTOM_FILES: Final = tuple(f"{app}.{kind}" for app in ("webmail", "webaccount", "webadmin") for kind in ("css", "js"))
"""Names of files in the same folder that the web apps show, made by the owner (WEB-31)."""

MAX_FILE: Final = 8 << 20
"""Maximum octets of a file: 1000 domains with 5000 accounts take about 2 MB, and the parser needs 1 s for 2 MB."""

OBJECTS: Final[dict[str, type[Section]]] = {"accounts": Account, "domains": DomainConfig}
"""Tables of domains.toml with one subtable per name, of which there may be thousands."""

BARE_TEXT: Final = re.compile(r"[ \t\[]*+[\w./@~:-]")
"""An unquoted value, or the first one of a list."""

CURLED: Final = "\u201c\u201d\u201e\u2018\u2019\u201a\u00ab\u00bb"
"""Quotation marks that programs put in place of typed ones."""

BOOLEANS: Final = frozenset({"true", "false", "yes", "no", "on", "off"})
"""Words that people write for a boolean, in lowercase."""

POSITION: Final = re.compile(r"(?<!\s)\s*+\(at line (\d++), column (\d++)\)$")
SectionT = TypeVar("SectionT", bound=Section)


HINTS: Final = {
    errno.ENOENT: "to create it, run `moxlite quickstart`; to use another file, add --config FILE",
    errno.EISDIR: "--config must be the file moxlite.toml, not a folder",
}
"""Hints about a static file that cannot be opened, by errno."""

TWICE: Final = "this table or key already exists; edit it, or put the new lines below its header"
"""Hint about what `tomllib` cannot do."""


CODES: Final[Mapping[Code, Grade]] = {
    "config-error": "error",
    "config-warning": "warning",
    "key-not-in-effect": "note",
    "not-checked": "note",
}
"""Kinds of mistakes, and how bad they are."""


def finding_at(path: Path, line: int, mistake: Mistake) -> Finding:
    """The finding of a mistake at a line of a file."""
    return Finding(
        grade=CODES[mistake.code],
        code=mistake.code,
        about=dotted(mistake.path),
        text=mistake.text,
        commands=(mistake.hint,) if mistake.hint else (),
        file=str(path),
        line=line,
    )


def is_error(finding: Finding) -> bool:
    """Whether the configuration can't be used as it is."""
    return finding.grade == "error"


class ConfigError(Exception):
    """The configuration cannot be used; `problems` has at least one entry, in the order of the files."""

    def __init__(self, problems: Sequence[Finding]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = tuple(problems)

    @classmethod
    def at(cls, path: Path, line: int, text: str, hint: str = "") -> Self:
        """The one mistake of a file."""
        return cls([finding_at(path, line, Mistake((), text, hint))])


class Source(msgspec.Struct, frozen=True):
    """A file as it was read. `revision` identifies its content."""

    path: Path
    text: str
    revision: str

    def findings(self, mistakes: Sequence[Mistake]) -> list[Finding]:
        """The mistakes as findings, by line."""
        if not mistakes:
            return []
        lines = self._lines()
        found = [finding_at(self.path, line_of(lines, mistake.path), mistake) for mistake in mistakes]
        return sorted(found, key=lambda finding: finding.line)

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
        with open_file(path) as file:  # who may change domains.toml must not make root wait
            data = file.read(MAX_FILE + 1)
    except OSError as error:
        reader = " by the service user" if hasattr(os, "geteuid") and os.geteuid() != os.getuid() else ""
        hint = ""
        if path.name != DOMAINS_FILE:
            hint = HINTS.get(error.errno or 0, "")
        text = f"can't be read{reader}: {error.strerror or error}"
        raise ConfigError.at(path, 1, text, hint) from None
    return source_of(path, data)


def source_of(path: Path, data: bytes) -> Source:
    """The text of a file with these octets; raises ConfigError as `read_source`."""
    if len(data) > MAX_FILE:
        line = data.count(b"\n", 0, MAX_FILE) + 1
        raise ConfigError.at(path, line, f"file exceeds {MAX_FILE >> 20} MiB")
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConfigError.at(path, line, "file isn't valid UTF-8") from None
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
        raise ConfigError.at(source.path, line, f"invalid TOML: {POSITION.sub('', text)}{column}", hint) from None
    except RecursionError:
        line = _deepest_line(source.text)
        raise ConfigError.at(source.path, line, "values are nested too deeply") from None


def _toml_hint(text: str, line: int) -> str:
    """The likely cause of a syntax error at `line` (from 1) of a text that isn't TOML."""
    if text.startswith("\ufeff"):
        return "the file starts with a byte order mark; save it as UTF-8 without BOM"
    lines = text.split("\n")
    written = lines[line - 1] if line <= len(lines) else ""
    if any(mark in written for mark in CURLED):
        return 'use straight quotes ("), not the curly ones of word processors'
    _, equals, value = written.partition("=")
    if not equals or not BARE_TEXT.match(value):
        return ""
    if value.split("#")[0].strip().lower() in BOOLEANS:
        return "use true or false, in lowercase"
    try:
        tomllib.loads(f"value = {value}")
    except tomllib.TOMLDecodeError:
        return 'text must be in quotes, like key = "text"'
    return ""  # something else on this line


def _deepest_line(text: str) -> int:
    """The line with the most opening brackets."""
    lines = text.splitlines() or [""]
    return 1 + max(range(len(lines)), key=lambda i: lines[i].count("[") + lines[i].count("{"))


def _decode(section: type[SectionT], source: Source) -> tuple[SectionT | None, list[Mistake], list[Finding]]:
    try:
        table = parse(source)
    except ConfigError as error:
        return None, [], list(error.problems)
    return *decode(section, table, source.path.parent.absolute()), []


def check_files(static_source: Source, domains_source: Source) -> tuple[Snapshot | None, list[Finding]]:
    """Check both files. Returns the configuration if it is usable, with warnings, else the errors."""
    static, of_static_file, errors = _static_of(static_source)
    domains, of_domains_file, more = _decode(Domains, domains_source)
    errors += more
    if domains is not None:
        of_domains_file += _without_follow_ups(check_domains(domains), of_domains_file)
    if static is not None and domains is not None:
        of_static, of_domains = check_both(static, domains)
        of_static_file += _not_consequential(of_static, of_domains_file)
        of_domains_file += _not_consequential(of_domains, [*of_static_file, *of_domains_file])
    errors += static_source.findings(of_static_file) + domains_source.findings(of_domains_file)
    if errors or static is None or domains is None:
        return None, errors
    snapshot = Snapshot(
        static=static, domains=domains, derived=derive(static, domains), revision=domains_source.revision
    )
    warnings = static_source.findings([*warn_static(static), *not_in_effect(static)])
    return snapshot, warnings + domains_source.findings([*warn_domains(domains), *not_in_effect(domains)])


def _static_of(source: Source) -> tuple[Static | None, list[Mistake], list[Finding]]:
    """moxlite.toml by itself, as `_decode`, with its mistakes but for references to domains.toml."""
    static, mistakes, errors = _decode(Static, source)
    if static is not None:
        static = _completed(static, source.path)
        mistakes += _without_follow_ups(check_static(static), mistakes)
    return static, mistakes, errors


def _without_follow_ups(mistakes: Sequence[Mistake], earlier: Sequence[Mistake]) -> list[Mistake]:
    """The mistakes, but not of a whole table in which a value couldn't be read: it may lack only that."""
    tables = {mistake.path[:length] for mistake in earlier for length in range(1, len(mistake.path))}
    return [mistake for mistake in mistakes if mistake.path not in tables]


def _not_consequential(mistakes: Sequence[Mistake], others: Sequence[Mistake]) -> list[Mistake]:
    """The mistakes without references to names whose table has mistakes of its own."""
    paths = {
        mistake.path[:length]
        for mistake in others
        for length in range(1, len(mistake.path) + 1)
        if not mistake.refers_to
    }
    return [mistake for mistake in mistakes if not mistake.refers_to or mistake.refers_to not in paths]


def _completed(static: Static, path: Path) -> Static:
    """Resolve `data_dir`: its default starts at the file's directory too (ADMIN-4). It is absolute, as users see it.
    Without `[updates]`, the channel of this build is used (ADMIN-60).
    """
    data_dir = (path.parent.absolute() / static.data_dir).resolve()
    return msgspec.structs.replace(static, data_dir=data_dir, updates=static.updates or built_channel())


def built_channel() -> Updates | None:
    """The update channel of this build, None in a checkout and in builds without one."""
    return read_channel(CHANNEL)[0] if CHANNEL.exists() else None


class Channel(Updates, frozen=True):
    """The update channel of a build: also the fingerprint of the key that signs its apt repository."""

    apt_fingerprint: str | None = None


FINGERPRINT: Final = re.compile("[0-9A-F]{40}")
"""Fingerprint of an OpenPGP key, as `gpg --list-keys` prints it."""


def read_channel(path: Path) -> tuple[Updates | None, list[Mistake]]:
    """The update channel that a file describes, None if it is empty, and all mistakes. Raises ConfigError: the file
    isn't TOML.
    """
    table = parse(read_source(path))
    if not table:
        return None, []
    channel, mistakes = decode(Channel, table, path.parent)
    if channel is not None:
        mistakes += check_source(channel)
        if channel.apt_fingerprint is not None and FINGERPRINT.fullmatch(channel.apt_fingerprint) is None:
            mistakes.append(Mistake(("apt_fingerprint",), "must be 40 hexadecimal digits"))
    return channel, mistakes


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
    problems: list[Finding] = []
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


def load(path: Path, reading: Acting = nullcontext) -> tuple[Snapshot, list[Finding]]:
    """Load both files, from the path of the static one. Returns the configuration and the warnings.

    Args:
      reading: for domains.toml.

    Raises:
      ConfigError: with all mistakes of both.
    """
    snapshot, findings = check_files(*read_sources(path, reading))
    if snapshot is None:
        raise ConfigError(findings)
    return snapshot, findings


def load_static(path: Path) -> Static:
    """Load the static file alone. Raises ConfigError with all its mistakes, except in references to domains.toml."""
    source = read_source(path)
    static, mistakes, errors = _static_of(source)
    errors += source.findings(mistakes)
    if errors or static is None:
        raise ConfigError(errors)
    return static


def load_domains(static: Static, source: Source) -> Snapshot:
    """Load another version of domains.toml beside a static configuration in use.

    Raises:
      ConfigError: with all mistakes of this file.
    """
    return _checked(static, source, *_decode(Domains, source))


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
    mistakes: list[Mistake] = []
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
        mistakes += wrong
        if section is not None:
            objects[kind][name] = section
        else:
            objects[kind].pop(name, None)
    domains = msgspec.structs.replace(now.domains, **objects)
    return _checked(now.static, source, domains, mistakes, [])


def _checked(
    static: Static, source: Source, domains: Domains | None, mistakes: list[Mistake], errors: list[Finding]
) -> Snapshot:
    """The snapshot of the two files, if it passes the checks of the whole. Raises ConfigError."""
    if domains is not None:
        mistakes += check_domains(domains)
        of_static, of_domains = check_both(static, domains)
        mistakes += _not_consequential(of_domains, mistakes)
        # A requirement of the static file on this one (the postmaster's account) has no line here.
        errors += [finding_at(source.path, 1, mistake) for mistake in _not_consequential(of_static, mistakes)]
    errors += source.findings(mistakes)
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


def not_in_effect(file: Static | Domains) -> list[Mistake]:
    """A warning for each key of `WAITING` that the file sets to another value than its default. It has
    the path of the first place in the file.
    """
    found: dict[tuple[type[Section], str], list[KeyPath]] = {}
    for section, path in _sections(file, ()):
        for field in fields_of(type(section)):
            waits = field.name in WAITING.get(type(section), ())
            if waits and getattr(section, field.name) != field.default:
                found.setdefault((type(section), field.name), []).append((*path, field.name))
    return [
        Mistake(paths[0], "isn't supported yet", _elsewhere(len(paths) - 1), code="key-not-in-effect")
        for paths in found.values()
    ]


def _elsewhere(number: int) -> str:
    return f"also in {number} other {'place' if number == 1 else 'places'}" if number else ""


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
