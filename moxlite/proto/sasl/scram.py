"""SCRAM-SHA-1, SCRAM-SHA-256 and their -PLUS forms (RFC 5802, RFC 7677; channel bindings RFC 5929, RFC 9266).

The exchange, C for client and S for server::

    C: gs2-header n=user,r=nonce
    S: r=nonce+more,s=salt,i=iterations
    C: c=base64(gs2-header + channel binding),r=nonce+more,p=proof
    S: v=signature | e=error
    C: (empty)

The server stores only salt, iterations, StoredKey and ServerKey. It sends salt and iterations before it knows which
password the client has; so all passwords of one user share them, and the proof is verified against each (STORE-191).
For a name without an account, `decoy_secrets` returns secrets that are constant for that name and match no password, so
the exchange takes the same steps and time as with a wrong password.
"""

import base64
import hashlib
import hmac
import re
import secrets as random
from collections.abc import Mapping
from typing import Final, Literal, TypeAlias

import msgspec

from moxlite.proto.sasl.plain import decode_text, normalize_username, prepare_password
from moxlite.proto.sasl.types import (
    NO_BINDINGS,
    AuthenticationFailed,
    AuthorizationFailed,
    Challenge,
    ChannelBindingFailed,
    ChannelBindings,
    Done,
    Malformed,
    NeedCredentials,
    Refused,
    ScramSecrets,
    Secrets,
    SecretsMissing,
    Step,
    Withheld,
)
from moxlite.wording import worded

Hash: TypeAlias = Literal["sha1", "sha256"]

SALT_SIZE: Final = 16  # octets (STORE-100)
ITERATIONS: Final = 10_000  # as STORE-100; RFC 7677 §4 asks for 4096 at least
CLIENT_ITERATIONS: Final = (
    4096,
    1_000_000,
)  # fewer weaken the password, more exhaust our CPU (SMTP-123)
NONCE_MINIMUM: Final = 8  # characters of the client's nonce: a shorter one allows replay
NONCE_OCTETS: Final = 18  # own random octets: 24 characters

HASHES: Final[Mapping[str, Hash]] = {"SCRAM-SHA-1": "sha1", "SCRAM-SHA-256": "sha256"}
# RFC 5802 §7: gs2-cbind-flag "," [authzid] "," [reserved-mext ","] username "," nonce ["," extensions]
_CLIENT_FIRST: Final = re.compile(
    r"(?P<gs2>(?P<flag>y|n|p=(?P<type>[A-Za-z0-9.-]+)),(?:a=(?P<authzid>[^,\0]+))?,)"
    r"(?P<bare>(?P<mext>m=[^,]*,)?n=(?P<name>[^,\0]+),r=(?P<nonce>[!-+\--~]+)(?:,[A-Za-z]=[^,]*)*)"
)
_CLIENT_FINAL: Final = re.compile(
    r"(?P<bare>c=(?P<binding>[A-Za-z0-9+/=]+),r=(?P<nonce>[!-+\--~]+)(?:,[A-Za-z]=[^,]*)*),p=(?P<proof>[A-Za-z0-9+/=]+)"
)
_SERVER_FIRST: Final = re.compile(
    r"r=(?P<nonce>[!-+\--~]+),s=(?P<salt>[A-Za-z0-9+/=]+),i=(?P<iterations>[1-9][0-9]{0,8})(?:,[A-Za-z]=[^,]*)*"
)
_NAME_ESCAPE: Final = re.compile(r"=(2C|3D)|=")


def _hmac(hash_name: Hash, key: bytes, message: bytes) -> bytes:
    return hmac.digest(key, message, hash_name)


def _hash(hash_name: Hash, data: bytes) -> bytes:
    return hashlib.new(hash_name, data, usedforsecurity=False).digest()


def _xor(one: bytes, other: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(one, other, strict=True))


def _salted(hash_name: Hash, password: str, salt: bytes, iterations: int) -> bytes:
    return hashlib.pbkdf2_hmac(hash_name, password.encode(), salt, iterations)


def _mix(scram: ScramSecrets) -> tuple[bytes, int]:
    return scram.salt, scram.iterations


def _unbase64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError as error:  # also raised for text that is not ASCII
        raise Malformed("bad base64 in SCRAM message") from error


def _decode_name(text: str) -> str:
    """Decode a saslname (RFC 5802 §7), for the comparison with names. AuthMessage has it as the client sent it."""

    def replace(match: re.Match[str]) -> str:
        if not match[1]:
            raise Malformed("bad escape in user name")
        return "," if match[1] == "2C" else "="

    return normalize_username(_NAME_ESCAPE.sub(replace, text))


def derive_scram(
    password: str, hash_name: Hash, *, salt: bytes | None = None, iterations: int = ITERATIONS
) -> ScramSecrets:
    """Derive the secrets that the server stores from a prepared password (RFC 5802 §3).

    Takes some milliseconds: call it in a thread.
    """
    salt = random.token_bytes(SALT_SIZE) if salt is None else salt
    salted = _salted(hash_name, password, salt, iterations)
    stored_key = _hash(hash_name, _hmac(hash_name, salted, b"Client Key"))
    return ScramSecrets(salt, iterations, stored_key, _hmac(hash_name, salted, b"Server Key"))


