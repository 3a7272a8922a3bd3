"""EXTERNAL (RFC 4422 appendix A): the client authenticates by its TLS certificate."""

from typing import Final

from moxlite.proto.sasl.passwords import normalize_username
from moxlite.proto.sasl.plain import decode_text
from moxlite.proto.sasl.types import Challenge, CheckCertificate, Malformed, Secrets, Step


class ExternalServer:
    """Server side of EXTERNAL."""

    name: Final = "EXTERNAL"

    def step(self, data: bytes | None) -> Step:
        """Read the authorization identity, which may be empty."""
        if data is None:
            return Challenge(b"")
        authzid = normalize_username(decode_text(data))
        if "\0" in authzid:
            raise Malformed("NUL in authorization identity")
        return CheckCertificate(authzid)

    def credentials(self, *secrets: Secrets) -> Step:
        """EXTERNAL needs no stored secrets."""
        raise AssertionError("EXTERNAL asks for no secrets")


class ExternalClient:
    """Client side of EXTERNAL."""

    name: Final = "EXTERNAL"

    def __init__(self, authzid: str = "") -> None:
        self._authzid = normalize_username(authzid).encode()

    def initial(self) -> bytes:
        """Return the authorization identity; empty to derive it from the certificate."""
        return self._authzid

    def step(self, challenge: bytes) -> bytes:
        """Answer the empty challenge, the only one that EXTERNAL has."""
        if challenge:
            raise Malformed("unexpected challenge in EXTERNAL")
        return self._authzid

    def finish(self) -> None:
        """Do nothing: TLS has authenticated the server."""
