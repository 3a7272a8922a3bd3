"""URLs of folders on another machine, ``ssh://[user@]host[:port]/path``, as in the SCP and SFTP URI draft
(draft-ietf-secsh-scp-sftp-ssh-uri-04 §3), without its parameters.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import quote, unquote, urlsplit

import msgspec

SCHEME: Final = "ssh://"

PORT: Final = 22
"""Port of SSH, which a URL leaves out (RFC 4253 §4.1)."""

NAME: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-:")
"""Characters of users and hosts; of an IPv6 address, too."""


class SSHURL(msgspec.Struct, frozen=True):
    """A folder on another machine. `path` is absolute; `user` "" leaves the name to the ssh program."""

    host: str
    path: str
    user: str = ""
    port: int = PORT

    def __str__(self) -> str:
        """The URL."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        user = f"{self.user}@" if self.user else ""
        port = f":{self.port}" if self.port != PORT else ""
        return f"{SCHEME}{user}{host}{port}{quote(self.path)}"


def parse_ssh_url(text: str) -> SSHURL:
    """The parts of a URL. Raises ValueError with words that go behind the name of the value."""
    parts = urlsplit(text)
    try:
        port = parts.port or PORT
    except ValueError:
        raise ValueError("has an invalid port") from None
    if parts.scheme != "ssh" or parts.query or parts.fragment:
        raise ValueError("must be a URL like ssh://user@host/path")
    if parts.password is not None:
        raise ValueError("can't include a password; log in with an SSH key")
    host, user = parts.hostname or "", parts.username or ""
    # The ssh program would take a leading "-" for an option.
    if not host or not NAME.issuperset(host + user) or host.startswith("-") or user.startswith("-"):
        raise ValueError("must include a host; host and user can't contain special characters")
    path = unquote(parts.path).rstrip("/")
    if not path.isprintable() or not path.startswith("/"):
        raise ValueError("must include a folder, like ssh://user@host/path")
    return SSHURL(host, path, user, port)


# URLs of folders in object storage: ``s3://bucket/prefix``, ``gs://bucket/prefix``, ``az://container/prefix``.

SCHEMES: Final = ("s3://", "gs://", "az://")

BUCKET: Final = re.compile(r"[a-z0-9][a-z0-9._-]{1,61}[a-z0-9]")
"""Names of buckets and containers: what S3, Google and Azure take, all together."""

PREFIX: Final = re.compile(r"[A-Za-z0-9._/=+-]{0,512}")


class ObjectURL(msgspec.Struct, frozen=True):
    """A folder in a bucket. `scheme` ends in ``://``; `prefix` is without a stroke at its ends, "" for the whole."""

    scheme: str
    bucket: str
    prefix: str = ""

    def __str__(self) -> str:
        """The URL."""
        return f"{self.scheme}{self.bucket}" + (f"/{self.prefix}" if self.prefix else "")


def parse_object_url(text: str) -> ObjectURL:
    """The parts of a URL. Raises ValueError with words that go behind the name of the value."""
    scheme = next((one for one in SCHEMES if text.startswith(one)), None)
    if scheme is None:
        raise ValueError("must be a URL like s3://bucket/prefix")
    bucket, _, prefix = text.removeprefix(scheme).partition("/")
    if BUCKET.fullmatch(bucket) is None:
        raise ValueError("must include a valid bucket name")
    prefix = prefix.strip("/")
    if PREFIX.fullmatch(prefix) is None or ".." in prefix.split("/"):
        raise ValueError("has an invalid prefix")
    return ObjectURL(scheme, bucket, prefix)