def decoy_secrets(key: bytes, username: str) -> Secrets:
    """Return secrets for a name without an account: constant, in the usual form, and matching no password.

    Both SCRAM forms share one salt, as for a real account. `key`: secret of this installation.
    """

    def octets(purpose: str, size: int) -> bytes:
        return hmac.digest(key, f"{purpose}\0{username}".encode(), "sha512")[:size]

    def scram(name: str, size: int) -> ScramSecrets:
        return ScramSecrets(
            octets("salt", SALT_SIZE),
            ITERATIONS,
            octets(name + " stored", size),
            octets(name + " server", size),
        )

    return Secrets(scram("sha1", 20), scram("sha256", 32), octets("cram-md5", 32))


class _ClientFirst(msgspec.Struct, frozen=True):
    """The client's first message: its two halves as sent, the name, and the client's share of the nonce."""

    gs2: str
    bare: str
    username: str
    nonce: str


class ScramServer:
    """Server side of SCRAM."""

    def __init__(
        self,
        name: str,
        bindings: ChannelBindings = NO_BINDINGS,
        *,
        plus_announced: bool = False,
        nonce: str | None = None,
    ) -> None:
        """`bindings`: channel bindings of this TLS connection. `nonce` is for tests."""
        self.name = name
        base, _, plus = name.partition("-PLUS")
        self._plus = name.endswith("-PLUS") and not plus
        self._hash: Hash = HASHES[base]
        self._bindings = bindings
        self._plus_announced = plus_announced
        self._own_nonce = nonce or base64.b64encode(random.token_bytes(NONCE_OCTETS)).decode()
        self._first = _ClientFirst("", "", "", "")
        self._binding = b""
        self._server_first = ""
        self._secrets: list[tuple[int, ScramSecrets, bool]] = []
        self._chosen = 0
        self._state: Literal["first", "credentials", "final", "proven", "withheld", "refused", "over"] = "first"

    def step(self, data: bytes | None) -> Step:
        """Take the next client message."""
        if self._state == "first":
            return Challenge(b"") if data is None else self._client_first(decode_text(data))
        if self._state == "final":
            return self._client_final(decode_text(data or b""))
        state, self._state = self._state, "over"
        if state in ("refused", "withheld"):
            raise (AuthenticationFailed if state == "refused" else Withheld)("bad user or password")
        if state != "proven" or data:
            raise Malformed("unexpected SCRAM message")
        return Done(self._first.username, self._chosen)

    def _client_first(self, text: str) -> Step:
        match = _CLIENT_FIRST.fullmatch(text)
        if not match:
            raise Malformed("bad SCRAM message")
        if match["mext"]:
            raise Malformed("SCRAM extensions aren't supported")  # RFC 5802 §5.1: m= must fail
        if len(match["nonce"]) < NONCE_MINIMUM:
            raise Malformed("SCRAM nonce too short")
        username = _decode_name(match["name"])
        authzid = _decode_name(match["authzid"] or "")
        if authzid and authzid != username:
            raise AuthorizationFailed("logging in on behalf of another user isn't supported")
        self._choose_binding(match["flag"][0], match["type"] or "")
        self._first = _ClientFirst(match["gs2"], match["bare"], username, match["nonce"])
        self._state = "credentials"
        return NeedCredentials(username, authzid)

    def _nonce(self) -> str:
        return self._first.nonce + self._own_nonce

    def _choose_binding(self, flag: str, binding_type: str) -> None:
        """Apply the rules of RFC 5802 §6 for the gs2 flag."""
        if flag == "p":  # also for the name without -PLUS: a correct binding suffices
            if binding_type not in self._bindings:
                raise ChannelBindingFailed("unsupported channel binding type")
            self._binding = self._bindings[binding_type]
        elif self._plus:
            raise Malformed("-PLUS mechanisms require channel binding")
        elif flag == "y" and self._plus_announced:
            # The client believes that we cannot bind: a third party removed -PLUS from our announcement.
            raise ChannelBindingFailed("client claims that the server didn't offer channel binding")

    def credentials(self, *secrets: Secrets) -> Step:
        """Return server-first, with salt and iterations of the first password that has SCRAM secrets.

        Passwords with another salt or other iterations are ignored. Raises SecretsMissing.
        """
        if self._state != "credentials":
            raise AssertionError("SCRAM hasn't requested secrets yet")
        for place, secret in enumerate(secrets):
            scram = secret.scram_sha_1 if self._hash == "sha1" else secret.scram_sha_256
            if scram is not None and (not self._secrets or _mix(scram) == _mix(self._secrets[0][1])):
                self._secrets.append((place, scram, secret.withheld))
        if not self._secrets:
            raise SecretsMissing(f"no {self.name} secret stored")
        first = self._secrets[0][1]
        salt = base64.b64encode(first.salt).decode()
        self._server_first = f"r={self._nonce()},s={salt},i={first.iterations}"
        self._state = "final"
        return Challenge(self._server_first.encode())

    def _client_final(self, text: str) -> Step:
        match = _CLIENT_FINAL.fullmatch(text)
        if not match:
            raise Malformed("bad SCRAM message")
        if not hmac.compare_digest(_unbase64(match["binding"]), self._first.gs2.encode() + self._binding):
            raise ChannelBindingFailed("channel bindings don't match")
        if not hmac.compare_digest(match["nonce"].encode(), self._nonce().encode()):
            raise Malformed("SCRAM nonce changed")
        message = f"{self._first.bare},{self._server_first},{match['bare']}".encode()
        proof = _unbase64(match["proof"])
        proven: ScramSecrets | None = None
        withheld = False
        for place, scram_secrets, is_withheld in self._secrets:  # all: the time must not reveal which one matched
            # RFC 5802 §3: ClientKey = ClientProof XOR ClientSignature, and H(ClientKey) must be StoredKey.
            signature = _hmac(self._hash, scram_secrets.stored_key, message)
            if len(proof) == len(signature) and hmac.compare_digest(
                _hash(self._hash, _xor(proof, signature)), scram_secrets.stored_key
            ):
                self._chosen, proven, withheld = place, scram_secrets, is_withheld
        # A password that is right, but may not be used here, gets the answer of a wrong one: a thief must not learn
        # that it is right. Only the log does, by `Withheld`.
        if proven is None or withheld:
            self._state = "withheld" if withheld else "refused"
            return Challenge(b"e=invalid-proof")
        self._state = "proven"
        return Challenge(b"v=" + base64.b64encode(_hmac(self._hash, proven.server_key, message)))


