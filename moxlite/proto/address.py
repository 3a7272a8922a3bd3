"""Mail addresses: localparts, domains, paths (RFC 5321 §4.1.2, RFC 6531 §3.3, RFC 5890).

This module has the value types that all packages use, their parsing and their packed form. A localpart is held decoded
(no quotes, no backslashes) and in NFC. A domain holds its A-label form, which is compared, and its U-label form, which
is displayed. Mailbox lists of message headers (RFC 5322) are parsed by `proto.mime`, which uses these types.
"""

import ipaddress
import re
from functools import lru_cache
from string import whitespace
from typing import Final, NewType, TypeAlias

import idna
import msgspec

from moxlite.normal import normalized

LOCALPART_LIMIT_PEDANTIC: Final = 64  # octets, RFC 5321 §4.5.3.1.1
LOCALPART_LIMIT: Final = 128  # octets: VERP and forwarding schemes exceed the RFC's limit of 64
DOMAIN_LIMIT: Final = 253  # characters: 255 octets in DNS wire form (RFC 5321 §4.5.3.1.2, RFC 1035 §2.3.4)
LABEL_LIMIT: Final = 63  # octets, RFC 1035 §2.3.4
PATH_LIMIT: Final = 256  # octets including punctuation, RFC 5321 §4.5.3.1.3

Localpart = NewType("Localpart", str)
IPAddress: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address

# RFC 5322 §3.2.3 atext and RFC 6531 §3.3 (any non-ASCII character besides), as a dot-atom.
# Sets with all of Unicode name what they lack: `re` takes 5 ms to compile one that names what it has.
_ATEXT = r"""[^\x00-\x20"(),.:;<>@\[\\\]\x7f-\x9f]"""
_DOT_ATOM: Final = re.compile(rf"{_ATEXT}+(?:\.{_ATEXT}+)*")
_LAX_DOT_ATOM: Final = re.compile(rf"(?:{_ATEXT}|\.)+")
# RFC 5321 §4.1.2 Quoted-string: qtextSMTP or quoted-pairSMTP, both without control characters.
_QUOTED: Final = re.compile(r'"((?:[^\x00-\x1f"\\\x7f-\x9f]|\\[ -~])*)"')
_QUOTED_PAIR: Final = re.compile(r"\\([ -~])")
_NEEDS_BACKSLASH: Final = re.compile(r'(["\\])')
CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
"""Characters that addresses can't have. Joiners and marks of direction belong to some scripts (RFC 6531 §3.3)."""
# RFC 5321 §4.1.2 Domain; underscores are not allowed there, but real senders have them in host names.
_LDH: Final = re.compile(r"(?i:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*)")
_LAX_LDH: Final = re.compile(r"(?i:[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?)*)")

MARKS: Final = "\u00a0\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069\ufeff"
"""The no-break space, blanks without width, and marks of direction (UAX #9 §2). Joiners are letters of some scripts."""
_MARK: Final = re.compile(f"[{MARKS}]")

_LOCAL: Final = frozenset(
    (
        *("localhost", "localdomain", "local", "internal", "home", "lan", "corp", "intranet", "private"),
        *("localhost4", "localhost6", "localdomain4", "localdomain6"),
    )
)
"""Top-level domains that exist on machines and inner networks alone (RFC 6761 §6.3, RFC 6762 §3, ICANN's reserved
``internal``, ``home`` and ``corp``), and names of loopback in /etc/hosts.
"""

_HOME: Final = ".home.arpa"
"""Names of home networks (RFC 8375)."""


class AddressError(ValueError):
    """The text is not a domain, localpart, address or path. The message is for people, in printable ASCII."""


