"""The submission servers of linked mailboxes: found, tested, and given to the queue (LINK-14, LINK-15).

The queue sends; nothing here does.
"""

from __future__ import annotations

import logging
from contextlib import aclosing
from functools import partial
from typing import Final

import msgspec
import trio

from moxlite.config.snapshot import CurrentConfig
from moxlite.migration.linkstate import REFUSED_WAITS, PasswordCipher
from moxlite.net.dial import DialError, dial
from moxlite.net.imapclient.connect import addresses_of
from moxlite.net.imapclient.transport import IMAPClientError
from moxlite.net.resolver import Resolver
from moxlite.net.smtpclient import SMTPClient, certified
from moxlite.net.tls.certificates import Trust
from moxlite.net.tls.handshake import ClientTLS
from moxlite.proto.address import AddressError, Domain
from moxlite.proto.smtp.conversation import ClientAuth, TLSMode
from moxlite.proto.smtp.errors import SMTPError
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.mail.links import (
    LINKED,
    Link,
    LinkRefused,
    Relay,
    SendsNothing,
    SubmissionServer,
    SubmissionTLS,
    link_by_id,
)
from moxlite.wording import reason_of, worded

logger = logging.getLogger("moxlite.migration.links")

PORTS: Final[dict[SubmissionTLS, int]] = {"implicit": 465, "starttls": 587}
"""Ports of submission with TLS from the start, and by STARTTLS (RFC 8314 §3.3)."""

SECONDS: Final = 30.0
"""Seconds for a test of a submission server."""


def relay_of(outlet: SubmissionServer, user: str, password: str, *, inside: bool) -> Relay:
    """The submission server of a link that has one; `user`: that of the link. Raises LinkRefused: its name cannot be
    one.
    """
    mode = TLSMode.IMMEDIATE if outlet.tls == "implicit" else TLSMode.REQUIRED_STARTTLS
    try:
        host = Domain.parse(outlet.host)
    except AddressError:
        raise LinkRefused("must be a server name, like smtp.example.org", "smtp_host") from None
    port = outlet.port or PORTS[outlet.tls]
    return Relay(host=host, port=port, mode=mode, user=outlet.user or user, password=password, inside=inside)


class LinkRelays:
    """Finds the submission servers of links for the queue; one that refuses the password is left alone (LINK-16)."""

    def __init__(self, config: CurrentConfig, accounts: Accounts) -> None:
        self._config = config
        self._accounts = accounts
        self._sealing = PasswordCipher(config.current.static.data_dir)
        self._barred: dict[tuple[str, int], tuple[bytes, int, float]] = {}  # secret, refusals, and until when

    async def find(self, name: str, transport: str) -> Relay:
        """The submission server of an account's link. Raises SendsNothing for good, LinkRefused for now, StoreError."""
        link_id = int(transport.removeprefix(LINKED))
        async with self._accounts.use(name) as account:
            link = await account.read(lambda r: link_by_id(r, link_id), op="links")
        if link is None:
            text = "the linked account for this message's From address was removed"
            raise SendsNothing(worded(text))
        if not link.outlet.host:
            raise SendsNothing(worded("sending from {address} was turned off", address=link.address))
        if link.paused:
            raise LinkRefused(worded("the linked account {name} is paused", name=link.name))
        # By the secret: a password that the user has given anew is tried at once.
        secret, _, until = self._barred.get((name, link_id), (b"", 0, 0.0))
        if link.refused is not None or (secret == link.secret and trio.current_time() < until):
            raise LinkRefused(worded("the password for the linked account {name} was rejected", name=link.name))
        password = await trio.to_thread.run_sync(self._sealing.open, link)
        inside = self._config.current.static.allow_private_webhooks
        relay = relay_of(link.outlet, link.username, password, inside=inside)
        return msgspec.structs.replace(relay, refused=partial(self._bar, (name, link_id), link))

    def _bar(self, key: tuple[str, int], link: Link) -> None:
        """Leave a server alone that refuses the password: providers lock accounts after several failures."""
        secret, refusals, _ = self._barred.get(key, (b"", 0, 0.0))
        refusals = refusals + 1 if secret == link.secret else 1
        seconds = REFUSED_WAITS[min(refusals, len(REFUSED_WAITS)) - 1]
        self._barred[key] = link.secret, refusals, trio.current_time() + seconds
        facts = {
            "account": key[0],
            "link": link.name,
            "host": link.outlet.host,
            "user": link.outlet.user or link.username,
        }
        logger.warning("linked account password rejected for sending", extra={"kv": facts})


def known_outlet(host: str) -> SubmissionServer | None:
    """The submission server of the large provider with this IMAP server."""
    from moxlite.migration.autoconfig import provider_of  # the queue has no use for its table

    provider = provider_of(host)
    if provider is None or not provider.smtp[0]:
        return None
    return SubmissionServer(host=provider.smtp[0], tls=provider.smtp_tls, keeps_copy=provider.keeps_copy)


async def find_outlet(address: str, host: str, resolver: Resolver) -> SubmissionServer:
    """The submission server for an address whose IMAP or POP3 server is `host`: of a known provider, or the one that
    DNS names for the domain. One without a host: none was found.

    A name from DNS is taken only with DNSSEC, or if it belongs to the organisation of the address or of `host`, which
    the user gave.
    """
    if (known := known_outlet(host)) is not None:
        return known
    try:
        domain = Domain.parse(address.rpartition("@")[2]).ascii
    except AddressError:
        return SubmissionServer()
    from moxlite.migration.autoconfig import SUBMISSION, organization, servers_in_dns

    near = {await organization(domain), await organization(host)}
    async with aclosing(servers_in_dns(domain, SUBMISSION, near, resolver)) as found:
        async for named_server in found:
            if named_server.proven:
                return SubmissionServer(host=named_server.host, port=named_server.port, tls=named_server.tls)
    return SubmissionServer()


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
        field = "password" if error.command == "auth" and error.code >= 500 else "smtp_host"
        raise LinkRefused(worded("{host}: {reason}", host=host, reason=reason_of(error)), field) from None
    except (IMAPClientError, DialError) as error:
        raise LinkRefused(worded("{host}: {reason}", host=host, reason=reason_of(error)), "smtp_host") from None
    except trio.TooSlowError:
        raise LinkRefused(worded("timed out after {seconds} s", seconds=int(SECONDS)), "smtp_host") from None
