"""Users of Dovecot's passwd-file, and addresses of Postfix's maps (MOVE-4).

The maps are read as text: what they would run or include is a problem, never done.
"""

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec

from moxlite.escapes import printable
from moxlite.move.building import Builder, Candidate, Common, folder_of, inside, top_of
from moxlite.move.plan import Alias, Plan, Script
from moxlite.move.scripts import gaps_of
from moxlite.proto.address import one_spelling
from moxlite.safefile import open_file

ACTIVE: Final = ".dovecot.sieve"
"""The link in a user's folder that leads to the active script."""

MAX_SCRIPT: Final = 1 << 20
"""Octets of a script, as of one that ManageSieve takes."""

MAX_SCRIPTS: Final = 50
"""Scripts of a user."""

_QUOTA: Final = re.compile(r"(?:userdb_)?quota_(?:rule\d*=\*:storage|storage_size)=(\w+)|storage=(\w+)")
"""Dovecot 2.3 and 2.4."""

_LOCKED: Final = re.compile(r"(?:\{[A-Za-z0-9.-]+\})?[!*]")
"""Begins the hash of a user who can't log in (shadow(5))."""

_WITHOUT_MEANING: Final = re.compile(
    r"(?:userdb_)?(?:uid|gid|home|chroot|mail|mail_location|mail_path|mail_driver|mail_home)|nodelay|nologin|deny"
    r"|allow_nets|(?:userdb_)?(?:quota_storage_size|quota_rule)|storage"
)
"""Extra fields that are about the old machine, or read here (doc.dovecot.org, passdb and userdb extra fields)."""

_EVERYWHERE: Final = frozenset({"0.0.0.0/0", "::/0"})


class Files(msgspec.Struct, frozen=True, kw_only=True):
    """Files of the old server.

    Attributes:
      passwd: lines of a passwd-file. virtual, aliases: lines of Postfix's maps.
      domain: of users and aliases that have none, "" for no such.
      scripts: the folder of a user's scripts, as `folder_of` reads it, "" for none.
    """

    passwd: list[str]
    virtual: list[str] = []
    aliases: list[str] = []
    domain: str = ""
    scripts: str = ""


def plan_of_dovecot(files: Files, common: Common) -> Plan:
    """The plan. Blocks: scripts are read."""
    builder = Builder("dovecot", common)
    for line in files.passwd:
        if line.strip() and not line.startswith("#"):
            builder.add_user(_candidate(line.rstrip("\r\n"), files))
    entries = [
        *_virtual(files.virtual, files.domain, builder.plan),
        *_aliases(files.aliases, files.domain, builder.plan),
    ]
    domains = {address: targets[0] for address, targets in entries if _is_domain(address, targets)}
    for address, targets in _expanded([entry for entry in entries if entry[0] not in domains]):
        _add(builder, address, targets)
    for alias, domain in domains.items():
        builder.add_domain_alias(alias.removeprefix("@"), domain.removeprefix("@"))
    return builder.plan


def _is_domain(address: str, targets: list[str]) -> bool:
    """Whether an entry is an alias of a whole domain, as in Postfixadmin."""
    return address.startswith("@") and len(targets) == 1 and targets[0].startswith("@")


def _candidate(line: str, files: Files) -> Candidate:
    name, *rest = line.split(":")
    # The extra fields are the last one, and have colons of their own.
    hashed, _, _, gecos, _, _, extra = (*rest[:6], *[""] * (6 - len(rest[:6])), ":".join(rest[6:]))
    address = name if "@" in name or not files.domain else f"{name}@{files.domain}"
    quota = _QUOTA.search(extra)
    locked = _LOCKED.match(hashed) is not None
    given = Candidate(
        address=address,
        login=name if name != address else "",
        hash="" if locked or hashed in ("", "x") else hashed,
        full_name=gecos.split(",")[0],
        locked=locked,
    )
    _read_rights(extra, given)
    given.quota = "" if quota is None else quota[1] or quota[2]
    if hashed and not hashed.startswith(("{", "$")) and given.hash:
        given.hash, given.problems = (
            "",
            [
                (
                    "can't copy the password because its hash doesn't have a scheme; send the user a link: moxlite"
                    " move links"
                )
            ],
        )
    if place := folder_of(files.scripts, address):
        given.scripts = [*_scripts(Path(place), top_of(files.scripts), given.problems)]
    return given


