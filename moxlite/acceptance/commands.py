"""``moxlite why``: the stored reasons of a message, and a dry run of a file (ADMIN-77, SMTP-164). On a live server, or
on the files of a stopped one.

A dry run decides as port 25 does, with the history and the junk filter of the account. The sender is checked by DNS if
the client's address is given; otherwise the answer begins with the checks that were left out.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from ipaddress import ip_address
from typing import Final, NamedTuple

import msgspec
import trio

from moxlite.acceptance.cases import Envelope, expand
from moxlite.acceptance.checks import Checks, Question, check_sender, from_domains
from moxlite.acceptance.gathering import Decision, Message, decide, evidence_of
from moxlite.acceptance.why import why_of
from moxlite.admin.storage.settings import named_accounts
from moxlite.config.holder import ConfigHolder
from moxlite.config.snapshot import AccountRecipient, AliasRecipient, DomainDisabled, PeerRecipient, Snapshot
from moxlite.mailauth.dkim.message import Message as SignedMessage, with_crlf
from moxlite.mailauth.results import DMARCResult, DMARCStatus, IPRevResult, IPRevStatus, SPFResult, SPFStatus
from moxlite.net.control.server import Command, CommandFailed, Exchange
from moxlite.net.limits import IPAddress
from moxlite.net.log import LogHandler, connection_lines
from moxlite.net.resolver import Resolver
from moxlite.operations.performing import commands
from moxlite.operations.why import ConnectionLog, Explained, WhyFile, WhyMessage, WhyReply
from moxlite.proto.address import NULL_PATH, Address, AddressError, Domain, Path
from moxlite.proto.mime.headers import HeaderSection
from moxlite.proto.mime.messageid import canonical_message_id
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.changelog.account import Account
from moxlite.store.content.prepare import MAX_MESSAGE, prepare
from moxlite.store.content.spool import Spool
from moxlite.store.delivery.actions import mailbox_names, messages_by_messageid, messages_by_sender
from moxlite.store.delivery.reasons import Why, read_why, unpack
from moxlite.store.errors import StoreError

NO_CLIENT: Final = "127.0.0.1"
"""Client address used in a dry run without `ip`."""

UNASKED: Final = Checks(
    iprev=IPRevResult(status=IPRevStatus.TEMPERROR),
    spf=SPFResult(status=SPFStatus.NONE),
    dmarc=DMARCResult(status=DMARCStatus.NONE),
)
"""Results of checks that were not made: nothing for or against the sender."""


OTHER_INSTALLATION: Final = "this ID isn't from this installation"

MAX_LINES: Final = 500
"""Log lines of one connection that are shown: some have a thousand messages."""


class WhyFailed(Exception):
    """The question cannot be answered; the text is for the user."""


Lists = Callable[[IPAddress], Awaitable[str]]
"""Function that returns the block list with this client's address, or ""."""


class DryRunSources(NamedTuple):
    """Sources for the checks of a client in a dry run: DNS, and the block lists."""

    resolver: Resolver
    lists: Lists


async def stored(accounts: Accounts, name: str, message: str) -> list[Explained]:
    """The reasons of messages of an account, newest first. `message` is an id, a Message-ID, the address of a sender,
    or ``@`` and a sender's domain. Copies have the same reasons. Raises WhyFailed.
    """
    try:
        async with accounts.use(name) as account:
            ids = await _found(account, message)
            names = await account.read(lambda r: mailbox_names(r, ids), op="why")
            found = [(one, await account.read(lambda r, one=one: read_why(r, one), op="why")) for one in ids]  # type: ignore[misc]  # a default binds the loop's value
    except StoreError as error:
        raise WhyFailed(f"can't read this message: {error}") from None
    if not names:
        raise WhyFailed(f"message {message} not found in account {name}")
    return [
        Explained(name, one, None if octets is None else _unpacked(octets), names[one])
        for one, octets in found
        if one in names
    ]


async def _found(account: Account, message: str) -> list[int]:
    if message.isascii() and message.isdecimal() and len(message) < 19:
        return [int(message)]
    messageid = canonical_message_id(message)
    found = await account.read(lambda r: messages_by_messageid(r, messageid), op="why") if messageid else []
    if found or "@" not in message:
        return found
    domain_only = message.startswith("@")
    try:
        sender = Address.parse(f"x{message}" if domain_only else message)
    except AddressError:
        return []
    localpart = "" if domain_only else sender.localpart
    return await account.scan(lambda r: messages_by_sender(r, localpart, sender.domain.unicode), op="why")


def _unpacked(octets: bytes) -> Why:
    try:
        return unpack(octets)
    except (msgspec.DecodeError, msgspec.ValidationError):
        raise WhyFailed("this message's delivery details are damaged") from None


