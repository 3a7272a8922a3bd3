"""Operations about domains and aliases."""

import datetime as dt
import logging
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from shlex import quote

import msgspec
import trio

from moxlite.admin.accounts import Refused
from moxlite.admin.commandedits import change_file, edit, translated
from moxlite.admin.dkimkeys import NewKey, made_keys
from moxlite.admin.domains import changes as changes
from moxlite.config.domains import Alias
from moxlite.config.holder import ConfigHolder
from moxlite.config.snapshot import Snapshot
from moxlite.config.toml.edit import Document
from moxlite.net.control.server import Command, CommandFailed
from moxlite.operations import domains as operations
from moxlite.operations.performing import commands
from moxlite.operations.server import ValueChange
from moxlite.proto.address import Domain

logger = logging.getLogger("moxlite.admin.domains.changes")


class DomainCommands:
    """``moxlite config domain`` and ``config alias``.

    Args:
      check_account: raises CommandFailed if no account of this name can be made now.
      make_account: makes the database of a new one.
      check_address: raises CommandFailed if an alias may not have this address; with the name of the argument.
      others: who else uses a new domain, in words.
    """

    def __init__(
        self,
        config: ConfigHolder,
        check_account: Callable[[str], Awaitable[None]],
        make_account: Callable[[str], Awaitable[None]],
        check_address: Callable[[str, str], Awaitable[None]],
        others: Callable[[Domain], Awaitable[list[str]]],
    ) -> None:
        self._config = config
        self._check_account = check_account
        self._make_account = make_account
        self._check_address = check_address
        self._others = others
        self._keys = trio.CapacityLimiter(1)  # an RSA key is up to a second of a core

    def registry(self) -> Mapping[str, Command]:
        """All operations by name."""
        change = partial(change_file, self._config)
        return commands(
            operations.PlanConfig.bind(self.plan),
            operations.ApplyConfig.bind(self.apply),
            operations.ListDomains.bind(self.domain_list),
            operations.AddDomain.bind(self.add),
            operations.RemoveDomain.bind(self.remove),
            operations.DisableDomain.bind(lambda args: change(changes.disable_domain, args.domain)),
            operations.EnableDomain.bind(lambda args: change(changes.enable_domain, args.domain)),
            operations.SetStrict.bind(lambda args: change(changes.set_strict, args.domain, not args.off)),
            operations.ListAliases.bind(self.alias_list),
            operations.PrintAlias.bind(self.alias_print),
            operations.AddAlias.bind(self.alias_add),
            operations.UpdateAlias.bind(self.alias_update),
            operations.RemoveAlias.bind(lambda args: change(changes.remove_alias, args.alias)),
            operations.AddMembers.bind(lambda args: change(changes.add_alias_members, args.alias, args.members)),
            operations.RemoveMembers.bind(lambda args: change(changes.remove_alias_members, args.alias, args.members)),
        )

    async def plan(self, args: operations.PlanConfig) -> operations.ConfigPlan:
        """Changes by another text in the place of domains.toml."""
        with translated():
            revision, found = await self._config.compare(args.text)
        return operations.ConfigPlan(revision, [ValueChange(*one) for one in found])

    async def apply(self, args: operations.ApplyConfig) -> None:
        """Put another text in the place of domains.toml."""
        with translated():
            await self._config.replace(args.text, expected=args.revision)

    async def alias_add(self, args: operations.AddAlias) -> None:
        """Add an alias."""
        await self._check_address(args.alias, "alias")
        await change_file(self._config, changes.add_alias, args.alias, args.members)

    async def domain_list(self, args: operations.ListDomains) -> list[operations.DomainInfo]:
        """List all domains, by name."""
        snapshot = self._config.current
        return [
            operations.DomainInfo(
                name,
                domain_config.disabled,
                Domain.parse(name).ascii in snapshot.derived.reports_only,
                domain_config.description,
            )
            for name, domain_config in sorted(snapshot.domains.domains.items())
        ]

    async def add(self, args: operations.AddDomain) -> operations.AddedDomain:
        """Make DKIM keys, add the domain, and the account if it is new; what comes next. The client may disconnect
        meanwhile.
        """
        new_account = args.account not in self._config.current.domains.accounts
        if new_account:
            await self._check_account(args.account)
        domain = self._new_domain(args)
        others = await self._others(domain)
        with trio.CancelScope(shield=True):  # bounded: four keys, a file, a database
            await self._add(args, domain, strict=not others)
            if new_account:
                await self._make_account(args.account)
        return operations.AddedDomain(domain.unicode, _next_steps(domain, args, others, new_account=new_account))

    def _new_domain(self, args: operations.AddDomain) -> Domain:
        try:
            domain = changes.parse_domain(args.domain)
            changes.refuse_public(domain)
        except Refused as error:
            raise CommandFailed("refused", str(error), error.field) from None
        if self._config.current.domain(domain) is not None:  # before keys are made
            raise CommandFailed("refused", f'"{domain.unicode}" is already a domain on this server', "domain")
        return domain

    async def _add(self, args: operations.AddDomain, domain: Domain, *, strict: bool) -> None:
        now = dt.datetime.now(dt.UTC)
        made = made_keys(self._config.domains_path.parent, domain, now)
        try:
            keys = await trio.to_thread.run_sync(made.__enter__, limiter=self._keys)
        except OSError as error:
            raise CommandFailed("failed", f"couldn't create DKIM keys: {error}") from None
        try:
            await edit(self._config, _adding(args, keys, now, strict=strict))
        except BaseException as error:
            made.__exit__(type(error), error, error.__traceback__)
            raise
        made.__exit__(None, None, None)

    async def remove(self, args: operations.RemoveDomain) -> None:
        """Remove a domain, and move its keys to the folder of old ones."""
        try:
            _, settings = changes.require_domain(self._config.current, args.domain)
        except Refused as error:
            raise CommandFailed("notFound", str(error)) from None
        with trio.CancelScope(shield=True):  # bounded: a file and some renames
            left = await edit(self._config, partial(changes.remove_domain, name=args.domain))
            try:
                moved = changes.retire_keys(self._config.domains_path.parent, settings, left)
            except OSError as error:
                raise CommandFailed("failed", f"domain removed, but couldn't delete its DKIM keys: {error}") from None
        if moved:
            kv = {"domain": args.domain, "files": len(moved), "folder": str(moved[0].parent)}
            logger.info("DKIM keys moved for deleted domain", extra={"kv": kv})

    async def alias_list(self, args: operations.ListAliases) -> list[operations.AliasInfo]:
        """List the aliases of a domain, or of all."""
        snapshot = self._config.current
        if args.domain:
            try:
                domain = changes.require_domain(snapshot, args.domain)[0]
            except Refused as error:
                raise CommandFailed("notFound", str(error)) from None
        return [
            _alias(f"{localpart}@{name}", alias)
            for name, settings in sorted(snapshot.domains.domains.items())
            if not args.domain or Domain.parse(name) == domain
            for localpart, alias in sorted(settings.aliases.items())
        ]

    async def alias_print(self, args: operations.PrintAlias) -> operations.AliasInfo:
        """Return one alias."""
        try:
            domain, localpart, alias = changes.find_alias(self._config.current, args.alias)
        except Refused as error:
            raise CommandFailed("notFound", str(error)) from None
        return _alias(f"{localpart}@{domain}", alias)

    async def alias_update(self, args: operations.UpdateAlias) -> None:
        """Change the permissions of members and others."""
        given = msgspec.structs.asdict(args)
        settings = {key: value for key, value in given.items() if key != "alias" and value is not None}
        if not settings:
            text = "no changes specified; use --postpublic, --listmembers or --allowmsgfrom"
            raise CommandFailed("badRequest", text)
        await change_file(self._config, changes.update_alias, args.alias, settings)