def _read_rights(extra: str, given: Candidate) -> None:
    """Take the extra fields that say who can log in, from where; name those that have no counterpart, without values,
    which may be secrets.
    """
    fields = {name: value for name, _, value in (field.partition("=") for field in extra.split())}
    refused = [name for name in ("nologin", "deny") if fields.get(name, "n").lower() not in ("n", "no")]
    given.locked = given.locked or bool(refused)
    networks = {network for network in fields.get("allow_nets", "").split(",") if network}
    if networks and not networks & _EVERYWHERE:
        given.allow_nets = ",".join(sorted(networks))
    unknown = [name for name in fields if not _WITHOUT_MEANING.fullmatch(name)]
    given.problems += [f"can't copy extra field {printable(name)!r}" for name in unknown]


def _scripts(home: Path, top: Path, problems: list[str]) -> Iterator[Script]:
    active = os.path.realpath(home / ACTIVE) if (home / ACTIVE).exists() else ""
    found = sorted((home / "sieve").glob("*.sieve"))
    if active and Path(active) not in [Path(os.path.realpath(path)) for path in found]:
        found.append(home / ACTIVE)
    if len(found) > MAX_SCRIPTS:
        problems.append(f"skipped {len(found) - MAX_SCRIPTS} scripts (limit {MAX_SCRIPTS})")
    for path in found[:MAX_SCRIPTS]:
        try:
            with open_file(inside(inside(path, top), home)) as file:
                octets = file.read(MAX_SCRIPT + 1)
            text = octets.decode()
        except (OSError, UnicodeDecodeError) as error:
            problems.append(f"skipped script {path.name}: {error}")
            continue
        if len(octets) > MAX_SCRIPT:
            problems.append(f"skipped script {path.name}: larger than {MAX_SCRIPT >> 20} MiB")
            continue
        script = Script(name=path.stem.lstrip("."), text=text, active=os.path.realpath(path) == active)
        problems += [f"script {script.name}: {gap}" for gap in gaps_of(text)]
        yield script


# Postfix's maps: `virtual` (virtual(5)), lines KEY TARGET[, TARGET…]; `aliases` (aliases(5)), KEY: TARGET[, TARGET…].


def _logical(lines: Iterable[str]) -> Iterator[str]:
    """Lines without comments; one that begins with white space continues the one before (postconf(5))."""
    held = ""
    for line in lines:
        text = line.rstrip("\r\n")
        if not text.strip() or text.lstrip().startswith("#"):
            continue
        if text[0] in " \t":
            held += " " + text.strip()
        else:
            if held:
                yield held
            held = text.strip()
    if held:
        yield held


def _virtual(lines: Iterable[str], domain: str, plan: Plan) -> Iterator[tuple[str, list[str]]]:
    for line in _logical(lines):
        key, _, targets = line.replace("\t", " ").partition(" ")
        if not targets.strip():
            plan.problems.append(f"skipped virtual {key!r}: no target")
        elif "@" in key:
            # A bare name is at $myorigin (virtual(5)).
            yield key, [_at(target, domain) for target in _split(targets)]
        elif "." not in key:
            plan.problems.append(f"skipped virtual {key!r}: no domain")
        # KEY without @ names a virtual domain, whose target is not looked at.


def _aliases(lines: Iterable[str], domain: str, plan: Plan) -> Iterator[tuple[str, list[str]]]:
    for line in _logical(lines):
        key, colon, targets = line.partition(":")
        key = key.strip().strip('"')
        if not colon or not domain:
            plan.problems.append(f"skipped alias {key!r}: specify its domain with --domain")
            continue
        kept = []
        for target in _split(targets):
            if target.startswith(("|", "/", ":include:")):
                kind = {"|": "a program", "/": "a file"}.get(target[0], "a list in a file")
                plan.problems.append(f"alias {key!r}: target {target!r} is {kind}, which isn't supported here")
            else:
                kept.append(_at(target, domain))
        if kept:
            yield key if "@" in key else f"{key}@{domain}", kept


