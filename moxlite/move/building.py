"""A plan collected from a source: users and aliases checked one by one, so that a bad one stops no other (MOVE-2)."""

import errno
import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import msgspec

from moxlite.config.checks.accounts import account_name_problem
from moxlite.config.snapshot import login_key
from moxlite.config.values import parse_size
from moxlite.escapes import printable
from moxlite.groupware.davclient import url_problem
from moxlite.move.plan import Alias, DAVUser, IMAPServer, IMAPUser, Plan, Script, User
from moxlite.proto.address import Address, AddressError, Domain
from moxlite.store.auth.foreignhashes import UnknownHash, read_hash, weak_scheme

LOCKED: Final = "Login is disabled"
"""Text for a user who couldn't log in on the old server either; the administrator may change it."""

DETAIL: Final = "+"
"""Separates the detail of an address at each domain that is added here."""

NOTES: Final = {
    "MD5-CRYPT": "easy to crack if the old server's file was stolen: the hash is MD5-CRYPT",
    "SSHA": "easy to crack if the old server's file was stolen: the hash is salted SHA",
}


class Common(msgspec.Struct, frozen=True, kw_only=True):
    """Options for all users.

    Attributes:
      imap: the server.
      dav: the address of calendars and contacts, "" for none.
      files: the folder of a user's mail, as `folder_of` reads it, "" for none.
    """

    imap: IMAPServer | None = None
    dav: str = ""
    files: str = ""


class Candidate(msgspec.Struct, kw_only=True):
    """A user as a source has it; texts as they are there. `login`: a user name without a domain, "" for none."""

    address: str
    login: str = ""
    account: str = ""
    full_name: str = ""
    quota: str = ""
    hash: str = ""
    password: str = ""
    more: list[str] = []
    settings: dict[str, Any] = {}
    destinations: dict[str, dict[str, Any]] = {}
    files: str = ""
    imap: IMAPUser | None = None
    dav: list[DAVUser] = []
    scripts: list[Script] = []
    locked: bool = False
    allow_nets: str = ""
    problems: list[str] = []