class Domain(msgspec.Struct, frozen=True, order=True):
    """A domain name without final dot, in lower case. `ascii`: its A-labels; `unicode`: its U-labels.

    Create it with `parse`: two domains are then equal exactly if their A-labels are equal.
    """

    ascii: str
    unicode: str

    @classmethod
    def parse(cls, text: str, *, strict: bool = False) -> "Domain":
        """Parse a domain written in A-labels, U-labels or a mixture.

        `strict` refuses underscores (RFC 5321 §4.1.2). Raises AddressError.
        """
        return _parse_domain(text, strict)

    def pack(self, smtputf8: bool) -> str:
        """The U-label form for people and for peers with SMTPUTF8, else the A-label form."""
        return self.unicode if smtputf8 else self.ascii

    def is_below(self, parent: "Domain") -> bool:
        """Whether this domain is `parent` or a subdomain of it."""
        return self.ascii == parent.ascii or self.ascii.endswith("." + parent.ascii)

    @property
    def is_numeric(self) -> bool:
        """Whether the last label is a number, as in an IPv4 address; no top-level domain is one (RFC 3696 §2)."""
        return self.ascii.rpartition(".")[2].isdecimal()

    def __str__(self) -> str:
        """The U-label form."""
        return self.unicode


def is_local_name(name: str) -> bool:
    """Whether a host's name means something on this machine or in its network alone: ``localhost``, names below the
    top-level domains of inner networks, and single labels.
    """
    text = name.removesuffix(".").lower()
    rest, _, last = text.rpartition(".")
    return not rest or last in _LOCAL or f".{text}".endswith(_HOME)


@lru_cache(maxsize=4096)  # a server sees few domains often; IDNA checks cost 20 µs a label
def _parse_domain(text: str, strict: bool) -> Domain:
    if len(text) > DOMAIN_LIMIT:
        raise AddressError("domain too long")
    name = text.lower()
    if name.isascii():
        if not (_LDH if strict else _LAX_LDH).fullmatch(name):
            raise AddressError("bad domain syntax")
        if "xn--" not in name:
            if any(len(label) > LABEL_LIMIT for label in name.split(".")):
                raise AddressError("domain label too long")
            return Domain(name, name)
    try:
        # UTS 46 maps case, width and ideographic full stops as browsers do; then IDNA 2008 checks each label.
        labels = idna.uts46_remap(name, std3_rules=False, transitional=False).split(".")
        alabels = [label if _LAX_LDH.fullmatch(label) and "xn--" not in label else _alabel(label) for label in labels]
        ulabels = [idna.ulabel(label) if label.startswith("xn--") else label for label in alabels]
    except (idna.IDNAError, UnicodeError) as error:
        raise AddressError("bad internationalized domain") from error
    ascii_name = ".".join(alabels)
    if len(ascii_name) > DOMAIN_LIMIT:
        raise AddressError("domain too long")
    if any(len(label) > LABEL_LIMIT for label in alabels) or not (_LDH if strict else _LAX_LDH).fullmatch(ascii_name):
        raise AddressError("bad domain syntax")
    return Domain(ascii_name, ".".join(ulabels))


def _alabel(label: str) -> str:
    return idna.alabel(label).decode("ascii")


def parse_localpart(text: str, *, strict: bool = False) -> Localpart:
    """Decode the wire form of a localpart, a dot-atom or a quoted string (RFC 5321 §4.1.2).

    Unless `strict`, a dot-atom may have misplaced dots (`a..b`, `a.`), which some mobile carriers assigned. Raises
    AddressError.
    """
    if text.startswith('"'):
        match = _QUOTED.fullmatch(text)
        if not match:
            raise AddressError("bad quoted localpart")
        decoded = _QUOTED_PAIR.sub(r"\1", match[1])
    elif (_DOT_ATOM if strict else _LAX_DOT_ATOM).fullmatch(text):
        decoded = text
    else:
        raise AddressError("empty localpart" if not text else "bad localpart syntax")
    return check_localpart(decoded, strict=strict)


def check_localpart(decoded: str, *, strict: bool = False) -> Localpart:
    """Return a decoded localpart in NFC. Raises AddressError if it is too long or has control characters."""
    if not decoded.isascii():
        decoded = normalized("NFC", decoded)
        if CONTROL.search(decoded):
            raise AddressError("control character in localpart")
    elif not decoded.isprintable():
        raise AddressError("control character in localpart")
    if len(decoded) > 16 and len(decoded.encode()) > (LOCALPART_LIMIT_PEDANTIC if strict else LOCALPART_LIMIT):
        raise AddressError("localpart too long")
    return Localpart(decoded)