async def dry_run(
    snapshot: Snapshot, accounts: Accounts, args: WhyFile, octets: bytes, asking: DryRunSources
) -> list[Explained]:
    """Decide about a message as it would be decided now, for each account that it would reach. Nothing is delivered.
    DNS is asked if the client's address is given. Raises WhyFailed.
    """
    recipient = _path(args.recipient, "recipient")
    found = snapshot.lookup(recipient)
    if isinstance(found, DomainDisabled):
        raise WhyFailed(f"{args.recipient} would be rejected at RCPT: the domain is disabled")
    if isinstance(found, PeerRecipient):
        hosts = ", ".join(found.hosts)
        raise WhyFailed(
            f"{args.recipient} isn't an account on this server;"
            f" moxlite would ask the domain's previous server ({hosts})"
        )
    if not isinstance(found, AccountRecipient | AliasRecipient):
        raise WhyFailed(f"{args.recipient} would be rejected at RCPT: no account on this server has this address")
    octets = with_crlf(octets)
    with Spool.of(octets) as spool:
        try:
            prepared = await prepare(spool)
            section = await trio.to_thread.run_sync(HeaderSection, octets)
            message = Message(prepared, section)
            author = (await message.authors()).author
            envelope = Envelope(
                remote=_ip(args.ip or NO_CLIENT),
                hello=_domain(args.helo) if args.helo else None,
                sender=_sender(args.sender, author),
            )
            evidence = msgspec.structs.replace(await evidence_of(envelope, message), checks=UNASKED)
            lists = None
            if args.ip:
                signed = SignedMessage.of(octets)
                checks = await check_sender(asking.resolver, _question(snapshot, envelope, args.helo, section), signed)
                evidence = await evidence_of(envelope, message, checks)
                lists = partial(asking.lists, envelope.remote)
            cases = expand(snapshot, evidence, [(recipient, found)])
            limits = snapshot.static.rate_limits if args.ip else None
            decided = [await decide(case, message, accounts, snapshot, lists=lists, limits=limits) for case in cases]
        except StoreError as error:
            raise WhyFailed(f"can't test this message: {error}") from None
    return [Explained(one.case.account, 0, why_of(one), unjudged=_unjudged(one, args)) for one in decided]


def _question(snapshot: Snapshot, envelope: Envelope, helo: str, section: HeaderSection) -> Question:
    host, hello, static = envelope.sender.host, envelope.hello, snapshot.static
    return Question(
        remote=envelope.remote,
        mail_from=f"{envelope.sender.localpart}@{host.ascii}" if isinstance(host, Domain) else "",
        helo=helo,
        helo_domain=hello.ascii if hello is not None else "",
        from_domains=from_domains(section),
        method=static.dmarc.method,
        allow_sha1=static.dkim.allow_sha1,
        trusted_sealers=snapshot.trusted_sealers,
    )


def _unjudged(one: Decision, args: WhyFile) -> tuple[str, ...]:
    """The checks of port 25 that this dry run has left out."""
    found = []
    if not args.ip:
        found.append("client address and name, SPF, DKIM, DMARC, and block lists (use --ip and --helo)")
    elif not args.helo:
        found.append("SPF for the client name (use --helo)")
    if one.case.recipient.reports is not None:
        found.append("the attached report")
    return tuple(found)


def _sender(text: str | None, author: Address | None) -> Path:
    if text is not None:
        return _path(text, "sender") if text.strip("<>") else NULL_PATH
    return NULL_PATH if author is None else Path(author.localpart, author.domain)


def _path(text: str, what: str) -> Path:
    try:
        address = Address.parse(text)
    except AddressError as error:
        raise WhyFailed(f"{text!r} isn't a valid {what} address: {error}") from None
    return Path(address.localpart, address.domain)


def _ip(text: str) -> IPAddress:
    try:
        return ip_address(text)
    except ValueError:
        raise WhyFailed(f"{text!r} isn't a valid IP address") from None


def _domain(text: str) -> Domain:
    try:
        return Domain.parse(text)
    except AddressError as error:
        raise WhyFailed(f"{text!r} isn't a valid domain: {error}") from None


class WhyCommands:
    """Commands of the control socket."""

    def __init__(
        self,
        config: ConfigHolder,
        accounts: Accounts,
        asking: DryRunSources,
        log: LogHandler,
        cid_of: Callable[[str], int | None],
    ) -> None:
        """`cid_of`: returns the connection id behind the id in a reply; None for one of another installation."""
        self._config = config
        self._accounts = accounts
        self._asking = asking
        self._log = log
        self._cid_of = cid_of

    def registry(self) -> Mapping[str, Command]:
        """All commands by name."""
        return commands(
            WhyMessage.bind(self.message), WhyFile.bind_stream(self.file), WhyReply.bind(self.connection_log)
        )

    async def connection_log(self, args: WhyReply) -> ConnectionLog:
        """The log lines of a connection."""
        cid = self._cid_of(args.id)
        if cid is None:
            raise CommandFailed("failed", OTHER_INSTALLATION)
        try:
            lines = await trio.to_thread.run_sync(connection_lines, self._log, cid, MAX_LINES)
        except OSError as error:
            raise CommandFailed("failed", f"can't read {self._log.path}: {error.strerror or error}") from None
        if self._log.path is not None:
            return ConnectionLog(f"{cid:x}", tuple(lines), str(self._log.path))
        kept = self._log.recent.lines()
        return ConnectionLog(f"{cid:x}", tuple(lines), since=kept[0].created if kept else 0.0)

    async def message(self, args: WhyMessage) -> list[Explained]:
        """The stored reasons of a message."""
        named_accounts(self._config, self._accounts, args.account)
        try:
            return await stored(self._accounts, args.account, args.message)
        except WhyFailed as error:
            raise CommandFailed("failed", str(error)) from None

    async def file(self, args: WhyFile, exchange: Exchange) -> list[Explained]:
        """A dry run."""
        octets = bytearray()
        async for chunk in exchange.upload:
            octets += chunk
            if len(octets) > MAX_MESSAGE:
                raise CommandFailed("badRequest", "message too large")
        try:
            return await dry_run(self._config.current, self._accounts, args, bytes(octets), self._asking)
        except WhyFailed as error:
            raise CommandFailed("failed", str(error)) from None
