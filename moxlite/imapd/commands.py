"""Commands of the control socket about IMAP: list of sessions, transcripts, and sessions for the operator's own
programs (IMAP-22, IMAP-159).
"""

import logging
from collections.abc import Mapping
from ipaddress import ip_address
from typing import Final

import msgspec
import trio

from moxlite.imapd.connection import serve_identity
from moxlite.imapd.session.context import Context
from moxlite.imapd.session.sessions import SessionFacts
from moxlite.logins.identity import Identity
from moxlite.net.admission import ConnectionInfo, Shutdown
from moxlite.net.control.protocol import StreamBroken
from moxlite.net.control.server import Command, CommandFailed, Exchange
from moxlite.net.log import bind_cid, new_cid
from moxlite.net.transcripts import check_minutes, send_transcript
from moxlite.operations.imap import ImapServe, ImapSession, ImapSessions, ImapTrace, Traced
from moxlite.operations.performing import commands
from moxlite.store.errors import StoreError
from moxlite.store.names import OTHERS
from moxlite.store.rows.mailboxes import mailboxes

logger = logging.getLogger("moxlite.imapd")

LOOPBACK: Final = ip_address("127.0.0.1")


class IMAPCommands:
    """IMAP's commands of the control socket.

    Args:
      context: the context of the server's IMAP. Its settings of a listener are not used here.
      shutdown: set when the server stops.
    """

    def __init__(self, context: Context, shutdown: Shutdown) -> None:
        self._context = msgspec.structs.replace(context, service="imapserve", require_tls=False, starttls=None)
        self._shutdown = shutdown

    def registry(self) -> Mapping[str, Command]:
        """All commands by name."""
        return commands(
            ImapSessions.bind(self.sessions),
            ImapTrace.bind_stream(self.trace),
            ImapServe.bind_stream(self.imapserve),
        )

    async def sessions(self, args: ImapSessions) -> list[ImapSession]:
        """List all sessions, by id; `kill` ends one."""
        sessions = self._context.sessions
        if args.kill is not None and not sessions.end_session(args.kill, "closed by the administrator"):
            raise CommandFailed("notFound", f"IMAP session not found: {args.kill}")
        facts = [session for session in sessions.facts() if session.id != args.kill]
        names = {account: await self._mailboxes(account) for account in {session.owner for session in facts}}
        return [
            ImapSession(
                id=session.id,
                account=session.identity.account,
                address=session.identity.address,
                remote=session.remote,
                client=session.client,
                mailbox=_shown(session, names[session.owner].get(session.mailbox_id, "")),
                received=session.received,
                sent=session.sent,
                command=session.command,
                app_password=session.identity.app_password,
            )
            for session in facts
        ]

    async def trace(self, args: ImapTrace, exchange: Exchange) -> Traced:
        """Send the masked transcript of an account's sessions as it grows, until the time or size limit."""
        snapshot = self._context.config.current
        if snapshot.account(args.account) is None:
            raise CommandFailed("notFound", snapshot.no_account(args.account))
        check_minutes(args.minutes)
        kv: dict[str, object] = {"account": args.account, "minutes": args.minutes}
        logger.warning("imap trace started", extra={"kv": kv})
        tapped, lines = self._context.sessions.tapped(args.account), 0
        try:
            lines, lost = await send_transcript(tapped, args.minutes, exchange.download.send)
        finally:
            logger.warning("imap trace stopped", extra={"kv": kv | {"lines": lines}})
        await exchange.download.end()
        return Traced(lines, lost)

    async def _mailboxes(self, name: str) -> dict[int | None, str]:
        try:
            async with self._context.accounts.use(name) as account:
                return {box.id: box.name for box in await account.scan(mailboxes, op="imap-sessions")}
        except StoreError:  # the account is being removed: its sessions end now
            return {}

    async def imapserve(self, args: ImapServe, exchange: Exchange) -> None:
        """Run a session that is logged in from the start, until either side ends it."""
        recipient = self._context.logins.login(args.address)
        if recipient is None:
            raise CommandFailed("notFound", f'"{args.address}" doesn\'t belong to an account')
        account = self._context.config.current.account(recipient.account)
        if account is not None and account.login_disabled:
            raise CommandFailed("refused", account.login_disabled)
        cid = new_cid()
        info = ConnectionInfo(
            cid=cid,
            remote=LOOPBACK,
            remote_port=0,
            local=LOOPBACK,
            local_port=0,
            listener="",
            shutdown=self._shutdown,
        )
        identity = Identity(recipient.account, str(recipient.canonical))
        with bind_cid(cid):
            try:
                await serve_identity(_Pipe(exchange), info, self._context, identity)
            except trio.BrokenResourceError:
                pass  # the program at the other end is gone, and no client is left to answer
        await exchange.download.end()


def _shown(one: SessionFacts, name: str) -> str:
    """A mailbox name as the session's user knows it."""
    return name if not name or one.owner == one.identity.account else f"{OTHERS}/{one.owner}/{name}"


class _Pipe(trio.abc.Stream):
    """The octet streams of a request as one stream."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._rest = b""

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Send to the program."""
        await self._exchange.download.send(bytes(data))

    async def wait_send_all_might_not_block(self) -> None:
        """Do nothing: the state of the program's buffers is unknown."""
        await trio.lowlevel.checkpoint()

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """Octets from the program, b"" at their end."""
        if not self._rest:
            try:
                self._rest = await anext(self._exchange.upload, b"")
            except StreamBroken as error:
                raise trio.BrokenResourceError(str(error)) from error
        size = len(self._rest) if max_bytes is None else max_bytes
        octets, self._rest = self._rest[:size], self._rest[size:]
        return octets

    async def aclose(self) -> None:
        """Do nothing, because the request ends with its command."""
        await trio.lowlevel.checkpoint()
