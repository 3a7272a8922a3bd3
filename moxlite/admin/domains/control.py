"""Commands of the control socket about domains and aliases (ADMIN-12, 13, 17)."""

import datetime as dt
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import trio

from moxlite.admin.accounts import Refused
from moxlite.admin.dkimkeys import NewKey, made_keys
from moxlite.admin.domains import changes as changes
from moxlite.admin.domains.requests import (
    AliasChange,
    AliasInfo,
    AliasMembers,
    AliasName,
    DomainAdd,
    DomainInfo,
    DomainName,
)
from moxlite.admin.edits import edit
from moxlite.config.domains import Alias
from moxlite.config.holder import ConfigHolder
from moxlite.config.snapshot import Snapshot
from moxlite.config.toml.edit import Document
from moxlite.net.control.server import Command, CommandFailed, Exchange
from moxlite.proto.address import Domain

logger = logging.getLogger("moxlite.admin.domains.changes")


class DomainCommands:
    """``moxlite config domain`` and ``config alias``.

    Args:
      check_account: raises CommandFailed if no account of this name can be made now.
      make_account: makes the database of a new one.
    """

    def __init__(
        self,
        config: ConfigHolder,
        check_account: Callable[[str], Awaitable[None]],
        make_account: Callable[[str], Awaitable[None]],
    ) -> None:
        self._config = config
        self._check_account = check_account
        self._make_account = make_account
        self._keys = trio.CapacityLimiter(1)  # an RSA key is up to a second of a core

    def registry(self) -> Mapping[str, Command]:
        """All commands by name."""
        return {
            "config domain list": Command(DomainName, self.domain_list),
            "config domain add": Command(DomainAdd, self.add),
            "config domain rm": Command(DomainName, self.remove),
            "config domain disable": Command(DomainName, self.disable),
            "config domain enable": Command(DomainName, self.enable),
            "config alias list": Command(DomainName, self.alias_list),
            "config alias print": Command(AliasName, self.alias_print),
            "config alias add": Command(AliasMembers, self.alias_add),
            "config alias update": Command(AliasChange, self.alias_update),
            "config alias rm": Command(AliasName, self.alias_remove),
            "config alias addaddr": Command(AliasMembers, self.alias_add_members),
            "config alias rmaddr": Command(AliasMembers, self.alias_remove_members),
        }

    async def domain_list(self, args: DomainName, exchange: Exchange) -> list[DomainInfo]:
        """List all domains, by name."""
        snapshot = self._config.current
        return [
            DomainInfo(name, one.disabled, Domain.parse(name).ascii in snapshot.derived.reports_only, one.description)
            for name, one in sorted(snapshot.domains.domains.items())
        ]

    async def add(self, args: DomainAdd, exchange: Exchange) -> None:
        """Make DKIM keys, add the domain, and the account if it is new. The client may disconnect meanwhile."""
        new_account = args.account not in self._config.current.domains.accounts
        if new_account:
            await self._check_account(args.account)
        with trio.CancelScope(shield=True):  # bounded: four keys, a file, a database
            await self._add(args)
            if new_account:
                await self._make_account(args.account)

    async def _add(self, args: DomainAdd) -> None:
        now = dt.datetime.now(dt.UTC)
        try:
            domain = changes.parse_domain(args.domain)
        except Refused as error:
            raise CommandFailed("refused", str(error), error.field) from None
        if self._config.current.domain(domain) is not None:  # before keys are made
            raise CommandFailed("refused", f'"{domain.unicode}" is a domain of this server already', "domain")
        made = made_keys(self._config.domains_path.parent, domain, now)
        try:
            keys = await trio.to_thread.run_sync(made.__enter__, limiter=self._keys)
        except OSError as error:
            raise CommandFailed("failed", f"no DKIM keys made: {error}") from None
        try:
            await edit(self._config, _adding(args, keys, now))
        except BaseException as error:
            made.__exit__(type(error), error, error.__traceback__)
            raise
        made.__exit__(None, None, None)

    async def remove(self, args: DomainName, exchange: Exchange) -> None:
        """Remove a domain, and move its keys to the folder of old ones."""
        try:
            _, settings = changes.require_domain(self._config.current, args.domain)
        except Refused as error:
            raise CommandFailed("notFound", str(error)) from None
        with trio.CancelScope(shield=True):  # bounded: a file and some renames
            left = await self._edit(changes.remove_domain, args.domain)
            try:
                moved = changes.retire_keys(self._config.domains_path.parent, settings, left)
            except OSError as error:
                raise CommandFailed("failed", f"the domain is removed, but its DKIM keys stay: {error}") from None
        if moved:
            kv = {"domain": args.domain, "files": len(moved), "folder": str(moved[0].parent)}
            logger.info("DKIM keys of a removed domain were put aside", extra={"kv": kv})

    async def disable(self, args: DomainName, exchange: Exchange) -> None:
        """Refuse the domain's mail for now."""
        await self._edit(changes.disable_domain, args.domain)

    async def enable(self, args: DomainName, exchange: Exchange) -> None:
        """Accept the domain's mail again."""
        await self._edit(changes.enable_domain, args.domain)

    async def alias_list(self, args: DomainName, exchange: Exchange) -> list[AliasInfo]:
        """List the aliases of a domain, or of all."""
        snapshot = self._config.current
        if args.domain:
            try:
                wanted = changes.require_domain(snapshot, args.domain)[0]
            except Refused as error:
                raise CommandFailed("notFound", str(error)) from None
        return [
            _alias(f"{localpart}@{name}", alias)
            for name, settings in sorted(snapshot.domains.domains.items())
            if not args.domain or Domain.parse(name) == wanted
            for localpart, alias in sorted(settings.aliases.items())
        ]

    async def alias_print(self, args: AliasName, exchange: Exchange) -> AliasInfo:
        """Return one alias."""
        try:
            domain, localpart, alias = changes.find_alias(self._config.current, args.alias)
        except Refused as error:
            raise CommandFailed("notFound", str(error)) from None
        return _alias(f"{localpart}@{domain}", alias)

    async def alias_add(self, args: AliasMembers, exchange: Exchange) -> None:
        """Add an alias."""
        await self._edit(changes.add_alias, args.alias, args.members)

    async def alias_update(self, args: AliasChange, exchange: Exchange) -> None:
        """Change the permissions of members and others."""
        settings = {
            "post_public": args.post_public,
            "list_members": args.list_members,
            "allow_msg_from": args.allow_msg_from,
        }
        await self._edit(
            changes.update_alias, args.alias, {key: value for key, value in settings.items() if value is not None}
        )

    async def alias_remove(self, args: AliasName, exchange: Exchange) -> None:
        """Remove an alias."""
        await self._edit(changes.remove_alias, args.alias)

    async def alias_add_members(self, args: AliasMembers, exchange: Exchange) -> None:
        """Run the command that adds members to an alias."""
        await self._edit(changes.add_alias_members, args.alias, args.members)

    async def alias_remove_members(self, args: AliasMembers, exchange: Exchange) -> None:
        """Run the command that removes members of an alias."""
        await self._edit(changes.remove_alias_members, args.alias, args.members)

    async def _edit(self, change: Callable[..., None], *args: Any) -> Snapshot:
        def apply(document: Document, snapshot: Snapshot) -> None:
            change(document, snapshot, *args)

        return await edit(self._config, apply)


def _adding(args: DomainAdd, keys: tuple[NewKey, ...], now: dt.datetime) -> Callable[[Document, Snapshot], None]:
    def change(document: Document, snapshot: Snapshot) -> None:
        changes.add_domain(
            document, snapshot, args.domain, args.account, args.localpart, keys, now=now, disabled=args.disabled
        )

    return change


def _alias(name: str, alias: Alias) -> AliasInfo:
    return AliasInfo(
        name,
        [one.pack(True) for one in alias.addresses],
        alias.post_public,
        alias.list_members,
        alias.allow_msg_from,
    )
