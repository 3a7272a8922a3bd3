"""EXTERNAL (RFC 4422 appendix A): the client points to its TLS certificate."""

from typing import Final

from moxlite.proto.sasl.passwords import normalize_username
from moxlite.proto.sasl.plain import decode_text
from moxlite.proto.sasl.types import Challenge, CheckCertificate, Malformed, Secrets, Step

__all__ = ["ExternalClient", "ExternalServer"]


class ExternalServer:
    """Server side of EXTERNAL."""

    name: Final = "EXTERNAL"

    def step(self, data: bytes | None) -> Step:
        """The authorization identity, which may be empty."""
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
        """The identity wanted; empty leaves it to the certificate."""
        return self._authzid

    def step(self, challenge: bytes) -> bytes:
        """EXTERNAL has no challenge but the empty one."""
        if challenge:
            raise Malformed("unexpected challenge in EXTERNAL")
        return self._authzid

    def finish(self) -> None:
        """The server is authenticated by TLS."""