class Builder:
    """Collects users and aliases."""

    def __init__(self, kind: str, common: Common) -> None:
        self.plan = Plan(kind=kind, imap=common.imap)
        self._common = common
        self._owners: dict[str, User] = {}
        self._names: set[str] = set()
        self._logins: dict[str, User] = {}

    def add_user(self, given: Candidate) -> None:
        """Add a user, with the problems of what cannot come."""
        try:
            address = canonical(given.address)
        except AddressError as error:
            self.plan.problems.append(f"skipped user {cell(given.address)}: {error}")
            return
        if detail := detail_problem(address):
            self.plan.problems.append(f"skipped user {address}: {detail}")
            return
        if address in self._owners:
            owner = self._owners[address].address
            self.plan.problems.append(f"skipped user {address}: {owner} has this address")
            return
        user = User(
            account=self._name_for(given, address), addresses=[address], full_name=" ".join(given.full_name.split())
        )
        user.problems = list(given.problems)
        user.scripts = given.scripts
        user.dav = [place for place in given.dav if self._is_reachable(place, user)]
        user.settings, user.destinations = given.settings, given.destinations
        self._add_login(user, given.login)
        if given.locked:
            user.settings = {"login_disabled": LOCKED, **user.settings}
            user.problems.append("can't log in on the old server, so login is disabled here, too")
        if given.allow_nets:
            user.login_from = given.allow_nets
            user.problems.append(
                f"could only log in from {printable(given.allow_nets)}; before you run the plan, set login_from to "
                '"anywhere" or "nowhere"'
            )
        user.imap = given.imap or (IMAPUser(user=given.address) if self._common.imap is not None else None)
        user.files = given.files or folder_of(self._common.files, address, user.account)
        if user.files and (problem := self._folder_problem(user.files, given)):
            user.problems.append(f"skipped mail: folder {user.files} {problem}")
            user.files = ""
        elif user.files:
            user.files = os.path.realpath(user.files)  # `run` takes no other folder
        self._owners[address] = user
        self._note_domain(address)
        for text in given.more:
            self.add_address(user, text)
        self._add_quota(user, given.quota)
        self._add_password(user, given)
        self.plan.users.append(user)

    def _add_login(self, user: User, name: str) -> None:
        """Let a user log in as on the old server, as devices do, by a name that is no other user's; "" for none."""
        if not name:
            return
        owner = self._logins.setdefault(login_key(name), user)
        if owner is user:
            user.settings = {"login_names": [name], **user.settings}
        else:
            user.problems.append(
                f"can't log in as {printable(name)!r} here because {owner.address} does; change it on the devices"
            )

    def _is_reachable(self, place: DAVUser, user: User) -> bool:
        """Whether calendars can be copied from a place, by the rule of the copy."""
        if problem := url_problem(place.url):
            user.problems.append(f"skipped calendars and contacts: {problem}")
        return not problem

    def _folder_problem(self, folder: str, given: Candidate) -> str:
        if not Path(folder).is_dir():
            return "doesn't exist"
        try:
            if not given.files:  # a folder that the owner has named may be anywhere
                inside(Path(folder), top_of(self._common.files))
        except OSError as error:
            return error.strerror or str(error)
        return ""

    def add_address(self, user: User, text: str) -> None:
        """Give a user one more address, or with ``@domain`` all of a domain that are no other's."""
        try:
            address = f"@{Domain.parse(text[1:]).unicode}" if text.startswith("@") else canonical(text)
        except AddressError as error:
            user.problems.append(f"skipped address {cell(text)}: {error}")
            return
        if detail := detail_problem(address):
            user.problems.append(f"skipped address {address}: {detail}")
            return
        owner = self._owners.setdefault(address, user)
        if owner is not user:
            user.problems.append(f"skipped address {address}: {owner.address} has it")
        elif address not in user.addresses:
            user.addresses.append(address)
            self._note_domain(address)

    def add_alias(self, alias: Alias) -> None:
        """Add an alias with several members; members at other servers are problems, for their owners must agree."""
        try:
            alias.address = canonical(alias.address)
        except AddressError as error:
            self.plan.problems.append(f"skipped alias {alias.address!r}: {error}")
            return
        if detail := detail_problem(alias.address):
            self.plan.problems.append(f"skipped alias {alias.address}: {detail}")
            return
        if alias.address in self._owners:
            self.plan.problems.append(
                f"skipped alias {alias.address}: {self._owners[alias.address].address} has this address"
            )
            return
        members, given = [], alias.members
        for text in dict.fromkeys(given):
            try:
                member = canonical(text)
            except AddressError as error:
                alias.problems.append(f"skipped member {text!r}: {error}")
                continue
            if member in self._owners:
                members.append(member)
            elif member.rpartition("@")[2] in self.plan.domains:
                alias.problems.append(f"skipped member {member}: unknown address")
            else:
                alias.problems.append(f"skipped member {member}: addresses at other servers have to confirm first")
        alias.members = members
        self._note_domain(alias.address)
        if members:
            self.plan.aliases.append(alias)
        else:
            self.plan.problems += [f"alias {alias.address}: {problem}" for problem in alias.problems]
            self.plan.problems.append(f"skipped alias {alias.address}: no members here")

    def add_domain_alias(self, alias: str, domain: str) -> None:
        """Give all addresses of a domain a second spelling, at another one."""
        try:
            alias, domain = (Domain.parse(text).unicode for text in (alias, domain))
        except AddressError as error:
            self.plan.problems.append(f"skipped domain alias @{alias}: {error}")
            return
        for address, owner in [*self._owners.items()]:
            if address.endswith(f"@{domain}"):
                self.add_address(owner, f"{address.removesuffix(domain)}{alias}")
        for given in [*self.plan.aliases]:
            if given.address.endswith(f"@{domain}"):
                address = f"{given.address.removesuffix(domain)}{alias}"
                self.add_alias(msgspec.structs.replace(given, address=address, problems=[]))

    def owner_of(self, text: str) -> User | None:
        """The user with an address, or None."""
        try:
            return self._owners.get(canonical(text))
        except AddressError:
            return None

    def _name_for(self, given: Candidate, address: str) -> str:
        localpart, _, domain = address.rpartition("@")
        wanted = given.account or localpart
        plain = re.sub(r"[^a-z0-9.-]+", "-", wanted.lower()).strip("-.") or "user"
        for name in (wanted, plain, f"{plain}-{domain}"):
            if account_name_problem(name) is None and name not in self._names:
                self._names.add(name)
                return name
        number = 2
        while f"{plain}-{number}" in self._names or account_name_problem(f"{plain}-{number}") is not None:
            number += 1
            if number > len(self._names) + 10:  # the name itself is not allowed
                plain = "user"
        self._names.add(f"{plain}-{number}")
        return f"{plain}-{number}"

    def _add_quota(self, user: User, text: str) -> None:
        if not text or text in ("0", "none", "unlimited", "NULL"):
            return
        words = re.sub(r"(?i)(?<=[kmgt])i?b$", "", text.strip()).lower()
        try:
            parse_size(int(words) if words.isdecimal() else words)
        except ValueError:
            user.problems.append(f"can't read quota {cell(text)}; using the server's quota")
        else:
            user.quota = words

    def _add_password(self, user: User, given: Candidate) -> None:
        user.password = given.password
        if not given.hash:
            return
        cleartext = re.fullmatch(r"\{(?:PLAIN|CLEARTEXT)\}(.*)", given.hash, re.IGNORECASE | re.DOTALL)
        if cleartext:
            user.password = cleartext[1]
            return
        try:
            form = read_hash(given.hash)
        except UnknownHash as error:
            user.problems.append(f"can't copy the password: {error}; send the user a link: moxlite move links")
            return
        user.hash = form
        if weak := weak_scheme(form):
            user.problems.append(NOTES[weak])

    def _note_domain(self, address: str) -> None:
        domain = address.rpartition("@")[2]
        if domain not in self.plan.domains:
            self.plan.domains.append(domain)


