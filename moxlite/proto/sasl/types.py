"""Types shared by all SASL mechanisms: steps of an exchange, stored secrets, failures (RFC 4422).

Theory of operation
-------------------
A server mechanism is a state machine. `step(data)` takes what the client sent (decoded from base64; None when it sent
no initial response) and returns one of

* `Challenge`: send it, and call `step` with the answer;
* `NeedCredentials`: look up the `Secrets` of all passwords that the user may use here, and call `credentials` with
  them, which returns the next step (SCRAM, CRAM-MD5);
* `CheckPassword`, `CheckCertificate`: the exchange is over, the caller verifies what the client gave (PLAIN and
  LOGIN; EXTERNAL);
* `Done`: the client is authenticated.

or raises a `SASLError`, whose `result` is the word recorded for the attempt. The encoding of the steps in SMTP and IMAP
does not belong here.
"""

from collections.abc import Mapping
from typing import ClassVar, Final, Protocol, TypeAlias

import msgspec

# Channel binding data by type name ("tls-exporter", "tls-unique", "tls-server-end-point") that this TLS connection may
# use.
ChannelBindings: TypeAlias = Mapping[str, bytes]
NO_BINDINGS: Final[ChannelBindings] = {}


class ScramSecrets(msgspec.Struct, frozen=True):
    """Secrets that a server stores for SCRAM (RFC 5802 §3): they verify a client, but do not allow to log in."""

    salt: bytes
    iterations: int
    stored_key: bytes
    server_key: bytes


class Secrets(msgspec.Struct, frozen=True):
    """Secrets of a password for the challenge-response mechanisms; None for a mechanism without derived secrets.

    `withheld`: a proof of the password is answered as a wrong one, and ends in `Withheld`.
    """

    scram_sha_1: ScramSecrets | None = None
    scram_sha_256: ScramSecrets | None = None
    cram_md5: bytes | None = None  # 32 octets, see crammd5.cram_md5_states
    withheld: bool = False


class Challenge(msgspec.Struct, frozen=True):
    """Octets for the client, before base64; `step` takes its answer."""

    data: bytes


class NeedCredentials(msgspec.Struct, frozen=True):
    """The client has sent its user name; `credentials` continues. `authzid` is empty or equal to `username`."""

    username: str
    authzid: str = ""


class CheckPassword(msgspec.Struct, frozen=True):
    """The client has sent a password to verify. `authzid` is empty or equal to `username`."""

    username: str
    password: str
    authzid: str = ""

    def __repr__(self) -> str:
        """Without the password, which must not reach a log."""
        return f"CheckPassword(username={self.username!r})"


class CheckCertificate(msgspec.Struct, frozen=True):
    """The client refers to its TLS certificate. `authzid`: the user to act as; empty for the certificate's user."""

    authzid: str


class Done(msgspec.Struct, frozen=True):
    """The client has proven that it knows a password of `username`. `chosen`: its index among the secrets."""

    username: str
    chosen: int = 0


Step: TypeAlias = Challenge | NeedCredentials | CheckPassword | CheckCertificate | Done


class SASLError(Exception):
    """The exchange has failed. The text is for people; `result` is the word in the list of log-in attempts."""

    result: ClassVar[str] = "error"


class Malformed(SASLError):
    """The client violated the mechanism's syntax or sequence."""

    result = "badprotocol"


class AuthenticationFailed(SASLError):
    """The client's proof is wrong."""

    result = "badcreds"


class Refused(AuthenticationFailed):
    """The server has reported, within the mechanism, that the proof is wrong."""


class Withheld(AuthenticationFailed):
    """The client has proven a password that may not be used here; so far it was answered as by a wrong one."""


class AuthorizationFailed(AuthenticationFailed):
    """The client wants to act as another user."""


class ChannelBindingFailed(AuthenticationFailed):
    """The client's TLS connection isn't ours, or -PLUS was removed from our announcement: a possible
    man-in-the-middle attack.
    """

    result = "badchanbind"


class SecretsMissing(SASLError):
    """The account exists, but its password has no secrets for this mechanism, since it was set before the mechanism was
    supported. Not the client's fault.
    """


class ServerMechanism(Protocol):
    """The server's side of one exchange."""

    @property
    def name(self) -> str:
        """The name by which it is announced."""

    def step(self, data: bytes | None) -> Step:
        """Take the client's octets, None without an initial response. Raises SASLError."""

    def credentials(self, *secrets: Secrets) -> Step:
        """Continue after NeedCredentials, with the secrets of all passwords; any may match. Raises SASLError."""


class ClientMechanism(Protocol):
    """The client's side of one exchange."""

    @property
    def name(self) -> str:
        """The name by which it is announced."""

    def initial(self) -> bytes | None:
        """The initial response; None if the server sends first."""

    def step(self, challenge: bytes) -> bytes:
        """Answer a challenge. SCRAM computes up to a second here (RFC 5802 §5.1 `i=`). Raises SASLError."""

    def finish(self) -> None:
        """Call at the server's success reply. Raises SASLError if the server has not proven to know the password."""
