"""Connections of the DNS checks to our own services, made as an outside client makes them (ADMIN-48)."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final, Protocol

import trio
from cryptography import x509

from moxlite.mailauth.mtasts import FetchFailed
from moxlite.net.control.tcp import TokenRejected, open_ctl
from moxlite.net.dial import DialError, dial
from moxlite.net.httpclient import HTTPClient, HTTPError, NoHost
from moxlite.net.limits import IPAddress
from moxlite.net.smtpclient import SMTPClient
from moxlite.net.tls.certificates import Trust
from moxlite.net.tls.errors import TLSError
from moxlite.net.tls.handshake import ClientTLS
from moxlite.proto.smtp.conversation import TLSMode
from moxlite.proto.smtp.errors import SMTPError

PROBE_SECONDS: Final = 10.0
"""Seconds for one connection with its handshake."""

NO_CERTIFICATE: Final = "handshake_failure"
"""The alert of our server where it has no certificate for the name (WEB-118)."""


class Network(Protocol):
    """Connections that checks make. `smtp` and `tls` return the problem, "" if all is well; hosts are A-labels."""

    async def smtp(self, ip: IPAddress, host: str) -> str:
        """Connect to port 25, and verify by STARTTLS that its certificate is for `host`."""

    async def shown(self, ip: IPAddress, host: str) -> tuple[Sequence[x509.Certificate], str]:
        """The certificates that port 25 shows after STARTTLS, leaf first, unverified, and the problem, "" if there was
        no fault.
        """

    async def tls(self, ip: IPAddress, port: int, host: str) -> str:
        """Connect with TLS, and verify that the certificate is for `host`."""

    async def fetch(self, url: str) -> bytes:
        """The body of a response with status 200. Raises FetchFailed."""


class Internet:
    """`Network` over real sockets.

    Args:
      hostname: our own, for EHLO.
      trust: the authorities that certificates must come from.
      http: makes requests.
    """

    def __init__(self, hostname: str, trust: Trust, http: HTTPClient) -> None:
        self._hostname = hostname
        self._trust = trust
        self._http = http

    async def smtp(self, ip: IPAddress, host: str) -> str:
        chain, problem = await self.shown(ip, host)
        if problem:
            return problem
        wrong = await trio.to_thread.run_sync(self._trust.check, chain, host)
        return "" if wrong is None else f"{ip} port 25: {wrong.text}"

    async def shown(self, ip: IPAddress, host: str) -> tuple[Sequence[x509.Certificate], str]:
        with trio.move_on_after(PROBE_SECONDS):
            try:
                stream = (await dial([ip], 25, inside=True, seconds=PROBE_SECONDS)).stream
            except DialError as error:
                return (), str(error)
            client = SMTPClient(
                stream, ehlo_name=self._hostname, tls_mode=TLSMode.REQUIRED_STARTTLS, tls=ClientTLS(), server_name=host
            )
            try:
                await client.hello()
                assert client.tls_stream is not None
                return client.tls_stream.peer_chain(), ""
            except SMTPError as error:
                return (), f"{ip} port 25: {error}"
            finally:
                with trio.CancelScope(shield=True):  # does not wait
                    await client.abort()
        return (), f"{ip} port 25: timed out after {PROBE_SECONDS:.0f} s"

    async def tls(self, ip: IPAddress, port: int, host: str) -> str:
        with trio.move_on_after(PROBE_SECONDS):
            try:
                stream = (await dial([ip], port, inside=True, seconds=PROBE_SECONDS)).stream
            except DialError as error:
                return f"port {port}: {error}"
            try:
                tls = await ClientTLS().connect(stream, host)
            except TLSError as error:
                why = f"no certificate for {host} yet: {error}" if error.alert == NO_CERTIFICATE else str(error)
                return f"{ip} port {port}: {why}"
            try:
                problem = await trio.to_thread.run_sync(self._trust.check, tls.peer_chain(), host)
            finally:
                await trio.aclose_forcefully(tls)
            return "" if problem is None else f"{ip} port {port}: {problem.text}"
        return f"{ip} port {port}: timed out after {PROBE_SECONDS:.0f} s"

    async def fetch(self, url: str) -> bytes:
        try:
            response = await self._http.request("GET", url, seconds=PROBE_SECONDS)
        except NoHost as error:
            raise FetchFailed(str(error), missing=True) from error
        except HTTPError as error:
            raise FetchFailed(str(error)) from error
        if response.status != 200:
            raise FetchFailed(f"HTTP status {response.status}", missing=response.status == 404)
        return response.body


async def is_served(data_dir: Path) -> bool:
    """Whether a server runs with this data directory, as far as this user can tell."""
    try:
        stream = await open_ctl(data_dir / "ctl")
    except (FileNotFoundError, ConnectionRefusedError, TokenRejected):
        return False
    except (OSError, RuntimeError):  # no access for this user, or a system without such sockets
        return True
    await stream.aclose()
    return True