def cell(text: str) -> str:
    """A value of the old server's files for a problem: those that may be a hash, in a wrong place, aren't shown."""
    return "(may be a password)" if re.search(r"[${}]|[^\s@]{40}", text) else repr(text)


def folder_of(pattern: str, address: str, account: str = "") -> str:
    """The folder of a user in a pattern with ``%u`` for the address, ``%n`` and ``%d`` for its parts and ``%a`` for the
    account; "" without a pattern, and for a user whose name would lead out of the folder.
    """
    localpart, _, domain = address.rpartition("@")
    if not pattern or any(part in ("", ".", "..") or "/" in part for part in (localpart, domain)):
        return ""
    parts = {"%u": address, "%d": domain, "%n": localpart, "%a": account}
    return re.sub("%[udna]", lambda found: parts[found[0]], pattern)


def top_of(pattern: str) -> Path:
    """The folder in which a pattern of `folder_of` has the folders of all users."""
    return Path(pattern.partition("%")[0].rpartition("/")[0] or ("/" if pattern.startswith("/") else "."))


def inside(path: Path, folder: Path) -> Path:
    """The file or folder that a path means, when its links are followed. Raises OSError if it isn't in `folder`: a
    server that was taken over may have links that lead to files of root, who reads them on the new machine (MOVE-1).
    """
    meant = Path(os.path.realpath(path, strict=True))
    if not meant.is_relative_to(os.path.realpath(folder)):
        raise OSError(errno.EPERM, f"leads outside {folder}", str(path))
    return meant


def canonical(text: str) -> str:
    """An address as domains.toml has it. Raises AddressError."""
    return Address.parse(text.strip()).pack(True).lower() if text.isascii() else Address.parse(text.strip()).pack(True)


def detail_problem(address: str) -> str:
    """Why an address can't be set up because of its detail (RFC 5233), "" if it can."""
    localpart, _, domain = address.rpartition("@")
    base, separator, _ = localpart.partition(DETAIL)
    return f"mail with a {DETAIL} goes to {base}@{domain}" if separator and base else ""


def words(text: str) -> Iterable[str]:
    """Words with spaces or commas between."""
    return [word for word in re.split(r"[\s,]+", text) if word]
