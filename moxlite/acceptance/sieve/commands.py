"""Commands of the control socket about an account's Sieve scripts and its vacation form (IMAP-141, WEBMAIL-131)."""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Final

import msgspec

from moxlite.acceptance.rules import Place, RuleTooSlow, by_rules, mail_to, move_sorted, sort_page
from moxlite.acceptance.sieve.keeping import keep_script, rename
from moxlite.admin.accounts import Refused, require_account
from moxlite.config.holder import ConfigHolder
from moxlite.net.control.server import Command, CommandFailed
from moxlite.operations import sieve
from moxlite.operations.performing import commands
from moxlite.proto.sieve.errors import ScriptError
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.accounts.opened import OpenAccount
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.delivery.scripts import NoSuchScript, activate_script, delete_script, failures, script_text, scripts
from moxlite.store.delivery.vacation import answered, load_form, patch_form
from moxlite.store.file.transaction import Reader
from moxlite.store.forms import mark
from moxlite.wording import worded

# The account that a command of the control socket names.


@asynccontextmanager
async def account_of_command(config: ConfigHolder, accounts: Accounts, name: str) -> AsyncIterator[OpenAccount]:
    """Open an account of the configuration while the block lasts. Raises CommandFailed if the name is unknown."""
    try:
        require_account(config.current, name)
    except Refused as error:
        raise CommandFailed("refused", str(error)) from None
    async with accounts.use(name) as account:
        yield account


logger = logging.getLogger("moxlite.acceptance.sieve")


class SieveCommands:
    """``moxlite account sieve`` and ``moxlite account vacation``."""

    def __init__(self, config: ConfigHolder, accounts: Accounts) -> None:
        self._config = config
        self._accounts = accounts

    def registry(self) -> Mapping[str, Command]:
        """All commands by name."""
        return commands(
            sieve.SieveList.bind(self.list),
            sieve.SieveGet.bind(self.get),
            sieve.SievePut.bind(self.put),
            sieve.SieveActivate.bind(self.activate),
            sieve.SieveRename.bind(self.rename),
            sieve.SieveRemove.bind(self.rm),
            sieve.VacationShow.bind(self.show),
            sieve.VacationSet.bind(self.set),
        )

    def _use(self, name: str) -> AbstractAsyncContextManager[OpenAccount]:
        return account_of_command(self._config, self._accounts, name)

    async def list(self, args: sieve.SieveList) -> sieve.SieveScripts:
        """List the scripts of an account, and what went wrong when they ran."""
        async with self._use(args.account) as account:
            stored_scripts = await account.read(scripts, op="sieve")
            failed = await account.read(failures, op="sieve")
        return sieve.SieveScripts(
            [
                sieve.SieveScript(stored_script.name, stored_script.size, stored_script.active, stored_script.changed)
                for stored_script in stored_scripts
            ],
            [sieve.SieveFailure(failure.moment, failure.script, failure.line, failure.text) for failure in failed],
        )

    async def get(self, args: sieve.SieveGet) -> str:
        """The text of a script."""
        async with self._use(args.account) as account:
            text = await account.read(lambda r: script_text(r, args.script), op="sieve")
        return text.decode("utf-8", "replace")

    async def put(self, args: sieve.SievePut) -> None:
        """Store a script, and make it the active one if that is asked for."""

        def check(r: Reader) -> None:
            if args.old is not msgspec.UNSET and _text(r, args.script) != args.old:
                raise CommandFailed("conflict", CHANGED if args.old is not None else _taken(args.script))

        async with self._use(args.account) as account:
            # Here for a page that is old, before the faults of its script are found; again in the unit that writes, for
            # another page may save while the script is checked.
            await account.read(check, op="sieve")
            try:
                await keep_script(account, args.script, args.text.encode(), check, activate=args.activate)
            except ScriptError as error:
                raise CommandFailed("refused", "\n".join(map(str, error.faults)), "text") from None
        logger.info("script saved", extra={"kv": {"account": args.account, "script": args.script}})

    async def activate(self, args: sieve.SieveActivate) -> None:
        """Make a script the active one; "" for none."""
        async with self._use(args.account) as account:
            await account.write(lambda tx: activate_script(tx, args.script))
        logger.info("script activated", extra={"kv": {"account": args.account, "script": args.script}})

    async def rename(self, args: sieve.SieveRename) -> None:
        """Give a script another name."""
        async with self._use(args.account) as account:
            await rename(account, args.script, args.new_name)
        logger.info("script renamed", extra={"kv": {"account": args.account, "script": args.new_name}})

    async def rm(self, args: sieve.SieveRemove) -> None:
        """Delete a script."""

        def unit(tx: AccountTx) -> None:
            shown = (script for script in scripts(tx) if script.name == args.script)
            if args.changed and any(script.changed != args.changed for script in shown):
                raise CommandFailed("conflict", "this was changed elsewhere, so it wasn't deleted; reload the page")
            delete_script(tx, args.script)

        async with self._use(args.account) as account:
            await account.write(unit)
        logger.info("script deleted", extra={"kv": {"account": args.account, "script": args.script}})

    async def show(self, args: sieve.VacationShow) -> sieve.VacationInfo:
        """Show the vacation form, and who got an answer."""
        async with self._use(args.account) as account:
            return await account.read(_vacation_info, op="vacation")

    async def set(self, args: sieve.VacationSet) -> None:
        """Change the vacation form."""
        async with self._use(args.account) as account:
            await account.write(lambda tx: patch_form(tx, args.changed, args.mark))
        logger.info("vacation reply saved", extra={"kv": {"account": args.account}})


