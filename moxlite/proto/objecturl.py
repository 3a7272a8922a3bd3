"""URLs of folders in object storage: ``s3://bucket/prefix``, ``gs://bucket/prefix``, ``az://container/prefix``."""

from __future__ import annotations

import re
from typing import Final

import msgspec

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
        raise ValueError("is no URL such as s3://bucket/prefix")
    bucket, _, prefix = text.removeprefix(scheme).partition("/")
    if BUCKET.fullmatch(bucket) is None:
        raise ValueError("has no bucket, or a bucket with wrong characters")
    prefix = prefix.strip("/")
    if PREFIX.fullmatch(prefix) is None or ".." in prefix.split("/"):
        raise ValueError("has a prefix with wrong characters")
    return ObjectURL(scheme, bucket, prefix)
