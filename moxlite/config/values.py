"""The kinds of values in the configuration files: durations, sizes, addresses, networks, paths, patterns.

Each kind says how a TOML value is read (a wrong one raises ``ValueError`` with words for the user) and how the value is
shown again. The structs of `static` and `domains` name the kind of a field in its annotation, together with the
field's documentation (`doc`), so that reader, reference manual and error texts have one source (ADMIN-7).
"""

import re
import unicodedata
from collections.abc import Callable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from pathlib import Path as FilePath
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

import msgspec

from moxlite.normal import normalized
from moxlite.patterns import searching
from moxlite.proto.address import Address as MailAddress, AddressError, Domain as DomainName
from moxlite.proto.sshurl import SCHEME, SCHEMES, SSHURL, ObjectURL, parse_object_url, parse_ssh_url
from moxlite.wording import worded

IPAddress = IPv4Address | IPv6Address
IPNetwork = IPv4Network | IPv6Network


class Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One table of a configuration file; its docstring is the heading text of the reference."""


class Doc(msgspec.Struct, frozen=True):
    """Documentation of a field, for people, as part of its annotation. The value of a `secret` field is not shown.
    `owner`: the name of a setting of an account in the account app, where its user changes it; "" if only the
    administrator does.
    """

    text: str
    secret: bool = False
    owner: str = ""


def doc(text: str, *, secret: bool = False, owner: str = "") -> Doc:
    """The documentation of a field: what it does, in one or two sentences without the default. Else as `Doc`."""
    return Doc(text, secret, owner)


class Kind(msgspec.Struct, frozen=True):
    """How the values of one kind are read and shown.

    Args:
      name: word for the reference and for errors, such as ``duration``.
      read: from the TOML value and the directory that relative paths start at; raises ``ValueError`` with a text that
        goes behind the key.
      show: from the value to the form in the file.
      blank: whether an empty text is a value of its own; otherwise an optional key is set, or isn't there.
    """

    name: str
    read: Callable[[object, FilePath], Any]
    show: Callable[[Any], object]
    blank: bool = False


UNITS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
DURATION: Final = re.compile(r"(?:[0-9]+(?:\.[0-9]+)?(?:ms|[smhd]))+")
DURATION_PART: Final = re.compile(r"(?<![0-9.])([0-9]++(?:\.[0-9]++)?)(ms|[smhd])")
LONGEST_DURATION: Final = 100 * 366 * 86400.0
"""Maximum seconds of a duration: a century. A longer one is a typing error, and sums of durations cannot overflow."""

AUTO: Final = 0.0
"""Value of a duration that the program determines itself."""

SIZE: Final = re.compile(r"(-?[0-9]+)([kmgt]?)", re.IGNORECASE)
SCALE: Final = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}
LARGEST_SIZE: Final = 1 << 50
"""Maximum octets of a size: a pebibyte. SQLite has integers of 63 bits."""


def parse_duration(text: str) -> float:
    """Seconds of ``"1h30m"``, ``"15s"``, ``"7d"``.

    Raises:
      ValueError: not a duration, or longer than a century.
    """
    if not DURATION.fullmatch(text):
        raise ValueError('isn\'t a valid duration. For example, use "15s", "1h30m", or "7d"')
    seconds = sum(float(number) * UNITS[unit] for number, unit in DURATION_PART.findall(text))
    if seconds > LONGEST_DURATION:
        raise ValueError("must be 100 years or less")
    return seconds


def format_duration(seconds: float) -> str:
    """The shortest text that `parse_duration` reads back to `seconds` (in milliseconds)."""
    rest = round(seconds * 1000)
    if rest == 0:
        return "0s"
    parts = []
    for unit, size in (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)):
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts)


def parse_size(value: object) -> int:
    """Octets of ``104857600``, ``"100m"``, ``"2G"`` (1024-based).

    Raises:
      ValueError: not a size, or too large to be meant.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        size = value
    elif isinstance(value, str) and (match := SIZE.fullmatch(value)):
        size = int(match[1]) * SCALE[match[2].lower()]
    else:
        raise ValueError('isn\'t a valid size. Use bytes, or a value like "500k", "100m", or "2g"')
    if abs(size) > LARGEST_SIZE:
        raise ValueError("must be 1 PiB or less")
    return size


