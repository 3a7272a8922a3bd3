"""What all SASL mechanisms share: steps of an exchange, stored secrets, failures (RFC 4422).

Theory of operation
-------------------
A server mechanism is a state machine. `step(data)` takes what the client sent (decoded from base64; None when it sent
no initial response) and returns one of

* `Challenge`: send it, and call `step` with the answer;
* `NeedCredentials`: look up the `Secrets` of all passwords that the user may use here, and call `credentials` with
  them, which returns the next step (SCRAM, CRAM-MD5);
* `CheckPassword`, `CheckCertificate`: the exchange is over, the caller verifies what the client gave (PLAIN and
  LOGIN; EXTERNAL);
* `Done`: the client has proven who it is.

or raises a `SASLError`, whose `result` is the word recorded for the attempt. Nothing here knows how SMTP or IMAP wrap
the steps.
"""

from collections.abc import Mapping
from typing import ClassVar, Final, Protocol, TypeAlias

import msgspec

__all__ = [
    "NO_BINDINGS",
    "AuthenticationFailed",
    "AuthorizationFailed",
    "Challenge",
    "ChannelBindingFailed",
    "ChannelBindings",
    "CheckCertificate",
    "CheckPassword",
    "ClientMechanism",
    "Done",
    "Malformed",
    "NeedCredentials",
    "Refused",
    "SASLError",
    "ScramSecrets",
    "Secrets",
    "SecretsMissing",
    "ServerMechanism",
    "Step",
]

# Channel binding data by type name ("tls-exporter", "tls-unique", "tls-server-end-point") that this TLS connection may
# use.
ChannelBindings: TypeAlias = Mapping[str, bytes]
NO_BINDINGS: Final[ChannelBindings] = {}


class ScramSecrets(msgspec.Struct, frozen=True):
    """What a server keeps for SCRAM (RFC 5802 §3): enough to verify a client, not enough to pose as one."""

    salt: bytes
    iterations: int
    stored_key: bytes
    server_key: bytes


class Secrets(msgspec.Struct, frozen=True):
    """The forms of a password that the challenge-response mechanisms need; None where it was never derived."""

    scram_sha_1: ScramSecrets | None = None
    scram_sha_256: ScramSecrets | None = None
    cram_md5: bytes | None = None  # 32 octets, see crammd5.cram_md5_states


class Challenge(msgspec.Struct, frozen=True):
    """Octets for the client, before base64; its answer goes into `step`."""

    data: bytes


class NeedCredentials(msgspec.Struct, frozen=True):
    """The client named itself: `credentials` continues. `authzid` is empty or equal to `username`."""

    username: str
    authzid: str = ""


class CheckPassword(msgspec.Struct, frozen=True):
    """The client gave a password to verify. `authzid` is empty or equal to `username`."""

    username: str
    password: str
    authzid: str = ""

    def __repr__(self) -> str:
        """Without the password, which must not reach a log."""
        return f"CheckPassword(username={self.username!r})"


class CheckCertificate(msgspec.Struct, frozen=True):
    """The client refers to its TLS certificate, to act as `authzid` (empty: as whom the certificate names)."""

    authzid: str


class Done(msgspec.Struct, frozen=True):
    """The client has proven that it knows a password of `username`: that of the `chosen` place among the secrets."""

    username: str
    chosen: int = 0


Step: TypeAlias = Challenge | NeedCredentials | CheckPassword | CheckCertificate | Done


class SASLError(Exception):
    """An exchange that ends without success. The text is for people; `result` is the word in the list of log-in
    attempts.
    """

    result: ClassVar[str] = "error"


class Malformed(SASLError):
    """The client broke the mechanism's syntax or sequence."""

    result = "badprotocol"


class AuthenticationFailed(SASLError):
    """Wrong proof."""

    result = "badcreds"


class Refused(AuthenticationFailed):
    """The server has said, within the mechanism, that the proof is wrong."""


class AuthorizationFailed(AuthenticationFailed):
    """The client wants to act as another user."""


class ChannelBindingFailed(AuthenticationFailed):
    """The client's TLS connection isn't ours, or it was made to believe that we cannot bind: a third party may be in
    between.
    """

    result = "badchanbind"


class SecretsMissing(SASLError):
    """The account exists, but its password was set before this mechanism's secrets were derived: not the client's
    failure.
    """


class ServerMechanism(Protocol):
    """The server's side of one exchange."""

    @property
    def name(self) -> str:
        """The name by which it is announced."""

    def step(self, data: bytes | None) -> Step:
        """Take the client's octets, None for "no initial response"; raises SASLError."""

    def credentials(self, *secrets: Secrets) -> Step:
        """Continue after NeedCredentials, with one or more passwords, any of which will do; raises SASLError."""


class ClientMechanism(Protocol):
    """The client's side of one exchange."""

    @property
    def name(self) -> str:
        """The name by which it is announced."""

    def initial(self) -> bytes | None:
        """The initial response; None if the server speaks first."""

    def step(self, challenge: bytes) -> bytes:
        """The answer to a challenge. SCRAM computes up to a second here (RFC 5802 §5.1 `i=`). Raises SASLError."""

    def finish(self) -> None:
        """Call at the server's success reply: raises SASLError if the server has not proven to know the password."""
