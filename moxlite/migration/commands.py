"""``imap import``, ``imap export`` and the links of accounts as commands of the control socket (IMAP-137, LINK-4)."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

import msgspec
import trio

from moxlite.admin.commandedits import named_account
from moxlite.config.holder import ConfigHolder
from moxlite.config.snapshot import CurrentConfig
from moxlite.migration.copies import Copies, CopyBusy, CopyFailed, Kind
from moxlite.migration.links import Links
from moxlite.migration.linkstate import LinkState
from moxlite.net.control.server import Command, CommandFailed, Exchange
from moxlite.operations import links as ops
from moxlite.operations.copies import Copied, CopyByImap, Event, ExportByImap, ImportByImap, MailboxStep
from moxlite.operations.performing import commands
from moxlite.store.changelog.origin import origin
from moxlite.store.errors import BadMailboxName, LimitExceeded
from moxlite.store.mail.links import Link, LinkRefused, NoSuchLink, SubmissionServer

STEP_SECONDS: Final = 0.5
"""Seconds between two progress reports of a mailbox."""


class ImapCopyCommands:
    """The commands of the control socket."""

    def __init__(self, config: ConfigHolder, copies: Copies) -> None:
        self._config = config
        self._copies = copies

    def registry(self) -> Mapping[str, Command]:
        """All commands by name."""
        return commands(ImportByImap.bind_stream(self.import_), ExportByImap.bind_stream(self.export))

    async def import_(self, args: ImportByImap, exchange: Exchange) -> Copied:
        """Copy mail of another server into an account, even if log-in is disabled for it."""
        return await self._run("import", args, exchange)

    async def export(self, args: ExportByImap, exchange: Exchange) -> Copied:
        """Copy mail of an account to another server."""
        return await self._run("export", args, exchange)

    async def _run(self, kind: Kind, args: CopyByImap, exchange: Exchange) -> Copied:
        named_account(self._config, args.account)
        try:
            with trio.CancelScope() as scope:
                return await self._copies.run(kind, args, _throttled(exchange, scope))
        except CopyBusy as error:
            raise CommandFailed("busy", str(error)) from None
        except CopyFailed as error:
            raise CommandFailed("failed", str(error)) from None
        raise CommandFailed("failed", "the client disconnected")


def _throttled(exchange: Exchange, scope: trio.CancelScope) -> Callable[[Event], Awaitable[None]]:
    """Sends events. Progress events of a mailbox are thinned out to a rate that a person can read. If the client has
    disconnected, `scope` is cancelled.
    """
    last = -STEP_SECONDS
    place = ("", -1)

    async def tell(event: Event) -> None:
        nonlocal last, place
        if isinstance(event, MailboxStep):
            now = trio.current_time()
            if place == (event.mailbox, event.done) or (event.done < event.total and now - last < STEP_SECONDS):
                return
            last, place = now, (event.mailbox, event.done)
        try:
            await exchange.progress(event)
        except trio.BrokenResourceError:
            scope.cancel()

    return tell


# Linked mailboxes


class LinkCommands:
    """The operations of `moxlite.operations.links`."""

    def __init__(self, config: CurrentConfig, links: Links) -> None:
        self._config = config
        self._links = links

    def registry(self) -> Mapping[str, Command]:
        """All operations by name."""
        return commands(
            ops.ListLinks.bind(self.list),
            ops.FindServers.bind(self.find),
            ops.AddLink.bind(self.add),
            ops.TryLink.bind(self.test),
            ops.SetLinkPassword.bind(self.set_password),
            ops.SetLinkSending.bind(self.set_sending),
            ops.SetLinkSorting.bind(self.set_sorting),
            ops.PauseLink.bind(self.pause),
            ops.ResumeLink.bind(self.resume),
            ops.RenameLink.bind(self.rename),
            ops.RemoveLink.bind(self.rm),
            refusals=(LinkRefused, LimitExceeded, BadMailboxName),
            missing=(NoSuchLink,),
        )

    async def list(self, args: ops.ListLinks) -> list[ops.LinkInfo]:
        """The links of an account."""
        named_account(self._config, args.account)
        return [link_info(link, state) for link, state in await self._links.list(args.account)]

    async def find(self, args: ops.FindServers) -> ops.FoundServers:
        """The servers of an address."""
        return await self._links.searches.find("", args.address)

    async def add(self, args: ops.AddLink) -> ops.LinkInfo:
        """Make a link."""
        named_account(self._config, args.account)
        link, said = await self._links.add(args)
        return msgspec.structs.replace(link_info(link, LinkState()), sending=str(said))

    async def test(self, args: ops.TryLink) -> ops.LinkTest:
        """Try what a link would have."""
        found = await self._links.test(args)
        return ops.LinkTest(
            mailboxes=found.mailboxes,
            messages=found.messages,
            instant=found.instant,
            smtp_host=found.outlet.host,
            smtp_port=found.outlet.port,
            smtp_tls=found.outlet.tls,
            keeps_copy=found.outlet.keeps_copy,
            sending=str(found.sending),
        )

    async def set_password(self, args: ops.SetLinkPassword) -> None:
        """Change the password of a link."""
        named_account(self._config, args.account)
        await self._links.set_password(args.account, args.link, args.password, asker=_asker())

    async def set_sending(self, args: ops.SetLinkSending) -> ops.LinkInfo:
        """Change the submission server of a link."""
        named_account(self._config, args.account)
        outlet = SubmissionServer(host=args.smtp_host, port=args.smtp_port, tls=args.smtp_tls, user=args.smtp_user)
        link = await self._links.set_sending(
            args.account, args.link, outlet, keeps_copy=args.keeps_copy, off=args.off, asker=_asker()
        )
        return link_info(link, LinkState())

    async def set_sorting(self, args: ops.SetLinkSorting) -> None:
        """Have new mail of a link sorted, or not."""
        named_account(self._config, args.account)
        await self._links.set_sorting(args.account, args.link, sorts=not args.off)

    async def pause(self, args: ops.PauseLink) -> None:
        """Stop a link."""
        named_account(self._config, args.account)
        await self._links.pause(args.account, args.link, paused=True)

    async def resume(self, args: ops.ResumeLink) -> None:
        """Let a link run again."""
        named_account(self._config, args.account)
        await self._links.pause(args.account, args.link, paused=False, asker=_asker())

    async def rename(self, args: ops.RenameLink) -> None:
        """Rename a link."""
        named_account(self._config, args.account)
        await self._links.rename(args.account, args.link, args.name)

    async def rm(self, args: ops.RemoveLink) -> None:
        """Remove a link."""
        named_account(self._config, args.account)
        await self._links.remove(args.account, args.link, delete=args.delete_copies)


def _asker() -> str:
    """The user who asks, whose log-ins elsewhere are counted (LINK-27); "" for the administrator."""
    actor = origin().actor
    return "" if actor.startswith("(") else actor


def link_info(link: Link, state: LinkState) -> ops.LinkInfo:
    """A link as operations show it."""
    text = state.said
    if state.phase == "copying":
        text = f"{state.mailbox}: {state.done} of {state.total}"
    elif state.phase in ("waiting", "refused"):
        text = f"{text}; next try in {max(int(state.again - trio.current_time()), 0)} s"
    return ops.LinkInfo(
        name=link.name,
        address=link.address,
        host=link.host,
        port=link.port,
        tls=link.tls,
        user=link.username,
        state=state.phase,
        text=text,
        problems=[str(problem) for problem in state.problems],
        protocol=link.protocol,
        keep_days=link.keep_days,
        smtp_host=link.outlet.host,
        smtp_port=link.outlet.port,
        smtp_tls=link.outlet.tls,
        smtp_user=link.outlet.user,
        sends=link.sends,
        keeps_copy=link.outlet.keeps_copy,
        sorts=link.sorts,
    )
