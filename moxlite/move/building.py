"""A plan collected from a source: users and aliases checked one by one, so that a bad one stops no other (MOVE-2)."""

import errno
import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import msgspec

from moxlite.config.checks.accounts import account_name_problem
from moxlite.config.values import parse_size
from moxlite.move.plan import Alias, DAVUser, IMAPServer, IMAPUser, Plan, Script, User
from moxlite.proto.address import Address, AddressError, Domain
from moxlite.store.auth.foreignhashes import UnknownHash, read_hash, weak_scheme

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
    """A user as a source has it; texts as they are there."""

    address: str
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
    problems: list[str] = []


class Builder:
    """Collects users and aliases."""

    def __init__(self, kind: str, common: Common) -> None:
        self.plan = Plan(kind=kind, imap=common.imap)
        self._common = common
        self._owners: dict[str, User] = {}
        self._names: set[str] = set()

    def add_user(self, given: Candidate) -> None:
        """Add a user, with the problems of what cannot come."""
        try:
            address = canonical(given.address)
        except AddressError as error:
            self.plan.problems.append(f"skipped user {given.address!r}: {error}")
            return
        if address in self._owners:
            owner = self._owners[address].address
            self.plan.problems.append(f"skipped user {address}: {owner} has this address")
            return
        user = User(
            account=self._name_for(given, address), addresses=[address], full_name=" ".join(given.full_name.split())
        )
        user.problems = list(given.problems)
        user.scripts, user.dav = given.scripts, given.dav
        user.settings, user.destinations = given.settings, given.destinations
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
            user.problems.append(f"skipped address {text!r}: {error}")
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
            user.problems.append(f"can't read quota {text!r}; using the server's quota")
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


def words(text: str) -> Iterable[str]:
    """Words with spaces or commas between."""
    return [word for word in re.split(r"[\s,]+", text) if word]