def format_size(size: int) -> int | str:
    """The form for the file: a text with a unit if that is exact, else octets."""
    for unit in ("t", "g", "m", "k"):
        if size and size % SCALE[unit] == 0:
            return f"{size // SCALE[unit]}{unit}"
    return size


def text_of(value: object, what: str) -> str:
    """The text itself. Raises ValueError if `value` is not a text, or has control characters, which are never
    intended.
    """
    if not isinstance(value, str):
        raise ValueError(f"must be {what} in quotes, not {toml_type(value)}")
    # They would end lines of logs and fields of headers, in which such texts appear.
    if any(unicodedata.category(c) == "Cc" for c in value):
        raise ValueError("contains control characters")
    return value


def toml_type(value: object) -> str:
    """The TOML name of a value's type, for error texts."""
    if isinstance(value, bool):
        return "a boolean"
    names: dict[type, str] = {int: "an integer", float: "a float", str: "a text", list: "an array", dict: "a table"}
    return names.get(type(value), "a date or time")


def read_duration(value: object, _: FilePath) -> float:
    return parse_duration(text_of(value, 'a duration like "15s"'))


def read_renewal(value: object, base: FilePath) -> float:
    if value == "auto":
        return AUTO
    seconds = read_duration(value, base)
    if seconds == AUTO:
        raise ValueError('must be "auto" or a duration like "20d"')
    return seconds


def read_size(value: object, _: FilePath) -> int:
    return parse_size(value)


def read_path(value: object, base: FilePath) -> FilePath:
    text = text_of(value, "a path")
    if not text:
        raise ValueError("can't be empty")
    if text.startswith("~"):
        raise ValueError("must be a full path: only a shell knows what ~ means")
    return base / text


def read_target(value: object, base: FilePath) -> FilePath | SSHURL | ObjectURL:
    text = text_of(value, "a path or URL")
    if text.startswith(SCHEMES):
        return parse_object_url(text)
    return parse_ssh_url(text) if text.startswith(SCHEME) else read_path(text, base)


def read_port(value: object, _: FilePath) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= 65535:
        raise ValueError("must be a port number between 1 and 65535")
    return value


def read_domain(value: object, _: FilePath) -> DomainName:
    text = text_of(value, "a domain")
    try:
        domain = DomainName.parse(text)
    except AddressError as error:
        raise ValueError(worded("isn't a valid domain: {reason}", reason=error)) from None
    if domain.unicode != text:
        raise ValueError(worded('must be lowercase Unicode; use "{domain}"', domain=domain.unicode))
    return domain


def read_subdomain_pattern(value: object, base: FilePath) -> str:
    text = text_of(value, "a domain")
    read_domain(text.removeprefix("."), base)
    return text


def read_address(value: object, _: FilePath) -> MailAddress:
    text = text_of(value, "a mail address")
    try:
        address = MailAddress.parse(text)
    except AddressError as error:
        raise ValueError(worded("isn't a valid email address: {reason}", reason=error)) from None
    if address.pack(True) != text:
        raise ValueError(worded('must be in canonical form; use "{address}"', address=address.pack(True)))
    return address


def read_localpart(value: object, base: FilePath) -> str:
    text = text_of(value, "the part of an address before the @")
    try:
        read_address(f"{text}@localpart.example", base)
    except ValueError:
        raise ValueError("isn't a valid localpart, the part of an address before the @") from None
    return str(MailAddress.parse(f"{text}@localpart.example").localpart)


def read_ip(value: object, _: FilePath) -> IPAddress:
    text = text_of(value, "an IP address")
    try:
        return ip_address(text)
    except ValueError:
        raise ValueError("isn't a valid IP address") from None


