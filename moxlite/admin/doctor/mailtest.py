"""A real message through the server's own ports: in by SMTP, read by IMAP, and out by submission (ADMIN-70).

The result names the step that failed. The log-in uses an app password of the postmaster's account, made for this test.
"""

import logging
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from email.utils import formatdate
from typing import Final

import msgspec
import trio

from moxlite.admin.doctor.requests import LookUp, Sent, Waiting
from moxlite.autotls.names import domain_of
from moxlite.config.listeners import Protocol
from moxlite.config.snapshot import Snapshot
from moxlite.mailauth.dkim.sign import SigningError
from moxlite.net.dial import DialError, dial
from moxlite.net.imapclient import Client, Credentials, IMAPClientError, Refused, log_in
from moxlite.net.limits import IPAddress
from moxlite.net.smtpclient import SMTPClient
from moxlite.net.tls.handshake import ClientTLS
from moxlite.process.startup import Endpoint, endpoints
from moxlite.proto.address import NULL_PATH, Address, AddressError, Path
from moxlite.proto.imap import responses as r
from moxlite.proto.mime.compose import TextPart, address_field, compose, needs_utf8, new_message_id, text_field
from moxlite.proto.mime.types import MailAddress
from moxlite.proto.smtp.conversation import ClientAuth, Recipient, TLSMode, Transaction
from moxlite.proto.smtp.errors import SMTPError
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.auth.apppasswords import add_app_password, remove_app_password
from moxlite.store.errors import StoreError
from moxlite.store.names import check_name
from moxlite.store.upkeep.repairs import give_up

logger = logging.getLogger("moxlite.admin.doctor")

SECONDS: Final = 60.0
"""Seconds for the message in, or out: longer than ``first_time_sender_delay`` and its checks."""

CONNECT_SECONDS: Final = 5.0
"""Seconds for a connection to a port of this machine."""

LIFE: Final = 300
"""Seconds after which the app password expires, in case the server ends before it is removed."""

LOOKS: Final = 5
"""Times that the mailboxes are searched. An accepted message is there at once."""


class Signing(msgspec.Struct, frozen=True):
    """sign: returns signature fields for a message of an address at the hostname. verify: returns the problems of a
    stored message's signatures by another program's verifier, None if it could not judge any.
    """

    sign: Callable[[bytes, Address], Awaitable[bytes]]
    verify: Callable[[bytes], Awaitable[list[str] | None]]


async def send_and_read(
    snapshot: Snapshot, accounts: Accounts, look_up: LookUp, send_to: str = "", *, signing: Signing | None = None
) -> Sent:
    """Send a message to the postmaster at port 25, and read and remove it by IMAP. If `send_to` is given, submit
    another message to it, and watch the queue.

    Args:
      signing: signs the first message, and verifies it as it is stored; None to leave it unsigned.

    Faults of the server are part of the result, never raised.
    """
    sent = Sent()
    name = snapshot.static.postmaster.account
    settings = snapshot.domains.accounts[name]
    login = next((destination for destination in settings.destinations if not destination.startswith("@")), "")
    if not login:
        sent.fail(
            "note",
            "not-checked",
            f"couldn't send a test message because the postmaster account {name} doesn't have an address",
        )
        return sent
    try:
        async with _password(accounts, name) as password, _deadline(sent):
            credentials = Credentials(login, password)
            message_id = await _bring(snapshot, sent, signing)
            if message_id:
                await _read(snapshot, accounts, credentials, message_id, sent, signing)
            if send_to:
                await _send(snapshot, credentials, send_to, look_up, sent)
    except StoreError as error:
        sent.fail("error", "mail-not-read", f"can't create a login for account {name}: {error}")
    return sent


@asynccontextmanager
async def _deadline(sent: Sent) -> AsyncIterator[None]:
    with trio.move_on_after(3 * SECONDS) as scope:
        yield
    if scope.cancelled_caught:
        done = f"; last step: {sent.steps[-1]}" if sent.steps else ""
        sent.fail("error", "mail-not-delivered", f"test timed out after {3 * SECONDS:.0f} s{done}")


