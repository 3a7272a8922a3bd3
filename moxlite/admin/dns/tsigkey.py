"""Files with a TSIG key (RFC 8945), as name servers and their tools write them."""

import base64
import re
from pathlib import Path
from typing import Final

import dns.exception
import dns.name
import dns.tsig

MAX_FILE: Final = 65_536
"""Octets of a key file that are read."""

ALGORITHMS: Final = {
    "hmac-sha256": dns.tsig.HMAC_SHA256,
    "hmac-sha384": dns.tsig.HMAC_SHA384,
    "hmac-sha512": dns.tsig.HMAC_SHA512,
}
"""Algorithms with a purpose today; MD5 and SHA-1 are not taken (RFC 8945 §6)."""

DEFAULT: Final = "hmac-sha256"

_BIND: Final = re.compile(r'key\s++"?([^"\s{]++)"?\s*+\{([^{}]*+)\}')
_FIELD: Final = re.compile(r'(algorithm|secret|id)\s*+:?\s*+"?([^"\s;]++)"?')
_LINE: Final = re.compile(r"(?>#\s*+)?(?:(hmac-[a-z0-9-]++):)?([^\s:#]++):([A-Za-z0-9+/]++={0,2})")


class KeyFileError(ValueError):
    """A file without a key that can be used. The text names the file, and holds nothing of the secret."""


def read_key_file(path: Path) -> dns.tsig.Key:
    """Read the first key of a file: a ``key`` statement of BIND, a ``key`` section of Knot DNS, or a line
    ``[ALGORITHM:]NAME:SECRET``. Raises KeyFileError.
    """
    try:
        with path.open("rb") as file:
            text = file.read(MAX_FILE).decode()
    except OSError as error:
        raise KeyFileError(f"cannot read {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise KeyFileError(f"{path} has no TSIG key") from None
    name, algorithm, secret = _first_key(text)
    if not name or not secret:
        raise KeyFileError(f"{path} has no TSIG key")
    if algorithm.lower() not in ALGORITHMS:
        raise KeyFileError(f"{path}: the algorithm {algorithm} is not one of {', '.join(ALGORITHMS)}")
    try:
        octets = base64.b64decode(secret, validate=True)
        return dns.tsig.Key(dns.name.from_text(name), octets, ALGORITHMS[algorithm.lower()])
    except (dns.exception.DNSException, ValueError):
        raise KeyFileError(f"{path}: the key's name or secret is not valid") from None


def _first_key(text: str) -> tuple[str, str, str]:
    """Name, algorithm and secret in base 64, "" where they are missing."""
    if (found := _BIND.search(text)) is not None:
        fields = dict(_FIELD.findall(found[2]))
        return found[1], fields.get("algorithm", DEFAULT), fields.get("secret", "")
    fields = {}
    for line in text.splitlines():
        if (line_key := _LINE.fullmatch(line.strip())) is not None:
            return line_key[2], line_key[1] or DEFAULT, line_key[3]
        if (field := _FIELD.fullmatch(line.strip().removeprefix("- "))) is not None:
            fields.setdefault(field[1], field[2])
    return fields.get("id", ""), fields.get("algorithm", DEFAULT), fields.get("secret", "")