def read_host(value: object, base: FilePath) -> str:
    text = text_of(value, "a host name or an IP address")
    try:
        return str(ip_address(text))
    except ValueError:
        return read_domain(text, base).unicode


def read_network(value: object, _: FilePath) -> IPNetwork:
    text = text_of(value, "an IP network")
    try:
        return ip_network(text)
    except ValueError as error:
        hint = f", here {ip_network(text, strict=False)}" if "host bits" in str(error) else ""
        raise ValueError(worded("isn't a valid IP network. Use a format like 192.0.2.0/24{hint}", hint=hint)) from None


NamedSender = MailAddress | DomainName | IPv4Network | IPv6Network
"""A sender in a list: an address, a domain with its subdomains, or a network of clients."""


def read_sender(value: object, base: FilePath) -> NamedSender:
    text = text_of(value, "a sender")
    if "@" in text:
        return read_address(value, base)
    try:
        ip_network(text, strict=False)
    except ValueError:
        return read_domain(value, base)
    return read_network(value, base)


def _show_sender(value: NamedSender) -> str:
    if isinstance(value, MailAddress):
        return value.pack(True)
    return value.unicode if isinstance(value, DomainName) else str(value)


def read_url(value: object, _: FilePath) -> str:
    text = text_of(value, "a URL")
    try:
        parts = urlsplit(text)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    if not good:
        raise ValueError("must be an http or https URL")
    return text


def read_backend(value: object, base: FilePath) -> str:
    text = text_of(value, "a URL")
    if not text.startswith("unix:"):
        return read_url(value, base)
    place, _, path = text.removeprefix("unix:").partition(":")
    if not place.startswith("/") or (path and not path.startswith("/")) or not text.isprintable():
        raise ValueError("must be unix:/path/to/socket or unix:/path/to/socket:/path")
    return text


def read_base_url(value: object, base: FilePath) -> str:
    text = text_of(value, "a URL")
    try:
        read_url(f"http:{text}" if text.startswith("//") else text, base)
    except ValueError:
        raise ValueError("must be an http or https URL, or // followed by a host") from None
    parts = urlsplit(text)
    if parts.path:
        raise ValueError("can't have a path; the request's path is used, or replace_path if set")
    if "@" in parts.netloc or not text.isascii():
        raise ValueError("must be ASCII, without a user name or password")
    return text


def read_url_path(value: object, _: FilePath) -> str:
    text = text_of(value, "a URL path")
    if not (text.startswith("/") and text.endswith("/")) or "//" in text or "?" in text or "#" in text:
        raise ValueError("must start and end with a single slash")
    return text


def read_origin(value: object, _: FilePath) -> str:
    text = text_of(value, "an origin")
    if not ORIGIN.fullmatch(text):
        raise ValueError('must be a scheme and host, like "https://webmail.example.net"')
    return text


ORIGIN: Final = re.compile(r"https?://(?:[a-z0-9.-]{1,253}|\[[0-9a-f:]{2,45}\])(?::[0-9]{1,5})?")
"""An origin as browsers write it (RFC 6454 §6.2)."""


def read_regexp(value: object, _: FilePath) -> str:
    if not isinstance(value, str):
        raise ValueError(f"must be a regular expression in quotes, not {toml_type(value)}")
    if fault := searching.fault(value):
        raise ValueError(worded("isn't a valid regular expression: {text}", text=fault))
    return value


def read_path_regexp(value: object, _: FilePath) -> str:
    if not isinstance(value, str):
        raise ValueError(f"must be a regular expression in quotes, not {toml_type(value)}")
    if fault := searching.path_fault(value):
        raise ValueError(fault)
    return value


def read_mailbox(value: object, _: FilePath) -> str:
    text = text_of(value, "a mailbox name")
    normal = normalized("NFC", text)
    if normal != text:
        raise ValueError(worded('must be in Unicode normalization form NFC; use "{normal}"', normal=normal))
    if not text or text.startswith("/") or text.endswith("/") or "//" in text or len(text.encode()) > LONGEST_MAILBOX:
        raise ValueError("isn't a valid mailbox name")
    if text.casefold() == "inbox":
        return "Inbox"
    return text


