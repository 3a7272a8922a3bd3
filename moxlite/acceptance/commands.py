"""``moxlite why``: the stored reasons of a message, and a dry run of a file (ADMIN-77, SMTP-164). On a live server, or
on the files of a stopped one.
"""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv4Address, IPv6Address, ip_address

import msgspec
import trio

from moxlite.acceptance.cases import expand
from moxlite.acceptance.evidence import Envelope, from_address
from moxlite.acceptance.gathering import Message, decide, evidence_of
from moxlite.acceptance.why import Why, unpack, why_of
from moxlite.admin.chosen import named_accounts
from moxlite.config.holder import ConfigHolder
from moxlite.config.snapshot import AccountRecipient, AliasRecipient, Snapshot
from moxlite.net.ctlserver import Command, CommandFailed, Exchange
from moxlite.proto.address import NULL_PATH, Address, AddressError, Domain, Path
from moxlite.proto.mime.headers import HeaderSection
from moxlite.proto.mime.messageid import canonical_message_id
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.changelog.account import Account
from moxlite.store.content.prepare import MAX_MESSAGE, prepare
from moxlite.store.content.spool import Spool
from moxlite.store.delivery.reasons import mailbox_names, messages_by_messageid, messages_by_sender, read_why
from moxlite.store.errors import StoreError

__all__ = ["Explained", "WhyCommands", "WhyFailed", "WhyFile", "WhyMessage", "dry_run", "stored"]


class WhyFailed(Exception):
    """Something that cannot be told; the text is for the person who asked."""


class WhyMessage(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``why --account NAME``: `message` is an id, a Message-ID or a sender."""

    account: str
    message: str


class WhyFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``why FILE``: the octets come along. `sender` None: the author; "": the null path."""

    recipient: str
    sender: str | None = None
    ip: str = "127.0.0.1"
    helo: str = ""


class Explained(msgspec.Struct, frozen=True):
    """A message at an account: `message` is its id, 0 in a dry run; `why` None when no reasons are known; `mailbox` in
    which it is.
    """

    account: str
    message: int
    why: Why | None
    mailbox: str = ""


async def stored(accounts: Accounts, name: str, message: str) -> list[Explained]:
    """The reasons of messages of an account, newest first: by the id of one, a Message-ID, the address of a sender, or
    ``@`` and a sender's domain. Copies share theirs. Raises WhyFailed.
    """
    try:
        async with accounts.use(name) as account:
            ids = await _found(account, message)
            names = await account.read(lambda r: mailbox_names(r, ids), op="why")
            found = [(one, await account.read(lambda r, one=one: read_why(r, one), op="why")) for one in ids]  # type: ignore[misc]  # a default binds the loop's value
    except StoreError as error:
        raise WhyFailed(f"cannot be read: {error}") from None
    if not names:
        raise WhyFailed(f"there is no message {message} in account {name}")
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
        raise WhyFailed("the reasons are damaged") from None


async def dry_run(snapshot: Snapshot, accounts: Accounts, args: WhyFile, octets: bytes) -> list[Explained]:
    """What would become of a message now, for each account that it would reach. Nothing is delivered, nothing is asked
    of the network. Raises WhyFailed.
    """
    recipient = _path(args.recipient, "recipient")
    found = snapshot.lookup(recipient)
    if not isinstance(found, AccountRecipient | AliasRecipient):
        raise WhyFailed(f"{args.recipient} is no address of an account of this server, it is refused at RCPT")
    with Spool.of(octets) as spool:
        try:
            prepared = await prepare(spool)
            section = await trio.to_thread.run_sync(HeaderSection, octets)
            message = Message(prepared, section)
            author = from_address(prepared.index.envelope.from_)
            envelope = Envelope(
                remote=_ip(args.ip),
                hello=_domain(args.helo) if args.helo else None,
                sender=_sender(args.sender, author),
            )
            cases = expand(snapshot, evidence_of(envelope, message), [(recipient, found)])
            decided = [await decide(case, message, accounts) for case in cases]
        except StoreError as error:
            raise WhyFailed(f"cannot be tried: {error}") from None
    return [Explained(one.case.account, 0, why_of(one)) for one in decided]


def _sender(text: str | None, author: Address | None) -> Path:
    if text is not None:
        return _path(text, "sender") if text.strip("<>") else NULL_PATH
    return NULL_PATH if author is None else Path(author.localpart, author.domain)


def _path(text: str, what: str) -> Path:
    try:
        address = Address.parse(text)
    except AddressError as error:
        raise WhyFailed(f"{text!r} is no address of a {what}: {error}") from None
    return Path(address.localpart, address.domain)


def _ip(text: str) -> IPv4Address | IPv6Address:
    try:
        return ip_address(text)
    except ValueError:
        raise WhyFailed(f"{text!r} is no IP address") from None


def _domain(text: str) -> Domain:
    try:
        return Domain.parse(text)
    except AddressError as error:
        raise WhyFailed(f"{text!r} is no domain: {error}") from None


class WhyCommands:
    """The server's side."""

    def __init__(self, config: ConfigHolder, accounts: Accounts) -> None:
        self._config = config
        self._accounts = accounts

    def registry(self) -> Mapping[str, Command]:
        """All commands by name."""
        return {"why message": Command(WhyMessage, self.message), "why file": Command(WhyFile, self.file)}

    async def message(self, args: WhyMessage, exchange: Exchange) -> list[Explained]:
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
                raise CommandFailed("badRequest", "the message is too large")
        try:
            return await dry_run(self._config.current, self._accounts, args, bytes(octets))
        except WhyFailed as error:
            raise CommandFailed("failed", str(error)) from None