@asynccontextmanager
async def _password(accounts: Accounts, name: str) -> AsyncIterator[str]:
    """An app password that lives as long as the block. Raises StoreError."""
    title = f"doctor {secrets.token_hex(4)}"
    expires = time.time_ns() // 1000 + LIFE * 1_000_000
    async with accounts.use(name) as account:
        password = await add_app_password(account, title, ("imap", "submission"), expires=expires)
    try:
        yield password
    finally:
        with trio.CancelScope(shield=True), suppress(StoreError):  # bounded: one unit; else it expires
            async with accounts.use(name) as account:
                await account.write(lambda tx: remove_app_password(tx, title))


def _port(snapshot: Snapshot, *services: Protocol) -> Endpoint | None:
    """The endpoint of the first of these services that a listener has; without PROXY protocol, which this client does
    not speak.
    """
    found = endpoints(snapshot.static)
    for service in services:
        for endpoint in found:
            if endpoint.service == service and not snapshot.static.listeners[endpoint.listener].proxy_protocol_from:
                return endpoint
    return None


def _ip(endpoint: Endpoint) -> IPAddress:
    ip = endpoint.ip
    return type(ip)("127.0.0.1" if ip.version == 4 else "::1") if ip.is_unspecified else ip


async def _bring(snapshot: Snapshot, sent: Sent, signing: Signing | None) -> str:
    """Deliver a message to port 25 as another server does; its Message-ID, "" if that failed."""
    at = _port(snapshot, "smtp")
    if at is None:
        sent.fail(
            "note", "not-checked", "couldn't send a test message because all SMTP listeners require the PROXY protocol"
        )
        return ""
    host = snapshot.static.hostname
    to = Path.parse(f"postmaster@{host.ascii}")
    message_id, octets = _message(snapshot, f"postmaster@{host.ascii}", to)
    if signing is not None:
        try:
            octets = await signing.sign(octets, Address.parse(f"postmaster@{host.ascii}")) + octets
        except SigningError as error:
            sent.fail("error", "signature-wrong", f"can't sign the test message: {error}", "moxlite config test")
    client = await _smtp(snapshot, at, sent, None)
    if client is None:
        return ""
    try:
        with trio.fail_after(SECONDS):
            await client.hello()
            outcome = await client.deliver(Transaction(NULL_PATH, (Recipient(to),), len(octets)), _pieces(octets))
        failure = outcome.error or outcome.recipients[0].error
        if failure is not None:
            raise failure
        secured = "with TLS" if client.tls_stream is not None else "without TLS"
        sent.steps.append(f"message to {to} accepted at {_ip(at)} port {at.port}, {secured}")
        await client.quit()
    except (SMTPError, trio.TooSlowError) as error:
        await _abort(client)
        sent.fail("error", "mail-not-delivered", _stopped("SMTP", at, error), "journalctl -u moxlite | grep smtpd")
        return ""
    return message_id


async def _smtp(snapshot: Snapshot, at: Endpoint, sent: Sent, auth: ClientAuth | None) -> SMTPClient | None:
    """Connect to a port of this server, before the first SMTP command. None if that fails, with a finding in `sent`."""
    mode = TLSMode.IMMEDIATE if at.tls else TLSMode.OPPORTUNISTIC
    try:
        stream = (await dial([_ip(at)], at.port, inside=True, seconds=CONNECT_SECONDS)).stream
    except DialError as error:
        sent.fail("error", "mail-not-delivered", f"{at.service} on port {at.port}: {error}", "systemctl status moxlite")
        return None
    name = snapshot.hostname(at.listener).ascii
    own = snapshot.static.hostname.ascii
    return SMTPClient(stream, own, tls_mode=mode, tls=ClientTLS(), server_name=name, auth=auth)


async def _abort(client: SMTPClient) -> None:
    with trio.CancelScope(shield=True):  # does not wait
        await client.abort()


def _stopped(what: str, at: Endpoint, error: Exception) -> str:
    if isinstance(error, trio.TooSlowError):
        return f"{what} on port {at.port} timed out after {SECONDS:.0f} s"
    stage = getattr(error, "command", "")
    return f"{what} on port {at.port} failed{f' at {stage.upper()}' if stage else ''}: {error}"


