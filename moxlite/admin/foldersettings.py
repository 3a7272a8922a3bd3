"""Settings that name folders of an account follow these: a renamed folder by its new name, a deleted one to Inbox.

The account's change is a row of its outbox (`store.mail.foldermoves`), so that it reaches domains.toml also after a
crash in between. moxlite.toml is written by its administrator alone.
"""

import logging
from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal, NamedTuple

import msgspec

from moxlite.admin.formedits import changed_keys
from moxlite.admin.notices import address_of_account, notify_account
from moxlite.config.domains import DMARC, TLSRPT, Account as AccountSettings, Destination, Ruleset
from moxlite.config.fields import fields_of
from moxlite.config.holder import ChangedMeanwhile, ConfigHolder
from moxlite.config.load import ConfigError
from moxlite.config.snapshot import Snapshot
from moxlite.config.toml.edit import Document, Keys
from moxlite.config.values import Section
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.changelog.account import Account
from moxlite.store.errors import StorageBusy
from moxlite.store.mail.foldermoves import FolderMove
from moxlite.store.names import INBOX
from moxlite.store.upkeep.outbox import OutboxRow
from moxlite.wording import Worded, mail_text

logger = logging.getLogger("moxlite.admin.settings")

Deleted = Literal["inbox", "unset", "keep"]

FOLLOWED: Final[Mapping[tuple[type[Section], str], Deleted]] = {
    (Destination, "mailbox"): "inbox",
    (Ruleset, "mailbox"): "inbox",
    (Ruleset, "accept_rejects_to_mailbox"): "keep",
    (DMARC, "mailbox"): "inbox",
    (TLSRPT, "mailbox"): "inbox",
    (AccountSettings, "introbox"): "unset",
    (AccountSettings, "rejects_mailbox"): "keep",
    (AccountSettings, "expire_after"): "keep",
}
"""Settings that name folders, and what they become when their folder is deleted. Without an introbox its mail goes to
Inbox. Mail that is to be rejected must never get there: its folder is made again, as is one whose mail expires.
"""

SUBJECT: Final = mail_text("Folder deleted, mail now goes to your Inbox")


class FolderChange(NamedTuple):
    """A key of domains.toml that follows a folder: its table, and the values before and after."""

    section: type[Section]
    path: Keys
    name: str
    before: object
    after: object


class FolderSettings:
    """The handler of rows of the kind `foldermoves.MOVED`."""

    def __init__(self, config: ConfigHolder, accounts: Accounts) -> None:
        self._config = config
        self._accounts = accounts

    async def carry(self, account: Account, row: OutboxRow) -> None:
        """Change the settings that name the folder. Raises StoreError: it can be tried again."""
        move = FolderMove.unpack(row.data)
        changes = [*changes_of(self._config.current, account.name, move)]
        if not changes:
            return
        # Before the settings change: after a crash in between the key of the mail keeps it from coming twice.
        if not move.new:
            await self._tell(account.name, move, changes, row)

        def change(document: Document, snapshot: Snapshot) -> None:
            for section, path, name, before, after in changes_of(snapshot, account.name, move):
                changed_keys(section, path, {name: (before, after)})(document, snapshot)

        try:
            await self._config.edit(change)
        except (ConfigError, ChangedMeanwhile) as error:
            raise StorageBusy(f"settings can't follow the folder: {error}") from None
        kv = {"account": account.name, "folder": move.old, "to": move.new or INBOX, "settings": len(changes)}
        logger.info("settings follow a folder", extra={"kv": kv})

    async def _tell(self, name: str, move: FolderMove, changes: list[FolderChange], row: OutboxRow) -> None:
        snapshot = self._config.current
        address = address_of_account(snapshot, name)
        if address is not None:
            lines = [
                mail_text("The folder {name} was deleted. These settings used it:", name=move.old),
                "",
                *dict.fromkeys(mail_text("- {setting}", setting=_shown(change)) for change in changes),
                "",
                mail_text("Mail that went to this folder now goes to your Inbox."),
                mail_text("To use another folder, change your addresses and rules on the account page."),
            ]
            once = f"folder {name} {row.key.hex()}"
            await notify_account(self._accounts, snapshot, name, address, SUBJECT, lines, once=once)


def changes_of(snapshot: Snapshot, account: str, move: FolderMove) -> Iterator[FolderChange]:
    """The keys that follow a folder of an account."""
    for path, section in _sections(snapshot, account):
        after = moved(section, move)
        for field in fields_of(type(section)):
            values = getattr(section, field.name), getattr(after, field.name)
            if values[0] != values[1]:
                yield FolderChange(type(section), path, field.name, *values)


def _sections(snapshot: Snapshot, account: str) -> Iterator[tuple[Keys, Section]]:
    """The tables of domains.toml that may name folders of an account."""
    settings = snapshot.account(account)
    if settings is not None:
        yield ("accounts", account), settings
        for address, destination in settings.destinations.items():
            yield ("accounts", account, "destinations", address), destination
    for domain, configured in snapshot.domains.domains.items():
        for name in ("dmarc", "tlsrpt"):
            report: DMARC | TLSRPT | None = getattr(configured, name)
            if report is not None and report.account == account:
                yield ("domains", domain, name), report


def moved(section: Section, move: FolderMove) -> Section:
    """A table whose folders have followed; rules are a part of their address."""
    values: dict[str, Any] = {}
    for (kind, name), deleted in FOLLOWED.items():
        if type(section) is kind:
            value = getattr(section, name)
            if isinstance(value, Mapping):
                values[name] = {_followed(one, move, deleted) or one: more for one, more in value.items()}
            elif value is not None:
                values[name] = _followed(value, move, deleted)
    if isinstance(section, Destination):
        values["rulesets"] = tuple(moved(ruleset, move) for ruleset in section.rulesets)
    return msgspec.structs.replace(section, **values)


def _followed(name: str, move: FolderMove, deleted: Deleted) -> str | None:
    new = move.name_of(name)
    if new:
        return new
    return {"inbox": INBOX, "unset": None, "keep": name}[deleted]


def _shown(change: FolderChange) -> Worded:
    """A setting, for its user."""
    *_, last = change.path
    if change.section is Destination:
        if change.name == "rulesets":
            return mail_text("Rules for {address}", address=last)
        return mail_text("Folder for {address}", address=last)
    if change.section is AccountSettings:
        return mail_text("Folder for unknown senders")
    return mail_text("Reports about {domain}", domain=change.path[1])