CHANGED: Final = worded("your changes weren't saved because the script was changed elsewhere; reload the page")


def _taken(name: str) -> str:
    return worded("a script named {name} already exists; choose another name", name=repr(name))


def _text(r: Reader, name: str) -> str | None:
    """The text of a script, None without one."""
    try:
        return script_text(r, name).decode("utf-8", "replace")
    except NoSuchScript:
        return None


def _vacation_info(r: Reader) -> sieve.VacationInfo:
    form = load_form(r)
    return sieve.VacationInfo(
        **msgspec.structs.asdict(form),
        active=form.is_active(time.time_ns() // 1000),
        script=any(script.active for script in scripts(r)),
        mark=mark(form),
        answered=answered(r),
    )


# Commands of the control socket that sort mail that is there already (WEBMAIL-130b).


INBOX = "Inbox"


class SortCommands:
    """``moxlite account sort``."""

    def __init__(self, config: ConfigHolder, accounts: Accounts) -> None:
        self._config = config
        self._accounts = accounts

    def registry(self) -> Mapping[str, Command]:
        """All commands by name."""
        return commands(sieve.SortFind.bind(self.find), sieve.SortMove.bind(self.move))

    def _use(self, name: str) -> AbstractAsyncContextManager[OpenAccount]:
        return account_of_command(self._config, self._accounts, name)

    async def find(self, args: sieve.SortFind) -> sieve.SortedPage:
        """Find where the rules of an address, or a script, would put stored messages. Nothing is moved."""
        from moxlite.acceptance.sieve.keeping import sort_page_by_script

        after = None if args.after is None else Place(args.after.received, args.after.id)
        async with self._use(args.account) as account:
            if args.script:
                source, page = INBOX, await sort_page_by_script(account, args.script, after)
            else:
                snapshot = self._config.current
                settings = snapshot.account(args.account)
                destination = None if settings is None else settings.destinations.get(args.address)
                if destination is None:
                    raise Refused(worded('"{address}" doesn\'t belong to this account', address=args.address))
                source, concerns = destination.mailbox, mail_to(snapshot, args.account, args.address)
                try:
                    page = await sort_page(account, source, by_rules(destination.rulesets), concerns, after)
                except RuleTooSlow as error:
                    raise Refused(
                        worded("rule {rule} takes too long on this mail; simplify its patterns", rule=error.rule + 1)
                    ) from None
        return sieve.SortedPage(
            source,
            [sieve.SortedMessage(one.id, one.mailbox) for one in page.moves],
            page.looked,
            None if page.next is None else sieve.SortPlace(page.next.received, page.next.id),
        )

    async def move(self, args: sieve.SortMove) -> int:
        """Move messages in one transaction; returns the number of those that were still there."""
        async with self._use(args.account) as account:
            moved = await account.write(lambda tx: move_sorted(tx, args.ids, args.source, args.target))
        logger.info("mail sorted", extra={"kv": {"account": args.account, "messages": moved}})
        return moved