async def _read(
    snapshot: Snapshot,
    accounts: Accounts,
    credentials: Credentials,
    message_id: str,
    sent: Sent,
    signing: Signing | None,
) -> None:
    """Find the message by IMAP, and remove it permanently, so that undelete does not offer it."""
    static = snapshot.static
    name = static.postmaster.account
    settings = snapshot.domains.accounts[name]
    own = static.postmaster.mailbox
    junk = static.initial_mailboxes.special_use.junk
    mailboxes = dict.fromkeys(filter(None, (own, "INBOX", settings.rejects_mailbox, junk)))
    client = await _imap(snapshot, credentials, sent)
    if client is None:
        return
    try:
        for look in range(LOOKS):
            for mailbox in mailboxes:
                if uids := await _find(client, mailbox, "Message-ID", message_id):
                    if signing is not None:
                        await _verify(client, uids[0], signing, sent, domain_of(snapshot, static.hostname.ascii))
                    await _remove(client, uids)
                    await _give_up(accounts, name, mailbox, uids)
                    sent.steps.append(f"message read by IMAP in mailbox {mailbox}, and deleted")
                    if mailbox != own:
                        text = f"the server's own mail to the postmaster was delivered to {mailbox} instead of {own}"
                        sent.fail("warning", "mail-rejected", text, "moxlite why FILE")
                    return
            await trio.sleep(look / 2)
        text = f"message accepted, but not found in {', '.join(mailboxes)}"
        sent.fail("error", "mail-not-read", text, "journalctl -u moxlite | grep deliver")
    except (IMAPClientError, trio.TooSlowError) as error:
        sent.fail("error", "mail-not-read", f"IMAP failed: {error}", "journalctl -u moxlite | grep imapd")
    finally:
        with trio.CancelScope(shield=True):  # has a deadline
            await client.logout()


async def _imap(snapshot: Snapshot, credentials: Credentials, sent: Sent) -> Client | None:
    """Open an IMAP session, logged in. None if that fails, with a finding in `sent`."""
    at = _port(snapshot, "imaps", "imap")
    if at is None:
        sent.fail("note", "not-checked", "couldn't read the message: no IMAP listener")
        return None
    try:
        stream = (await dial([_ip(at)], at.port, inside=True, seconds=CONNECT_SECONDS)).stream
    except DialError as error:
        sent.fail("error", "mail-not-read", f"{at.service} on port {at.port}: {error}", "systemctl status moxlite")
        return None
    client = Client(stream, seconds=SECONDS)
    name = snapshot.hostname(at.listener).ascii
    try:
        with trio.fail_after(SECONDS):
            if at.tls:
                await client.begin_tls(ClientTLS(), name)
                await client.greet()
            else:
                await client.greet()
                if client.has("STARTTLS"):
                    await client.start_tls(ClientTLS(), name)
            await log_in(client, credentials, host=name, port=at.port)
    except (IMAPClientError, trio.TooSlowError) as error:
        await client.aclose()
        sent.fail("error", "mail-not-read", _stopped("IMAP", at, error), "journalctl -u moxlite | grep imapd")
        return None
    except BaseException:
        await client.aclose()
        raise
    sent.steps.append(f"logged in by IMAP at {_ip(at)} port {at.port}")
    return client


async def _find(client: Client, mailbox: str, field: str, message_id: str) -> list[int]:
    """UIDs of messages with such a field in a mailbox, which is selected; empty if there is no such mailbox."""
    try:
        await client.select(mailbox)
    except Refused:
        return []
    answer = await client.run(f'UID SEARCH HEADER {field} "{message_id.strip("<>")}"'.encode())
    return [number for data in answer.of(r.SearchData) for number in data.numbers]


async def _verify(client: Client, uid: int, signing: Signing, sent: Sent, domain: str) -> None:
    """Have the signatures of the stored message verified."""
    answer = await client.run(b"UID FETCH %d (UID BODY.PEEK[])" % uid)
    bodies = [dict(data.items).get("BODY[]") for data in answer.of(r.FetchData)]
    for body in bodies:
        if not isinstance(body, bytes):
            continue
        try:
            problems = await signing.verify(body)
        except ValueError as error:
            problems = [str(error)]
        for problem in problems or ():
            text = f"the test message's DKIM signature isn't valid as stored: {problem}"
            sent.fail("error", "signature-wrong", text, f"moxlite config dnscheck {domain}")
        if problems == []:
            sent.steps.append("DKIM signatures verified by dkimpy with the keys in DNS")


async def _remove(client: Client, uids: Sequence[int]) -> None:
    """Remove messages from the mailbox that is selected."""
    for uid in uids:
        await client.run(f"UID STORE {uid} +FLAGS.SILENT (\\Deleted)".encode())
        await client.run(f"UID EXPUNGE {uid}".encode())


