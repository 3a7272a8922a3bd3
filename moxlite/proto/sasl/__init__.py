"""SASL mechanisms as state machines, server and client side (RFC 4422): PLAIN, LOGIN, CRAM-MD5, SCRAM, EXTERNAL.

`types` describes the steps of an exchange; `server_mechanism` and `choose_mechanism` start one. Looking up accounts and
verifying their passwords do not belong here.
"""

from collections.abc import Collection
from typing import Final

from moxlite.proto.sasl.crammd5 import CramMD5Client, CramMD5Server, cram_md5_states
from moxlite.proto.sasl.plain import (
    ExternalClient,
    ExternalServer,
    LoginClient,
    LoginServer,
    PlainClient,
    PlainServer,
    choose_oauth,
    normalize_username,
    prepare_password,
)
from moxlite.proto.sasl.scram import ScramClient, ScramServer, decoy_secrets, derive_scram
from moxlite.proto.sasl.types import (
    NO_BINDINGS,
    AuthenticationFailed,
    AuthorizationFailed,
    Challenge,
    ChannelBindingFailed,
    ChannelBindings,
    CheckCertificate,
    CheckPassword,
    ClientMechanism,
    Done,
    Malformed,
    NeedCredentials,
    Refused,
    SASLError,
    ScramSecrets,
    Secrets,
    SecretsMissing,
    ServerMechanism,
    Step,
    Withheld,
)

__all__ = [
    "CLIENT_ORDER",
    "NO_BINDINGS",
    "SERVER_ORDER",
    "WITHOUT_SECRETS",
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
    "Withheld",
    "announced",
    "choose_mechanism",
    "choose_oauth",
    "cram_md5_states",
    "decoy_secrets",
    "derive_scram",
    "normalize_username",
    "prepare_password",
    "server_mechanism",
]

# In order of preference; EXTERNAL only after a client certificate (SMTP-48, SMTP-123).
SERVER_ORDER: Final = (
    "EXTERNAL",
    "SCRAM-SHA-256-PLUS",
    "SCRAM-SHA-256",
    "SCRAM-SHA-1-PLUS",
    "SCRAM-SHA-1",
    "CRAM-MD5",
    "PLAIN",
    "LOGIN",
)
CLIENT_ORDER: Final = SERVER_ORDER
_CLEAR: Final = frozenset({"PLAIN", "LOGIN"})  # mechanisms that send the password itself
_BINDING_ORDER: Final = ("tls-exporter", "tls-unique", "tls-server-end-point")


WITHOUT_SECRETS: Final = frozenset({"EXTERNAL", *_CLEAR})
"""Mechanisms that need no `Secrets` of the user."""


def announced(bindings: ChannelBindings, *, certificate: bool = False) -> list[str]:
    """Return the mechanisms to announce: -PLUS only with channel bindings, EXTERNAL only with a client certificate."""
    return [
        name
        for name in SERVER_ORDER
        if (certificate or name != "EXTERNAL") and (bindings or not name.endswith("-PLUS"))
    ]


def server_mechanism(
    name: str, *, hostname: str, bindings: ChannelBindings = NO_BINDINGS, plus_announced: bool = True
) -> ServerMechanism | None:
    """Start the server side of the mechanism `name` (in any case); returns None if it is unknown.

    `hostname` is part of the challenge of CRAM-MD5. `plus_announced`: whether -PLUS is, where there are bindings. The
    caller checks whether the mechanism is allowed (TLS,
    certificate).
    """
    name = name.upper()
    if name.startswith("SCRAM-") and name in SERVER_ORDER:
        return ScramServer(name, bindings, plus_announced=plus_announced and bool(bindings))
    if name == "PLAIN":
        return PlainServer()
    if name == "LOGIN":
        return LoginServer()
    if name == "CRAM-MD5":
        return CramMD5Server(hostname)
    if name == "EXTERNAL":
        return ExternalServer()
    return None


def choose_mechanism(
    offered: Collection[str],
    username: str,
    password: str,
    *,
    bindings: ChannelBindings = NO_BINDINGS,
    tls: bool,
    certificate: bool = False,
    allow_clear: bool = False,
    only: Collection[str] = (),
) -> ClientMechanism | None:
    """Start the client side of the best mechanism that the server offers; returns None if no mechanism is usable.

    `only` restricts the choice to configured mechanisms. PLAIN and LOGIN need TLS unless `allow_clear`. Raises
    ValueError for a password that cannot be prepared.
    """
    offers = {name.upper() for name in offered}
    allowed = {name.upper() for name in only} or set(CLIENT_ORDER)
    binding = next(((kind, bindings[kind]) for kind in _BINDING_ORDER if kind in bindings), None)
    for name in CLIENT_ORDER:
        if name not in offers or name not in allowed:
            continue
        if name == "EXTERNAL":
            if certificate:
                return ExternalClient()
        elif name.endswith("-PLUS"):
            if binding is not None:
                return ScramClient(name, username, password, binding=binding)
        elif name.startswith("SCRAM-"):
            plus_offered = any(offer.startswith("SCRAM-") and offer.endswith("-PLUS") for offer in offers)
            return ScramClient(name, username, password, could_bind=binding is not None and not plus_offered)
        elif name == "CRAM-MD5":
            return CramMD5Client(username, password)
        elif name in _CLEAR and (tls or allow_clear):
            return PlainClient(username, password) if name == "PLAIN" else LoginClient(username, password)
    return None