LONGEST_MAILBOX: Final = 1000
"""Maximum octets of a mailbox name (STORE-12)."""


KEYWORD: Final = re.compile(r"[!#$&'+,\-./0-9:;<=>?@^_`a-z|}~\[]{1,128}")
"""Keywords of messages in the form in which the store compares them (STORE-22)."""


def read_keyword(value: object, _: FilePath) -> str:
    text = text_of(value, "a keyword")
    if not KEYWORD.fullmatch(text):
        raise ValueError('must be a label keyword in lowercase, like "to_do"')
    return text


def read_separator(value: object, _: FilePath) -> str:
    text = text_of(value, "a separator")
    if len(text) != 1 or text in '@"\\. ' or text.isalnum():
        raise ValueError('must be a single punctuation character, like "+" or "-"')
    return text


def read_ascii(value: object, _: FilePath) -> str:
    text = text_of(value, "a text")
    if not text.isascii() or len(text) > LONGEST_REPLY:
        raise ValueError(worded("must be ASCII and {most} characters or fewer", most=LONGEST_REPLY))
    return text


LONGEST_REPLY: Final = 255
"""Maximum characters of a reply text: a reply line holds 512 octets with code and enhanced code (RFC 5321
§4.5.3.1.5).
"""

Duration = Annotated[float, Kind("duration", read_duration, format_duration)]
"""Seconds; in the file a text such as ``"15s"``."""
RenewBefore = Annotated[
    float, Kind("duration or auto", read_renewal, lambda value: "auto" if value == AUTO else format_duration(value))
]
"""Seconds, or `AUTO`."""
Size = Annotated[int, Kind("size", read_size, format_size)]
"""Octets; in the file an integer or a text such as ``"100m"``."""
Path = Annotated[FilePath, Kind("path", read_path, str)]
"""Absolute, or relative to the working directory. A relative path in the file starts at the file's directory
(ADMIN-4).
"""
Target = Annotated[FilePath | SSHURL | ObjectURL, Kind("path or URL", read_target, str)]
"""A folder of this machine or of another one."""
Port = Annotated[int, Kind("port", read_port, int)]
Domain = Annotated[DomainName, Kind("domain", read_domain, lambda domain: domain.unicode)]
SubdomainPattern = Annotated[str, Kind("domain or .domain", read_subdomain_pattern, str)]
Address = Annotated[MailAddress, Kind("address", read_address, lambda address: address.pack(True))]
Localpart = Annotated[str, Kind("localpart", read_localpart, str)]
IP = Annotated[IPv4Address | IPv6Address, Kind("ip", read_ip, str)]
Host = Annotated[str, Kind("host or ip", read_host, str)]
Network = Annotated[IPv4Network | IPv6Network, Kind("network", read_network, str)]
Sender = Annotated[NamedSender, Kind("address, domain, or network", read_sender, _show_sender)]
URL = Annotated[str, Kind("url", read_url, str)]
BackendURL = Annotated[str, Kind("backend url", read_backend, str)]
BaseURL = Annotated[str, Kind("base url", read_base_url, str)]
"""Scheme (or empty, to keep the request's scheme), host, perhaps query and fragment; no path."""
URLPath = Annotated[str, Kind("url path", read_url_path, str)]
Origin = Annotated[str, Kind("origin", read_origin, str)]
Regexp = Annotated[str, Kind("regular expression", read_regexp, str)]
PathRegexp = Annotated[str, Kind("regular expression", read_path_regexp, str, blank=True)]
MailboxName = Annotated[str, Kind("mailbox", read_mailbox, str)]
Keyword = Annotated[str, Kind("keyword", read_keyword, str)]
Separator = Annotated[str, Kind("separator", read_separator, str)]
AsciiText = Annotated[str, Kind("ASCII text", read_ascii, str)]
