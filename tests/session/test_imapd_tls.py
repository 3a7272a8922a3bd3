"""What depends on real TLS: client certificates and channel bindings (docs/spec/imap.md §5)."""

import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trio

from moxlite.logins.identity import fingerprint
from moxlite.net.tls.certificates import KeyPair, key_fingerprint, self_signed
from moxlite.net.tls.handshake import ClientTLS
from moxlite.net.tls.stream import TLSStream
from moxlite.proto.sasl import AuthenticationFailed
from moxlite.proto.sasl.scram import ScramClient
from moxlite.store.auth.tlskeys import TLSKey, add_key
from tests.session.imapd_harness import PASSWORD, Client, Imap, imap
from tests.session.test_imapd_clients import listening

pytestmark = pytest.mark.served

__all__ = ["imap"]


@asynccontextmanager
async def connected(
    imap: Imap, certificate: KeyPair | None = None, *, starttls: bool = False
) -> AsyncIterator[tuple[Client, TLSStream]]:
    """A client with TLS, from the start or by STARTTLS, whose greeting has been read."""
    async with listening(imap, starttls=starttls) as port:
        transport = await trio.open_tcp_stream("127.0.0.1", port)
        tls = ClientTLS(certificate=certificate)
        if starttls:
            plain = Client(transport)
            plain.greeting = await plain.line()
            await plain.ok("a STARTTLS")
        stream = await tls.connect(transport, "localhost")
        async with stream:
            client = Client(stream)
            if not starttls:
                client.greeting = await client.line()
            yield client, stream


async def register(imap: Imap, certificate: KeyPair) -> None:
    """Give mia the key of the certificate."""
    key = TLSKey(
        fingerprint=fingerprint(key_fingerprint(certificate.leaf)),
        created=1,
        type="ecdsa-p256",
        name="phone",
        no_imap_preauth=False,
        certificate=b"",
        account="mia",
        login_address="mia@example.org",
    )
    await imap.context.logins._auth.database.write(lambda tx: add_key(tx, key))


async def test_a_client_certificate_logs_in_whatever_its_names_and_issuer(imap: Imap) -> None:
    """IMAP-13, IMAP-47, IMAP-48"""
    certificate = self_signed(["anybody"], days=0.0)
    await register(imap, certificate)
    async with connected(imap, certificate) as (c, _):
        assert c.greeting.startswith(b"* PREAUTH [CAPABILITY ")
        await c.ok("a SELECT Inbox")
    async with connected(imap, certificate, starttls=True) as (c, _):
        words = (await c.ok("a CAPABILITY"))[0].split()
        assert "AUTH=EXTERNAL" in words
        assert await c.tagged("a SELECT Inbox") == "NO log in first"
        await c.ok("a AUTHENTICATE EXTERNAL =")
        await c.ok("a SELECT Inbox")


async def test_an_unknown_certificate_does_not_hinder_a_password(imap: Imap) -> None:
    """IMAP-50"""
    async with connected(imap, self_signed(["anybody"])) as (c, _):
        assert c.greeting.startswith(b"* OK ")
        await c.login()


async def scram_plus(c: Client, binding: tuple[str, bytes]) -> str:
    """AUTHENTICATE SCRAM-SHA-256-PLUS; the tagged response without tag."""
    mechanism = ScramClient("SCRAM-SHA-256-PLUS", "mia@example.org", PASSWORD, binding=binding)
    await c.send(b"a AUTHENTICATE SCRAM-SHA-256-PLUS " + base64.b64encode(mechanism.initial() or b"") + b"\r\n")
    while (response := await c.response()).startswith("+ "):
        try:
            answer = mechanism.step(base64.b64decode(response[2:]))
        except AuthenticationFailed:
            answer = b""
        await c.send(base64.b64encode(answer) + b"\r\n")
    return response.split(" ", 1)[1]


async def test_channel_bindings_tell_whether_somebody_sits_between(imap: Imap) -> None:
    """IMAP-36, IMAP-45"""
    async with connected(imap) as (c, stream):
        words = c.greeting.decode().split()
        assert {"AUTH=SCRAM-SHA-256-PLUS", "AUTH=SCRAM-SHA-1-PLUS"} <= set(words)
        answer = await scram_plus(c, ("tls-exporter", b"x" * 32))
        assert answer == "NO [AUTHENTICATIONFAILED] channel binding failed; someone may be intercepting the connection"
        assert (await scram_plus(c, ("tls-exporter", stream.channel_binding("tls-exporter")))).startswith("OK ")
    async with connected(imap) as (c, stream):
        data = stream.channel_binding("tls-server-end-point")
        assert (await scram_plus(c, ("tls-server-end-point", data))).startswith("OK ")
