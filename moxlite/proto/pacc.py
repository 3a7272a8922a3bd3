"""Settings of mail programs as JSON that a digest in DNS vouches for (PACC, draft-ietf-mailmaint-pacc-03).

A domain D serves the document at ``ua-auto-config.D``; the TXT record ``_ua-auto-config.D`` has its SHA-256. Hosts in
it have the usual ports, with TLS from the start (993, 995, 465).
"""

from __future__ import annotations

import base64
import hashlib
from typing import Final

import msgspec

from moxlite.encoding import json_decoder

VERSION: Final = "UAAC1"


class Place(msgspec.Struct, frozen=True):
    """A service: its host."""

    host: str = ""


class Protocols(msgspec.Struct, frozen=True):
    """The services for mail. ``submit`` was called ``smtp`` until the third draft."""

    imap: Place = Place()
    pop3: Place = Place()
    submit: Place = Place()
    smtp: Place = Place()


class Means(msgspec.Struct, frozen=True):
    """Ways of logging in."""

    password: bool = False


class Settings(msgspec.Struct, frozen=True):
    """The part of a document that is for mail."""

    protocols: Protocols
    authentication: Means = Means()


settings_decoder = json_decoder(Settings)


def record_of(octets: bytes) -> str:
    """The text of the TXT record for a document."""
    return f"v={VERSION}; a=sha256; d={base64.b64encode(hashlib.sha256(octets).digest()).decode()}"


def digest_in(text: str) -> tuple[str, str]:
    """Algorithm and digest in a TXT record; the order of the tags and blanks do not matter."""
    tags = {name.strip().lower(): value.strip() for name, _, value in (tag.partition("=") for tag in text.split(";"))}
    return tags.get("a", "").lower(), tags.get("d", "")


def vouches(text: str, octets: bytes) -> bool:
    """Whether a TXT record is that of a document."""
    return text.strip().lower().startswith(f"v={VERSION.lower()}") and digest_in(text) == digest_in(record_of(octets))


def read_settings(octets: bytes) -> Settings:
    """The settings in a document. Raises msgspec.DecodeError."""
    return settings_decoder.decode(octets)
