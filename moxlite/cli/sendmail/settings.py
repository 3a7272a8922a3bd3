"""The mail server for this machine's mail: /etc/moxlite-submit.toml (QUEUE-141)."""

import tomllib
from pathlib import Path
from typing import Final, Literal

import msgspec

from moxlite.encoding import from_builtins

DEFAULT_PATH: Final = Path("/etc/moxlite-submit.toml")

MAX_FILE: Final = 1 << 20
"""Octets of the file, which -C may name: a device has no end."""

EXAMPLE: Final = """\
# /etc/moxlite-submit.toml: where `moxlite sendmail` sends mail from programs on this machine.
# It contains a password: groupadd --system moxlite-submit, chown root:moxlite-submit, chmod 0640, and add users who
# can send mail to that group.

# This machine's name for EHLO.
local_hostname = "box.example.org"

# Mail server and port: 465 with tls, 587 with starttls.
host = "mail.example.org"
port = 465
tls = true
starttls = false
# Accept any server certificate. Only for tests.
tls_insecure_skip_verify = false

# User name, and exactly one of: a password, an Ed25519 key's seed (32 bytes in base64url), or a PEM file
# with a PKCS#8 key and its certificate (to create one, run `moxlite config tlspubkey gen`).
username = "box@example.org"
password = "…"
# client_auth_ed25519_private_key = "…"
# client_auth_cert_private_key_pem_file = "/etc/moxlite-submit.pem"

# Only use this mechanism, for example "SCRAM-SHA-256". Empty: the most secure mechanism available.
auth_method = ""

# From address and envelope sender for all mail from this machine. Programs can only set a name, and get replies at
# their own address. With -f, they can set an envelope sender that the server accepts from this account.
from = "box@example.org"

# Recipient for mail to names without a domain, like cron's mail to `root`. Empty: reject it.
default_destination = "you@example.org"

# "yes": require verified TLS for the whole path (REQUIRETLS). "no": deliver even if TLS fails. Empty: default.
require_tls = ""
"""

Method = Literal[
    "",
    "EXTERNAL",
    "SCRAM-SHA-256-PLUS",
    "SCRAM-SHA-256",
    "SCRAM-SHA-1-PLUS",
    "SCRAM-SHA-1",
    "CRAM-MD5",
    "PLAIN",
]


class BadSettings(Exception):
    """The file cannot be used; the text is for people."""


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"from_address": "from"}):
    """The file; see EXAMPLE."""

    host: str
    username: str
    from_address: str
    local_hostname: str = "localhost"
    port: int = 465
    tls: bool = True
    starttls: bool = False
    tls_insecure_skip_verify: bool = False
    password: str = ""
    client_auth_ed25519_private_key: str = ""
    client_auth_cert_private_key_pem_file: str = ""
    auth_method: Method = ""
    default_destination: str = ""
    require_tls: Literal["", "yes", "no"] = ""


def read_settings(path: Path) -> Settings:
    """Read a file. Raises BadSettings."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE)
    except FileNotFoundError:
        text = "doesn't exist; to create it, save and edit the output of `moxlite config describe-sendmail`"
        raise BadSettings(f"{path} {text}") from None
    except OSError as error:
        raise BadSettings(f"{path}: {error.strerror or error}") from None
    try:
        settings = from_builtins(tomllib.loads(data.decode()), Settings)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as error:
        raise BadSettings(f"{path}: {error}") from None
    secrets = (
        settings.password,
        settings.client_auth_ed25519_private_key,
        settings.client_auth_cert_private_key_pem_file,
    )
    if sum(map(bool, secrets)) != 1:
        raise BadSettings(
            f"{path}: exactly one of password, client_auth_ed25519_private_key, and"
            " client_auth_cert_private_key_pem_file must be set"
        )
    if settings.tls and settings.starttls:
        raise BadSettings(f"{path}: can't set both tls and starttls; use tls for port 465, starttls for port 587")
    if not settings.password and not (settings.tls or settings.starttls):
        raise BadSettings(f"{path}: tls or starttls is required for a client key")
    return settings
