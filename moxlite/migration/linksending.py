"""The submission servers of linked mailboxes: found, tested, and given to the queue (LINK-14, LINK-15).

The queue sends; nothing here does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec
import trio

from moxlite.net.dial import DialError, dial
from moxlite.net.imapclient.connect import addresses_of
from moxlite.net.imapclient.transport import IMAPClientError
from moxlite.net.resolver import DNSError, Resolver, absolute
from moxlite.net.smtpclient import CertificateRejected, SMTPClient
from moxlite.net.tls.certificates import Trust
from moxlite.net.tls.handshake import ClientTLS
from moxlite.net.tls.stream import TLSStream
from moxlite.proto.address import AddressError, Domain
from moxlite.proto.publicsuffix import organizational_domain
from moxlite.proto.smtp.conversation import ClientAuth, TLSMode
from moxlite.proto.smtp.errors import SMTPError
from moxlite.store.mail.links import LinkRefused, Outlet, SubmissionTLS
from moxlite.wording import reason_of, worded

PORTS: Final[dict[SubmissionTLS, int]] = {"implicit": 465, "starttls": 587}

SECONDS: Final = 30.0
"""Seconds for a test of a submission server, and for each look-up."""

SERVICES: Final[tuple[tuple[str, SubmissionTLS], ...]] = (("_submissions", "implicit"), ("_submission", "starttls"))
"""SRV records of submission servers, the better first (RFC 8314 §5.1, RFC 6186 §3.1)."""

KNOWN: Final[dict[str, Outlet]] = {
    "imap.gmail.com": Outlet(host="smtp.gmail.com", keeps_copy=True),
    "imap.gmx.net": Outlet(host="mail.gmx.net"),
    "imap.gmx.com": Outlet(host="mail.gmx.com"),
    "imap.web.de": Outlet(host="smtp.web.de"),
    "imap.mail.me.com": Outlet(host="smtp.mail.me.com", tls="starttls"),
    "imap.mail.yahoo.com": Outlet(host="smtp.mail.yahoo.com"),
    "imap.aol.com": Outlet(host="smtp.aol.com"),
    "imap.fastmail.com": Outlet(host="smtp.fastmail.com"),
    "outlook.office365.com": Outlet(host="smtp.office365.com", tls="starttls", keeps_copy=True),
}
"""Submission servers of providers, by their IMAP servers, from the providers' own instructions."""


class Relay(msgspec.Struct, frozen=True, kw_only=True):
    """The submission server of a link, for the queue. `inside`: the server may have an address of the inner network."""

    host: Domain
    port: int
    mode: TLSMode
    user: str
    password: str
    inside: bool

    def __repr__(self) -> str:
        """Without the password."""
        return f"Relay({self.host.ascii!r}, {self.user!r})"


def relay_of(outlet: Outlet, user: str, password: str, *, inside: bool) -> Relay:
    """The submission server of a link that has one; `user`: that of the link. Raises LinkRefused: its name cannot be
    one.
    """
    mode = TLSMode.IMMEDIATE if outlet.tls == "implicit" else TLSMode.REQUIRED_STARTTLS
    try:
        host = Domain.parse(outlet.host)
    except AddressError:
        raise LinkRefused("is not the name of a server, such as smtp.example.org", "smtp_host") from None
    port = outlet.port or PORTS[outlet.tls]
    return Relay(host=host, port=port, mode=mode, user=outlet.user or user, password=password, inside=inside)


async def find_outlet(address: str, host: str, resolver: Resolver) -> Outlet:
    """The submission server for an address whose IMAP or POP3 server is `host`: of a known provider, or the one that
    DNS names for the domain. One without a host: none was found.

    A name from DNS gets the password, so it is taken only with DNSSEC, or if it belongs to the organisation of the
    address or of `host`, which the user gave (RFC 6186 §6).
    """
    if (known := KNOWN.get(host)) is not None:
        return known
    try:
        domain = Domain.parse(address.rpartition("@")[2]).ascii
    except AddressError:
        return Outlet()
    near = {await trio.to_thread.run_sync(organizational_domain, one) for one in (domain, host)}
    for service, tls in SERVICES:
        with trio.move_on_after(SECONDS):
            try:
                answer = await resolver.srv(absolute(f"{service}._tcp.{domain}"))
            except DNSError:
                continue
            for record in sorted(answer.records, key=lambda one: (one.priority, -one.weight)):
                target = record.target.rstrip(".").lower()
                if not target:  # RFC 6186 §3.4: no such service
                    break
                own = await trio.to_thread.run_sync(organizational_domain, target) in near
                if own or answer.authentic:
                    return Outlet(host=target, port=record.port, tls=tls)
    return Outlet()


async def try_relay(relay: Relay, *, ehlo: str, resolver: Resolver, trust: Trust) -> None:
    """Log in at a submission server and leave. Raises LinkRefused: the text says why mail cannot be sent by it."""
    host = relay.host.ascii
    try:
        with trio.fail_after(SECONDS):
            await trust.ready()
            dialed = await dial(await addresses_of(host, resolver), relay.port, inside=relay.inside)
            client = SMTPClient(
                dialed.stream,
                ehlo,
                tls_mode=relay.mode,
                tls=ClientTLS(),
                server_name=host,
                check=certified(trust, host),
                auth=ClientAuth(relay.user, relay.password),
            )
            try:
                await client.hello()
            finally:
                with trio.move_on_after(1, shield=True):
                    await client.quit()
    except SMTPError as error:
        field = "password" if error.command == "auth" else "smtp_host"
        raise LinkRefused(worded("{host}: {reason}", host=host, reason=reason_of(error)), field) from None
    except (IMAPClientError, DialError) as error:
        raise LinkRefused(worded("{host}: {reason}", host=host, reason=reason_of(error)), "smtp_host") from None
    except trio.TooSlowError:
        raise LinkRefused(worded("no answer within {seconds} s", seconds=int(SECONDS)), "smtp_host") from None


def certified(trust: Trust, host: str) -> Callable[[TLSStream], None]:
    """A check of the server's certificate, which must be valid for `host`."""

    def check(stream: TLSStream) -> None:
        problem = trust.check(stream.peer_chain(), host)
        if problem is not None:
            raise CertificateRejected(f"certificate of {host}: {problem.text}")

    return check