def pack_localpart(localpart: Localpart) -> str:
    """The wire form of a localpart: unchanged if it is a dot-atom, else a quoted string."""
    if _DOT_ATOM.fullmatch(localpart):
        return localpart
    return '"' + _NEEDS_BACKSLASH.sub(r"\\\1", localpart) + '"'


def parse_ip_literal(text: str, *, untagged_ipv6: bool = False) -> IPAddress:
    """Parse an address literal with its brackets: `[1.2.3.4]` or `[IPv6:…]` (RFC 5321 §4.1.3).

    `untagged_ipv6` also takes `[2001:db8::1]`. Tagged IPv4 and other tags raise AddressError, as does an IPv6 zone.
    """
    if not (text.startswith("[") and text.endswith("]")):
        raise AddressError("bad address literal")
    inner = text[1:-1]
    try:
        if inner[:5].lower() == "ipv6:":
            if "%" not in inner:
                return ipaddress.IPv6Address(inner[5:])
        elif ":" not in inner:
            return ipaddress.IPv4Address(inner)
        elif untagged_ipv6 and "%" not in inner:
            return ipaddress.IPv6Address(inner)
    except ValueError as error:
        raise AddressError("bad address literal") from error
    raise AddressError("bad address literal")


def pack_ip_literal(ip: IPAddress) -> str:
    """The literal with its tag: `[192.0.2.1]`, `[IPv6:2001:db8::1]`."""
    return f"[{ip}]" if ip.version == 4 else f"[IPv6:{ip}]"


class Address(msgspec.Struct, frozen=True, order=True):
    """A mailbox address: localpart and domain."""

    localpart: Localpart
    domain: Domain

    @classmethod
    def parse(cls, text: str, *, strict: bool = False) -> "Address":
        """The address in `localpart@domain`, localpart possibly quoted. Raises AddressError."""
        # Before any parser sees the text. Each octet of a localpart may have a backslash, hence more than a path.
        if len(text) > PATH_LIMIT + LOCALPART_LIMIT:
            raise AddressError("address too long")
        local, at, domain = text.rpartition("@")
        if not at:
            raise AddressError("missing @ in address")
        return cls(parse_localpart(local, strict=strict), Domain.parse(domain, strict=strict))

    @classmethod
    def of(cls, localpart: str, domain: str) -> "Address":
        """The address of a decoded localpart, as a header or a calendar has it, at a domain in any spelling. Raises
        AddressError for what isn't a domain.
        """
        return cls(Localpart(normalized("NFC", localpart)), Domain.parse(domain))

    def pack(self, smtputf8: bool) -> str:
        """The wire form; with `smtputf8` the domain in U-labels. A non-ASCII localpart is unchanged."""
        return f"{pack_localpart(self.localpart)}@{self.domain.pack(smtputf8)}"

    @property
    def key(self) -> "AddressKey":
        """The key that all spellings of this address share."""
        return AddressKey.of(self.localpart, self.domain.ascii)

    @property
    def needs_smtputf8(self) -> bool:
        """Whether the localpart cannot be sent without SMTPUTF8 (RFC 6531 §3.2); a domain always can."""
        return not self.localpart.isascii()

    def __str__(self) -> str:
        """The form for people, U-labels."""
        return self.pack(True)


def unmarked(text: str) -> str:
    """An address or user name as a person typed or pasted it, without blanks and invisible marks at its ends: one of
    direction comes with each copied Arabic or Hebrew address. Raises AddressError for one that is inside.
    """
    bare = text.strip(f"{whitespace}{MARKS}")
    if _MARK.search(bare):
        raise AddressError("an invisible character is in the address")
    return bare


class AddressKey(msgspec.Struct, frozen=True, order=True):
    """The key that all spellings of an address share: two texts are one address exactly if their keys are equal.

    A key equals keys alone, so that `mypy --strict` refuses a comparison with text, of which there are several for each
    address with an internationalized domain. `localpart` is in NFC and lower case, `domain` in A-labels.
    """

    localpart: str
    domain: str

    @classmethod
    def of(cls, localpart: str, domain: str) -> "AddressKey":
        """The key of a decoded localpart at a domain in any spelling. What is no domain is in lower case."""
        folded = localpart.lower()
        if not folded.isascii():
            folded = normalized("NFC", folded)
        if domain.isascii():  # in A-labels, as structures of messages have it
            return cls(folded, domain.lower())
        try:
            return cls(folded, Domain.parse(domain).ascii)
        except AddressError:
            return cls(folded, domain.lower())

    @classmethod
    def parse(cls, text: str) -> "AddressKey":
        """The key of an address as a person, a script or a configuration writes it."""
        localpart, _, domain = text.strip().rpartition("@")
        return cls.of(localpart, domain)

    def __str__(self) -> str:
        """The address in `one_spelling`, for keys that are stored as text."""
        return f"{self.localpart}@{unicode_domain(self.domain)}"


