"""The DKIM-Signature field: parsing, checks that need no key, the form that is hashed (RFC 6376 §3.5; AUTH-31..35)."""

import base64
import binascii
import re
from collections.abc import Sequence
from typing import Final, Literal, TypeGuard

import msgspec

from moxlite.mailauth.dkim.message import Canonicalization, HashName, relaxed_field
from moxlite.normal import is_visible
from moxlite.proto.address import AddressError, Domain
from moxlite.proto.mime.headers import Field

# Tag lists: ``name=value; name=value``, the grammar of signatures, key records and policies (RFC 6376 §3.2).


MAX_TAGS: Final = 64 << 10
"""Characters of a tag list that is read (AUTH-101); the longest in real mail have 2 KiB."""

_BLANKS: Final = " \t\r\n"
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


ON_LOOP: Final = 16 << 10
"""Octets of header fields whose tags are read on the event loop: 2 ms."""

# Domains in A-labels, which may be folded, and octets of i= that are encoded: IDNA takes 15 µs a character. Two
# patterns are four times as fast as one.
_A_LABEL: Final = re.compile(rb"[xX]\s*[nN]\s*-\s*-")
_ENCODED: Final = re.compile(rb"[:;]\s*i\s*=[^;=]*=")


class TagError(ValueError):
    """The text is not a tag list, or the value of a tag is malformed. The message is short and in printable ASCII."""


def reads_fast(fields: Sequence[Field]) -> bool:
    """Whether the tags of header fields can be read on the event loop."""
    octets = b"".join(field.raw for field in fields)
    if len(octets) > ON_LOOP or not octets.isascii():
        return False
    return not _A_LABEL.search(octets) and not _ENCODED.search(octets)


def parse_tags(text: str) -> dict[str, str]:
    """Return the values by tag name, in the order of the text, without the blanks around names and values.

    Names are case-sensitive. A value may hold non-ASCII characters (RFC 8616). Linear in the text.

    Raises:
      TagError: the text is not a tag list, is too long, or has a name twice.
    """
    if len(text) > MAX_TAGS:
        raise TagError("too long")
    if _CONTROL.search(text):
        raise TagError("contains a control character")
    parts = text.split(";")
    if len(parts) > 1 and not parts[-1].strip(_BLANKS):
        parts.pop()  # a final semicolon is allowed
    tags: dict[str, str] = {}
    for part in parts:
        name, equals, value = part.partition("=")
        name = name.strip(_BLANKS)
        if not equals or not _NAME.fullmatch(name):
            raise TagError("invalid tag list")
        if name in tags:
            raise TagError(f"duplicate tag {name[:20]}")
        tags[name] = value.strip(_BLANKS)
    return tags


def without_blanks(value: str) -> str:
    """The value without the blanks and line ends that folding may put anywhere into it."""
    for blank in _BLANKS:  # a table for `translate` takes five times as long
        value = value.replace(blank, "")
    return value


def split_list(value: str) -> list[str]:
    """The members of a list with colons, without the blanks around them."""
    return [member.strip(_BLANKS) for member in value.split(":")]


def decode_base64(value: str) -> bytes:
    """The octets of base64 with blanks anywhere in it (RFC 6376 §2.10). Raises TagError."""
    try:
        return base64.b64decode(without_blanks(value).encode("ascii"), validate=True)
    except (UnicodeEncodeError, binascii.Error):
        raise TagError("bad base64") from None


Algorithm = Literal["rsa", "ed25519"]

MAX_NAMES: Final = 1000
"""Names in h= (design-facts.md §7); real signatures have 30."""

DNS_NAME: Final = 253
"""Characters of a name in DNS (RFC 1035 §2.3.4)."""

MAX_LOCALPART: Final = 256
"""Characters before the @ of i=, which need not be a deliverable address; real localparts have at most 64 octets."""

DIGEST_SIZES: Final[dict[HashName, int]] = {"sha256": 32, "sha1": 20}

REQUIRED: Final = ("v", "a", "b", "bh", "d", "h", "s")
"""Tags that a signature must have (RFC 6376 §3.5)."""

FUTURE: Final = 86_400
"""Seconds by which t= may be in the future: clocks and time zones of senders are wrong by less than a day (AUTH-31)."""

_ALGORITHM: Final = re.compile(r"([a-zA-Z][a-zA-Z0-9]*)-([a-zA-Z][a-zA-Z0-9]*)")
_FIELD_NAME: Final = re.compile(r"[!-9;-~]+")
_TIME: Final = re.compile(r"[0-9]{1,12}")
_LENGTH: Final = re.compile(r"[0-9]{1,76}")
_QUOTED: Final = re.compile(r"=([0-9A-F]{2})")