async def _give_up(accounts: Accounts, name: str, mailbox: str, uids: Sequence[int]) -> None:
    try:
        async with accounts.use(name) as account:
            await account.write(lambda tx: give_up(tx, check_name(mailbox), uids))
            account.removed()
    except StoreError as error:
        logger.warning("failed to delete test message permanently", extra={"kv": {"account": name, "err": str(error)}})


async def _send(snapshot: Snapshot, credentials: Credentials, to: str, look_up: LookUp, sent: Sent) -> None:
    """Submit a message to another server, and watch the queue until it has left."""
    try:
        path = Path.parse(str(Address.parse(to)))
    except AddressError as error:
        sent.fail("error", "mail-not-sent", f"{to!r} isn't a valid address: {error}")
        return
    at = _port(snapshot, "submissions", "submission")
    if at is None:
        sent.fail("note", "not-checked", f"couldn't send to {to}: no submission listener")
        return
    message_id, octets = _message(snapshot, credentials.username, path)
    client = await _smtp(snapshot, at, sent, ClientAuth(credentials.username, credentials.password))
    if client is None:
        return
    sender = Path.parse(credentials.username)
    try:
        with trio.fail_after(SECONDS):
            await client.hello()
            outcome = await client.deliver(Transaction(sender, (Recipient(path),), len(octets)), _pieces(octets))
        failure = outcome.error or outcome.recipients[0].error
        if failure is not None:
            raise failure
        await client.quit()
    except (SMTPError, trio.TooSlowError) as error:
        await _abort(client)
        sent.fail("error", "mail-not-sent", _stopped("submission", at, error), "journalctl -u moxlite | grep smtpd")
        return
    sent.steps.append(f"message to {to} submitted at {_ip(at)} port {at.port}")
    await _watch(snapshot, credentials, message_id, to, look_up, sent)


async def _watch(
    snapshot: Snapshot, credentials: Credentials, message_id: str, to: str, look_up: LookUp, sent: Sent
) -> None:
    waiting: Waiting | None = None
    with trio.move_on_after(SECONDS):
        while (found := await look_up(message_id)) is not None:
            waiting = found
            await trio.sleep(0.5)
        waiting = None
    if waiting is not None:
        why = waiting.error or "still waiting for the first delivery attempt"
        sent.fail("error", "mail-not-sent", f"message to {to} is still queued: {why}", "moxlite queue list")
        return
    client = await _imap(snapshot, credentials, Sent())
    refused = False
    if client is not None:
        try:
            refused = bool(await _find(client, "INBOX", "References", message_id))
        except IMAPClientError as error:
            logger.warning("failed to check for bounces", extra={"kv": {"err": str(error)}})
        finally:
            with trio.CancelScope(shield=True):  # has a deadline
                await client.logout()
    if refused:
        text = f"the message to {to} was rejected. For details, see the bounce in the Inbox of {credentials.username}"
        sent.fail("error", "mail-not-sent", text, "journalctl -u moxlite | grep queue")
    else:
        sent.steps.append(f"message to {to} accepted by the other server: look in that inbox, or in junk")


def _message(snapshot: Snapshot, sender: str, to: Path) -> tuple[str, bytes]:
    """A new message: its Message-ID, and its octets."""
    host = snapshot.static.hostname.ascii
    message_id = new_message_id(host)
    local, _, domain = sender.rpartition("@")
    address = str(to)
    to_local, _, to_domain = address.rpartition("@")
    shown = MailAddress("moxlite doctor", local, domain), MailAddress("", to_local, to_domain)
    headers = [
        address_field("From", shown[:1], utf8=needs_utf8(*shown)),
        address_field("To", shown[1:], utf8=needs_utf8(*shown)),
        text_field("Subject", f"[moxlite {host}] delivery test"),
        text_field("Date", formatdate(localtime=True)),
        text_field("Message-ID", message_id),
        text_field("Auto-Submitted", "auto-generated"),
    ]
    text = f"moxlite doctor on {host} sent this message to test mail delivery. You don't need to reply.\n"
    return message_id, b"".join(compose(headers, TextPart(text)))


async def _pieces(octets: bytes) -> AsyncIterator[bytes]:
    yield octets