def one_spelling(text: str) -> str:
    """An address as texts of it are kept and compared: in NFC and lower case, its domain in U-labels. Texts that are no
    addresses are in lower case.
    """
    folded = text.lower()
    if folded.isascii() and "xn--" not in folded:
        return folded
    localpart, at, domain = normalized("NFC", folded).rpartition("@")
    return f"{localpart}{at}{unicode_domain(domain)}"


def unicode_domain(text: str) -> str:
    """A domain in U-labels, as people see it; a text that isn't a domain in lower case."""
    try:
        return Domain.parse(text).unicode
    except AddressError:
        return text.lower()


def spellings(localpart: str, domain: str) -> tuple[str, ...]:
    """The texts of a header's address that people may look for: with its domain in A-labels, as structures have it, and
    in U-labels.
    """
    written = f"{localpart}@{domain}"
    if "xn--" not in domain:
        return (written,)
    return written, f"{localpart}@{unicode_domain(domain)}"


class Path(msgspec.Struct, frozen=True):
    """The path between `<` and `>` in MAIL and RCPT (RFC 5321 §4.1.1.2, §4.1.1.3).

    `host` is None for the null path (empty localpart) and for `<Postmaster>`.
    """

    localpart: Localpart
    host: Domain | IPAddress | None

    @classmethod
    def of(cls, address: Address) -> "Path":
        """The path of an address."""
        return cls(address.localpart, address.domain)

    @classmethod
    def parse(cls, text: str, *, strict: bool = False) -> "Path":
        """The path in `text` without its angle brackets; empty text is the null path. Raises AddressError.

        A source route (`@one,@two:user@host`, RFC 5321 §4.1.2 A-d-l) is checked for syntax and dropped.
        """
        if not text:
            return NULL_PATH
        if text.startswith("@"):
            route, colon, text = text.partition(":")
            if not colon:
                raise AddressError("bad source route")
            for hop in route.split(","):
                if not hop.startswith("@"):
                    raise AddressError("bad source route")
                Domain.parse(hop[1:], strict=strict)
        if (not text.isascii() and len(text.encode()) > PATH_LIMIT - 2) or len(text) > PATH_LIMIT - 2:
            raise AddressError("path too long")
        local, at, host = text.rpartition("@")
        if not at:
            raise AddressError("missing @ in path")
        localpart = parse_localpart(local, strict=strict)
        if host.startswith("["):
            return cls(localpart, parse_ip_literal(host, untagged_ipv6=not strict))
        return cls(localpart, Domain.parse(host, strict=strict))

    @property
    def is_null(self) -> bool:
        """Whether this is the null reverse path `<>`."""
        return not self.localpart and self.host is None

    @property
    def address(self) -> Address | None:
        """The address, if the host is a domain."""
        return Address(self.localpart, self.host) if isinstance(self.host, Domain) else None

    @property
    def needs_smtputf8(self) -> bool:
        """Whether the localpart cannot be sent without SMTPUTF8."""
        return not self.localpart.isascii()

    def pack(self, smtputf8: bool) -> str:
        """The wire form without angle brackets; empty for the null path."""
        if self.is_null:
            return ""
        local = pack_localpart(self.localpart)
        if self.host is None:
            return local
        if isinstance(self.host, Domain):
            return f"{local}@{self.host.pack(smtputf8)}"
        return f"{local}@{pack_ip_literal(self.host)}"

    def __str__(self) -> str:
        """The form for people, U-labels; empty for the null path."""
        return self.pack(True)


NULL_PATH: Final = Path(Localpart(""), None)