class SignatureError(ValueError):
    """A signature that cannot be used (permerror). The text is short; `domain`, `selector`, `algorithm` and `start`
    (of b=) as far as they could be read, else "".
    """

    def __init__(
        self, problem: str, *, domain: str = "", selector: str = "", algorithm: str = "", start: str = ""
    ) -> None:
        super().__init__(problem)
        self.domain = domain
        self.selector = selector
        self.algorithm = algorithm
        self.start = start


class Signature(msgspec.Struct, frozen=True, kw_only=True):
    """The parsed tags of a DKIM-Signature field.

    Attributes:
      raw: the field's octets.
      algorithm, hash: a=. value, body_hash: b= and bh=, decoded; text: b= without blanks.
      domain: d=. selector: s=, A-labels. identity: i=, decoded, or its default "@d"; identity_domain: its domain.
      header, body: c=. names: h=, lower case. length: l=. timestamp, expiration: t= and x=, seconds since 1970.
    """

    raw: bytes
    algorithm: Algorithm
    hash: HashName
    value: bytes
    text: str
    body_hash: bytes
    domain: Domain
    selector: str
    identity: str
    identity_domain: Domain
    header: Canonicalization
    body: Canonicalization
    names: tuple[bytes, ...]
    length: int | None
    timestamp: int | None
    expiration: int | None

    @property
    def key_name(self) -> str:
        """DNS name of the key record, with final dot."""
        return f"{self.selector}._domainkey.{self.domain.ascii}."

    def policy_problem(self, *, allow_sha1: bool) -> str:
        """Why local policy ignores the signature even if it verifies, "" if it does not (AUTH-33, AUTH-34)."""
        if self.hash == "sha1" and not allow_sha1:
            return "sha1 isn't allowed"  # RFC 8301 §3.1
        if self.length is not None:
            return "body length limit (l=) isn't allowed"  # what follows could be anything
        if b"subject" not in self.names:
            return "Subject not signed"
        return ""

    def time_problem(self, now: float) -> str:
        """Why the signature is not valid at `now` (seconds since 1970), "" if it is."""
        if self.expiration is not None and self.expiration < now:
            return "expired"
        if self.timestamp is not None and self.timestamp > now + FUTURE:
            return "signed in the future"
        return ""

    def unsigned(self) -> bytes:
        """The field in the form that is hashed: canonical, with an empty b=, without the last line end (§3.7)."""
        return unsigned(self.raw, self.header)


def parse_signature(raw: bytes) -> Signature:
    """The signature in the octets of a DKIM-Signature field. Raises SignatureError."""
    known: dict[str, str] = {}
    try:
        signature = _parse(raw, parse_tags(field_text(raw)), known)
        if b"from" not in signature.names:
            raise TagError("the From field isn't signed")
        return signature
    except TagError as error:
        raise SignatureError(str(error), **known) from None


def parse_message_signature(raw: bytes) -> Signature:
    """The signature in the octets of an ARC-Message-Signature: i= is the number of its set, and v= is not used
    (RFC 8617 §4.1.2).

    As verifiers agree on it (the public ARC test suite), c= is relaxed/relaxed by default, and h= may have empty
    members, or none: so From may be unsigned.

    Raises TagError.
    """
    tags = {"c": "relaxed/relaxed"} | parse_tags(field_text(raw)) | {"v": "1"}
    tags.pop("i", None)
    if "h" in tags:
        tags["h"] = ":".join(filter(None, split_list(tags["h"])))
    return _parse(raw, tags, {})


def field_text(raw: bytes) -> str:
    """The value of a header field that holds tags: the text after the first colon."""
    return raw.partition(b":")[2].decode("utf-8", "surrogateescape")


def unsigned(raw: bytes, canonicalization: Canonicalization) -> bytes:
    """A field of tags in canonical form with an empty b=, without the last line end (RFC 6376 §3.7)."""
    name, colon, value = raw.partition(b":")
    parts = value.removesuffix(b"\n").removesuffix(b"\r").split(b";")
    for at, part in enumerate(parts):
        tag, equals, _ = part.partition(b"=")
        if equals and tag.strip(b" \t\r\n") == b"b":
            parts[at] = tag + equals
    field = name + colon + b";".join(parts)
    return relaxed_field(field).removesuffix(b"\r\n") if canonicalization == "relaxed" else field


def parse_algorithm(text: str) -> tuple[Algorithm, HashName]:
    """The parts of a=. Raises TagError."""
    match = _ALGORITHM.fullmatch(text)
    match (match[1].lower(), match[2].lower()) if match else None:
        case "rsa", "sha256":
            return "rsa", "sha256"
        case "rsa", "sha1":
            return "rsa", "sha1"
        case "ed25519", "sha256":
            return "ed25519", "sha256"
    raise TagError("unknown algorithm")


