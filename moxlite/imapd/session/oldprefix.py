"""Mailbox names with the prefix that a previous server put before them, as devices still have it (IMAP-69a).

Theory of operation
-------------------
A device whose user moved here asks for ``INBOX.Work.2019``, which is ``Work/2019`` here. Names in a command become
those here before its handler runs, and names in its answers become the device's again: no handler knows of it. Commands
whose names don't begin with the prefix are left alone, so that a client without it sees the names here. The names with
the prefix are only in lists that ask for them, as a hidden namespace of Dovecot is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypeVar

import msgspec

from moxlite.proto.imap import commands as c, responses as r
from moxlite.store.changelog.account import Account
from moxlite.store.file.transaction import Reader
from moxlite.store.mail.remotes import copied_to
from moxlite.store.names import INBOX, composed
from moxlite.store.rows.mailboxes import mailbox_by_name, mailboxes

Response = TypeVar("Response")

FIELDS: Final = ("mailbox", "source", "target")
"""Fields of commands that are mailbox names."""


class Spelling(msgspec.Struct, frozen=True):
    """How the names of a command's answers are written. `asked`: as the command has them, by their names here."""

    prefix: OldPrefix
    asked: Mapping[str, str]

    def of(self, response: Response) -> Response:
        """A response with the names as the client knows them."""
        match response:
            case r.ListData(name=name) | r.LsubData(name=name):
                return msgspec.structs.replace(response, name=self._name(name), separator=self.prefix.separator)
            case (
                r.StatusData(mailbox=name)
                | r.MetadataData(mailbox=name)
                | r.AclData(mailbox=name)
                | r.ListRightsData(mailbox=name)
                | r.MyRightsData(mailbox=name)
                | r.QuotaRootData(mailbox=name)
            ):
                return msgspec.structs.replace(response, mailbox=self._name(name))
        return response

    def _name(self, name: str) -> str:
        return self.asked.get(name) or self.prefix.shown(name)


class OldPrefix(msgspec.Struct, frozen=True):
    """A prefix, which ends in the separator of names that begin with it: the setting ``imap_prefix``."""

    text: str

    @property
    def separator(self) -> str:
        """The separator of names with the prefix."""
        return self.text[-1]

    def begins(self, name: str) -> bool:
        """Whether a name or pattern begins with the prefix, in which INBOX may be in any case."""
        return name[: len(self.text)].upper() == self.text.upper()

    def plain(self, name: str) -> str:
        """The name or pattern here, of one that begins with the prefix."""
        rest = name[len(self.text) :]
        return rest if self.separator == "/" else rest.replace("/", "_").replace(self.separator, "/")

    def shown(self, name: str) -> str:
        """The name with the prefix, of a name here. Inbox has none."""
        return name if name == INBOX else self.text + name.replace("/", self.separator)

    async def own_name(self, account: Account, name: str) -> str:
        """The name here. One that is in the account as it stands keeps its meaning."""
        if not self.begins(name) or len(name) == len(self.text):
            return name
        plain = self.plain(name)

        def find(reader: Reader) -> str:
            if mailbox_by_name(reader, name) is not None:
                return name
            # The trash of a previous server has another name here.
            if copied := copied_to(reader, composed(name)):
                return copied
            if mailbox_by_name(reader, plain) is not None:
                return plain
            # A separator of a previous server may be a character of a name here.
            return next((box.name for box in mailboxes(reader) if self.shown(box.name) == composed(name)), plain)

        return await account.read(find, op="imap-prefix")

    async def translated(self, account: Account, command: c.Command) -> tuple[c.Command, Spelling | None]:
        """The command with names here, and the spelling of its answers; None if no name begins with the prefix."""
        match command:
            case c.List(reference, patterns):
                return self._listed(command, [reference + pattern for pattern in patterns], "patterns")
            case c.Lsub(reference, pattern):
                return self._listed(command, [reference + pattern], "pattern")
        names = {field: name for field in FIELDS if isinstance(name := getattr(command, field, None), str)}
        here = {field: await self.own_name(account, name) for field, name in names.items()}
        if here == names:
            return command, None
        asked = {here[field]: name for field, name in names.items()}
        return msgspec.structs.replace(command, **here), Spelling(self, asked)

    def _listed(self, command: c.List | c.Lsub, patterns: list[str], field: str) -> tuple[c.Command, Spelling | None]:
        """LIST or LSUB. A prefix without its separator before ``*`` stands for all names, as iOS sends it."""
        root = self.text[:-1].upper() + "*"
        if not all(self.begins(pattern) or pattern.upper() == root for pattern in patterns):
            return command, None
        plain = tuple([self.plain(pattern) if self.begins(pattern) else "*" for pattern in patterns])
        changed: c.List | c.Lsub = msgspec.structs.replace(
            command, reference="", **{field: plain if field == "patterns" else plain[0]}
        )
        return changed, Spelling(self, {"": self.text})