def _at(target: str, domain: str) -> str:
    """A target with its domain. A backslash before a name ends its expansion (aliases(5)), as a loop does here."""
    name = target.removeprefix("\\")
    return name if "@" in name or not domain else f"{name}@{domain}"


def _expanded(entries: Sequence[tuple[str, list[str]]]) -> Iterator[tuple[str, list[str]]]:
    """Entries whose targets are entries themselves, as ``postmaster: root`` and ``root: mia``, with what these lead to.
    An entry that leads back to itself keeps itself as a target, as with Postfix. Linear in what it reads and yields.
    """
    known: dict[str, list[str]] = {}
    for address, targets in entries:
        known.setdefault(one_spelling(address), []).extend(targets)
    ends: dict[str, dict[str, None]] = {}
    loops: dict[str, int] = {}  # the groups of entries that lead back to themselves

    def ends_of(targets: Iterable[str], address: str) -> dict[str, None]:
        found: dict[str, None] = {}
        for target in targets:
            key = one_spelling(target)
            if key in loops:
                found[address if loops[key] == loops.get(one_spelling(address)) else target] = None
            found.update(ends[key] if key in known else {target: None})
        return found

    for number, group in enumerate(_groups(known)):
        inside = {*group}
        targets = [target for entry in group for target in known[entry]]
        outside = [target for target in targets if one_spelling(target) not in inside]
        ends |= dict.fromkeys(group, ends_of(outside, ""))
        if len(outside) < len(targets):
            loops |= dict.fromkeys(group, number)
    for address, targets in entries:
        yield address, [*ends_of(targets, address)]


def _groups(known: Mapping[str, Sequence[str]]) -> Iterator[list[str]]:
    """Entries that lead to each other, most of them alone, after those that they lead to (Tarjan's algorithm)."""
    below = {entry: [key for key in map(one_spelling, targets) if key in known] for entry, targets in known.items()}
    number: dict[str, int] = {}
    lowest: dict[str, int] = {}
    waiting: list[str] = []  # entered, and of no group yet
    places: dict[str, int] = {}  # in `waiting`
    grouped: set[str] = set()
    path: list[tuple[str, Iterator[str]]] = []

    def enter(entry: str) -> None:
        number[entry] = lowest[entry] = len(number)
        places[entry] = len(waiting)
        waiting.append(entry)
        path.append((entry, iter(below[entry])))

    for start in known:
        if start not in number:
            enter(start)
        while path:
            entry, rest = path[-1]
            key = next(rest, None)
            if key is None:
                path.pop()
                for above, _ in path[-1:]:
                    lowest[above] = min(lowest[above], lowest[entry])
                if lowest[entry] == number[entry]:
                    group, waiting[places[entry] :] = waiting[places[entry] :], []
                    grouped.update(group)
                    yield group
            elif key not in number:
                enter(key)
            elif key not in grouped:
                lowest[entry] = min(lowest[entry], number[key])


def _split(text: str) -> list[str]:
    """Targets with commas or spaces between, some in quotes."""
    return [one[0] or one[1] for one in re.findall(r'"((?:[^"\\]|\\.)*)"?|([^\s,"]+)', text)]


def _add(builder: Builder, address: str, targets: list[str]) -> None:
    owner = builder.owner_of(targets[0]) if len(targets) == 1 else None
    if owner is not None and builder.owner_of(address) is owner and not address.startswith("@"):
        return  # the user's own address, as many virtual maps repeat it
    if owner is not None:
        builder.add_address(owner, address)
    elif address.startswith("@"):
        builder.plan.problems.append(f"skipped catch-all {address}: its target must be a single user")
    elif (user := builder.owner_of(address)) is not None:
        others = ", ".join(target for target in targets if builder.owner_of(target) is not user)
        if len(targets) == 1:
            problem = f"skipped forwarding to {others}: the owner has to confirm first"
        elif user in map(builder.owner_of, targets):
            problem = f"{others} won't get copies of mail for {address}"
        else:
            problem = f"mail for {address} went to {others} instead; here, this user gets it"
        user.problems.append(f"{problem} (account forward set)")
    else:
        builder.add_alias(Alias(address=address, members=targets))