def parse_domain(text: str, tag: str) -> Domain:
    """The value of d= or s=. Raises TagError."""
    try:
        return Domain.parse(without_blanks(text))
    except AddressError:
        raise TagError(f"invalid domain in tag {tag}") from None


def _parse(raw: bytes, tags: dict[str, str], known: dict[str, str]) -> Signature:
    # Read what identifies a signature first, into `known`, because the header also identifies broken ones (RFC 8601
    # §2.7.1).
    text = without_blanks(tags.get("b", ""))
    known["start"] = text[:12] if text.isascii() and text.isprintable() else ""
    if "d" in tags:
        domain = parse_domain(tags["d"], "d")
        known["domain"] = domain.ascii
    if "s" in tags:
        selector = parse_domain(tags["s"], "s").ascii
        known["selector"] = selector
    if "a" in tags:
        algorithm, hashed = parse_algorithm(tags["a"])
        known["algorithm"] = f"{algorithm}-{hashed}"
    if missing := [name for name in REQUIRED if name not in tags]:
        raise TagError(f"missing tag {missing[0]}")
    if tags["v"] != "1":
        raise TagError("unknown version")
    if len(selector) + len("._domainkey.") + len(domain.ascii) > DNS_NAME:
        raise TagError("selector and domain are too long")
    if "q" in tags and "dns/txt" not in [method.lower() for method in split_list(tags["q"])]:
        raise TagError("unknown query method")
    value = decode_base64(text)
    if not value:
        raise TagError("empty signature")
    body_hash = decode_base64(tags["bh"])
    if len(body_hash) != DIGEST_SIZES[hashed]:
        raise TagError("wrong body hash size")
    header, body = _canonicalizations(tags.get("c", "simple/simple"))
    timestamp, expiration = _number(tags, "t", _TIME), _number(tags, "x", _TIME)
    if timestamp is not None and expiration is not None and expiration < timestamp:
        raise TagError("expiration time is before the signing time")
    identity, identity_domain = _identity(tags.get("i", ""), domain)
    return Signature(
        raw=raw,
        algorithm=algorithm,
        hash=hashed,
        value=value,
        text=text,
        body_hash=body_hash,
        domain=domain,
        selector=selector,
        identity=identity,
        identity_domain=identity_domain,
        header=header,
        body=body,
        names=_names(tags["h"]),
        length=_number(tags, "l", _LENGTH),
        timestamp=timestamp,
        expiration=expiration,
    )


def _canonicalizations(text: str) -> tuple[Canonicalization, Canonicalization]:
    header, slash, body = text.lower().partition("/")
    if not slash:
        body = "simple"  # RFC 6376 §3.5
    if _is_canonicalization(header) and _is_canonicalization(body):
        return header, body
    raise TagError("unknown canonicalization")


def _is_canonicalization(name: str) -> TypeGuard[Canonicalization]:
    return name in {"simple", "relaxed"}


def _names(text: str) -> tuple[bytes, ...]:
    names = split_list(text) if text else []
    if len(names) > MAX_NAMES:
        raise TagError("too many signed header fields")
    if not all(_FIELD_NAME.fullmatch(name) for name in names):
        raise TagError("invalid header field name")
    return tuple(name.lower().encode("ascii") for name in names)


def _number(tags: dict[str, str], name: str, form: re.Pattern[str]) -> int | None:
    if name not in tags:
        return None
    if not form.fullmatch(tags[name]):
        raise TagError(f"invalid number in tag {name}")
    return int(tags[name])


def _identity(text: str, domain: Domain) -> tuple[str, Domain]:
    """The decoded value of i= and its domain, which is d= or a subdomain of it."""
    if not text:
        return f"@{domain.ascii}", domain
    # dkim-quoted-printable encodes single octets, which together may be UTF-8 (RFC 6376 §2.11, RFC 8616 §5).
    octets = _QUOTED.sub(
        lambda match: chr(int(match[1], 16)), without_blanks(text).encode("utf-8", "surrogateescape").decode("latin-1")
    )
    local, at, name = octets.encode("latin-1").decode("utf-8", "replace").rpartition("@")
    if not at or len(local) > MAX_LOCALPART or not is_visible(local):  # it is written into headers and logs
        raise TagError("invalid address in tag i")
    below = parse_domain(name, "i")
    if not below.is_below(domain):
        raise TagError("identity isn't in the signing domain")
    return f"{local}@{below.ascii}", below