def _adding(
    args: operations.AddDomain, keys: tuple[NewKey, ...], now: dt.datetime, *, strict: bool
) -> Callable[[Document, Snapshot], None]:
    def change(document: Document, snapshot: Snapshot) -> None:
        changes.add_domain(
            document,
            snapshot,
            args.domain,
            args.account,
            args.localpart,
            keys,
            now=now,
            strict=strict,
            disabled=args.disabled,
        )

    return change


def _next_steps(
    added: Domain, args: operations.AddDomain, others: list[str], *, new_account: bool
) -> list[operations.NextStep]:
    """Steps to a new domain's first mail, as commands; the admin app leads through the same (WEB-80a)."""
    domain = added.unicode
    account = quote(args.account)
    first = f"{args.localpart}@{domain}" if new_account else f"you@{domain}"
    if new_account:
        mailboxes = operations.NextStep(
            f"Set a password for account {args.account}", [f"moxlite account set-password {account}"]
        )
    else:
        mailboxes = operations.NextStep(
            f"Add addresses. postmaster@{domain} already goes to the server's postmaster",
            [f"moxlite config address add {first} {account}"],
        )
    enable = operations.NextStep("Accept its mail", [f"moxlite config domain enable {domain}"])
    return [
        mailboxes,
        operations.NextStep(
            "Publish its DNS records with the provider's token",
            [f"moxlite dns provider set {domain} PROVIDER", f"moxlite dns update {domain}"],
        ),
        operations.NextStep(
            "or add them yourself and check them",
            [
                f"moxlite config dnsrecords {domain}",
                f"moxlite config dnscheck {domain}",
            ],
        ),
        *([enable] if args.disabled else []),
        operations.NextStep(
            "Certificates are ordered when the records point here. Then send a test message",
            [f"moxlite doctor --send-to {quote(first)}"],
        ),
        *([operations.NextStep(changes.lenient(added, others), changes.strict_commands(added))] if others else []),
    ]


def _alias(name: str, alias: Alias) -> operations.AliasInfo:
    return operations.AliasInfo(
        name,
        [address.pack(True) for address in alias.addresses],
        alias.post_public,
        alias.list_members,
        alias.allow_msg_from,
    )