class ScramClient:
    """Client side of SCRAM."""

    def __init__(
        self,
        name: str,
        username: str,
        password: str,
        *,
        binding: tuple[str, bytes] | None = None,
        could_bind: bool = False,
        nonce: str | None = None,
    ) -> None:
        """`binding`: type and data for -PLUS. `could_bind`: we can bind, but the server announced no -PLUS (`y`)."""
        self.name = name
        plus = name.endswith("-PLUS")
        assert plus == (binding is not None)
        self._hash: Hash = HASHES[name.removesuffix("-PLUS")]
        self._password = prepare_password(password)
        saslname = normalize_username(username).replace("=", "=3D").replace(",", "=2C")
        self._own_nonce = nonce or base64.b64encode(random.token_bytes(NONCE_OCTETS)).decode()
        self._client_first_bare = f"n={saslname},r={self._own_nonce}"
        flag = f"p={binding[0]}" if binding else "y" if could_bind else "n"
        self._gs2 = f"{flag},,"
        self._binding = binding[1] if binding else b""
        self._signature = b""
        self._state: Literal["first", "final", "verified"] = "first"

    def initial(self) -> bytes:
        """Return the client's first message (RFC 5802 §7, `client-first-message`)."""
        return (self._gs2 + self._client_first_bare).encode()

    def step(self, challenge: bytes) -> bytes:
        """Answer server-first with the proof, then verify server-final."""
        text = decode_text(challenge)
        if self._state == "first":
            self._state = "final"
            return self._answer(text)
        if self._state != "final":
            raise Malformed("unexpected SCRAM message")
        if text.startswith("e="):
            raise Refused(worded("the server rejected the login: {answer}", answer=text[2:60]))
        if not text.startswith("v=") or not hmac.compare_digest(_unbase64(text[2:].partition(",")[0]), self._signature):
            raise AuthenticationFailed("the server couldn't prove that it knows the password")
        self._state = "verified"
        return b""

    def _answer(self, text: str) -> bytes:
        match = _SERVER_FIRST.fullmatch(text)
        if not match:
            raise Malformed("bad SCRAM message")
        nonce, iterations = match["nonce"], int(match["iterations"])
        if not nonce.startswith(self._own_nonce) or len(nonce) == len(self._own_nonce):
            raise Malformed("bad SCRAM nonce")
        # The server chooses the number, before it has proved anything: a low one would give an impostor a hash that is
        # quickly searched, a high one would hold our thread.
        if not CLIENT_ITERATIONS[0] <= iterations <= CLIENT_ITERATIONS[1]:
            raise Malformed("SCRAM iteration count out of range")
        salted = _salted(self._hash, self._password, _unbase64(match["salt"]), iterations)
        binding = base64.b64encode(self._gs2.encode() + self._binding).decode()
        bare = f"c={binding},r={nonce}"
        message = f"{self._client_first_bare},{text},{bare}".encode()
        client_key = _hmac(self._hash, salted, b"Client Key")
        proof = _xor(client_key, _hmac(self._hash, _hash(self._hash, client_key), message))
        self._signature = _hmac(self._hash, _hmac(self._hash, salted, b"Server Key"), message)
        return f"{bare},p={base64.b64encode(proof).decode()}".encode()

    def finish(self) -> None:
        """Raise AuthenticationFailed unless the server's signature was right."""
        if self._state != "verified":
            raise AuthenticationFailed("the server didn't prove that it knows the password")
