"""SMTP commands (RFC 5321 §4.1.1 and extensions): one frozen struct each, and the parsers of their
parameters and of a command line.
"""

import base64
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar, Final, TypeAlias

import msgspec

from moxlite.proto.address import (
    CONTROL,
    AddressError,
    Domain,
    IPAddress,
    Localpart,
    Path,
    pack_ip_literal,
    parse_ip_literal,
)
from moxlite.proto.smtp.errors import CommandError
from moxlite.proto.smtp.replies import Response, printable

# Parsers of the parameters of MAIL and RCPT (RFC 5321 §4.1.2 esmtp-param) of all supported extensions.
#
# SIZE RFC 1870, BODY RFC 6152 and 3030, SMTPUTF8 RFC 6531, AUTH RFC 4954, REQUIRETLS RFC 8689, DSN RFC 3461,
# FUTURERELEASE RFC 4865, MT-PRIORITY RFC 6710, DELIVERBY RFC 2852. The caller passes the announced extensions.


ENVID_LIMIT: Final = 100  # characters, RFC 3461 §4.4
ORCPT_LIMIT: Final = 500  # characters, RFC 3461 §4.2
DELIVER_BY_MINIMUM: Final = 60  # seconds for mode R: a queue cannot guarantee less (SMTP-157)

_PARAMETER: Final = re.compile(r"([A-Za-z0-9][A-Za-z0-9-]*)(?:=([^\x00-\x20=\x7f-\x9f]+))?")
_XTEXT: Final = re.compile(r"(?:[!-*,-<>-~]|\+[0-9A-F]{2})*")  # RFC 3461 §4
_HEX: Final = re.compile(r"\+([0-9A-F]{2})")
_NOT_XCHAR: Final = re.compile(r"[^!-*,-<>-~]")
_UNITEXT: Final = re.compile(r"\\x\{([0-9A-Fa-f]{2,6})\}")  # RFC 6533 §3
_ORCPT: Final = re.compile(r"([A-Za-z0-9-]+);(.+)")
_HOLDUNTIL: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?Z")
_BY: Final = re.compile(r"([+-]?[0-9]{1,9});([NRnr])([Tt]?)")


class Hold(msgspec.Struct, frozen=True):
    """Earliest time of sending: in `seconds`, or at `until`. `text`: the parameter as given, for DSNs."""

    text: str
    seconds: int = 0
    until: datetime | None = None


class DeliverBy(msgspec.Struct, frozen=True):
    """Deadline of delivery: after `seconds` return the message (mode `R`) or notify the sender (`N`). `trace`: report
    each relay.
    """

    seconds: int
    mode: str
    trace: bool

    def __str__(self) -> str:
        """The by-value, for the next hop."""
        return f"{self.seconds};{self.mode}{'T' if self.trace else ''}"


def encode_xtext(text: str) -> str:
    """Encode text as xtext (RFC 3461 §4); each octet of UTF-8 that is not an xchar becomes `+HH`."""
    return _NOT_XCHAR.sub(lambda match: "".join(f"+{octet:02X}" for octet in match[0].encode()), text)


def decode_xtext(text: str) -> str:
    """Decode an xtext (RFC 3461 §4). Raises ValueError if it is malformed or not UTF-8."""
    if not _XTEXT.fullmatch(text):
        raise ValueError("bad xtext")
    if "+" not in text:
        return text
    out = bytearray()
    position = 0
    for match in _HEX.finditer(text):
        out += text[position : match.start()].encode()
        out.append(int(match[1], 16))
        position = match.end()
    out += text[position:].encode()
    return out.decode()


Value: TypeAlias = Any  # value for the field of the same name in MailFrom or RcptTo, which has its type
Fields: TypeAlias = dict[str, Value]


def _bad(what: str) -> CommandError:
    return CommandError(Response(501, "5.5.4", (f"invalid value for parameter {what}",)))


def _size(value: str) -> Fields:
    if not value.isascii() or not value.isdigit() or len(value) > 20:  # RFC 1870 §4: 1*20DIGIT
        raise _bad("SIZE")
    return {"size": int(value)}


def _body(value: str) -> Fields:
    if value.upper() not in {"7BIT", "8BITMIME"}:
        raise CommandError(Response(555, "5.5.4", ("unsupported value for parameter BODY",)))
    return {"body": value.upper()}


def _auth_parameter(value: str) -> Fields:
    if value != "<>" and not _XTEXT.fullmatch(value):
        raise _bad("AUTH")
    return {}  # RFC 4954 §5 allows to ignore the identity that a relay has authenticated


def _ret(value: str) -> Fields:
    if value.upper() not in {"FULL", "HDRS"}:
        raise _bad("RET")
    return {"ret": value.upper()}


def _envid(value: str) -> Fields:
    if len(value) > ENVID_LIMIT:
        raise _bad("ENVID")
    try:
        text = decode_xtext(value)
    except ValueError as error:
        raise _bad("ENVID") from error
    if not text.isascii() or not text.isprintable():  # RFC 3461 §4.4: it is printed in DSNs
        raise _bad("ENVID")
    return {"envid": text}


def _holdfor(value: str) -> Fields:
    if not value.isascii() or not value.isdigit() or len(value) > 9 or int(value) == 0:
        raise _bad("HOLDFOR")
    return {"hold": Hold(f"HOLDFOR={value}", seconds=int(value))}


def _holduntil(value: str) -> Fields:
    if not _HOLDUNTIL.fullmatch(value):
        raise _bad("HOLDUNTIL")
    try:
        until = datetime.fromisoformat(value.removesuffix("Z")).replace(tzinfo=UTC)
    except ValueError as error:
        raise _bad("HOLDUNTIL") from error
    return {"hold": Hold(f"HOLDUNTIL={value}", until=until)}


def _priority(value: str) -> Fields:
    if not re.fullmatch(r"-?[0-9]", value):
        raise _bad("MT-PRIORITY")
    return {"priority": int(value)}


def _by(value: str) -> Fields:
    match = _BY.fullmatch(value)
    if not match or (match[2].upper() == "R" and int(match[1]) < DELIVER_BY_MINIMUM):
        raise _bad("BY")
    return {"deliver_by": DeliverBy(int(match[1]), match[2].upper(), bool(match[3]))}


def _notify(value: str) -> Fields:
    words = tuple(word.upper() for word in value.split(","))
    if words != ("NEVER",) and (len(set(words)) != len(words) or not set(words) <= {"SUCCESS", "FAILURE", "DELAY"}):
        raise _bad("NOTIFY")
    return {"notify": words}


def _orcpt(value: str) -> Fields:
    match = _ORCPT.fullmatch(value)
    if len(value) > ORCPT_LIMIT or not match:
        raise _bad("ORCPT")
    try:
        if match[1].lower() == "utf-8":  # RFC 6533 §3: utf-8-addr-unitext or utf-8-addr-xtext with \x{…}
            # Neither has a "+", so that of an ASCII text is RFC 3461's: some clients encode the address once more.
            text = decode_xtext(match[2]) if match[2].isascii() else match[2]
            address = _UNITEXT.sub(lambda found: chr(int(found[1], 16)), text)
            address.encode()
        else:
            address = decode_xtext(match[2])
    except (ValueError, OverflowError) as error:
        raise _bad("ORCPT") from error
    if not address or CONTROL.search(address):
        raise _bad("ORCPT")
    return {"orcpt": f"{match[1].lower()};{address}"}


class _Kind(msgspec.Struct, frozen=True):
    """A parameter: the EHLO keyword that announces it, and its value's parser, or None if it has no value."""

    extension: str
    parse: Callable[[str], Fields] | None
    flag: str = ""


_MAIL: Final[Mapping[str, _Kind]] = {
    "SIZE": _Kind("SIZE", _size),
    "BODY": _Kind("8BITMIME", _body),
    "SMTPUTF8": _Kind("SMTPUTF8", None, "smtputf8"),
    "REQUIRETLS": _Kind("REQUIRETLS", None, "requiretls"),
    "AUTH": _Kind("", _auth_parameter),  # accepted after any EHLO: relays add it even if it was not announced
    "RET": _Kind("DSN", _ret),
    "ENVID": _Kind("DSN", _envid),
    "HOLDFOR": _Kind("FUTURERELEASE", _holdfor),
    "HOLDUNTIL": _Kind("FUTURERELEASE", _holduntil),
    "MT-PRIORITY": _Kind("MT-PRIORITY", _priority),
    "BY": _Kind("DELIVERBY", _by),
}
_RCPT: Final[Mapping[str, _Kind]] = {"NOTIFY": _Kind("DSN", _notify), "ORCPT": _Kind("DSN", _orcpt)}


def parse_mail_parameters(text: str, offers: frozenset[str]) -> Fields:
    """Parse the parameters of MAIL into fields of MailFrom. `offers`: announced EHLO keywords. Raises CommandError."""
    return _parse(text, offers, _MAIL)


def parse_rcpt_parameters(text: str, offers: frozenset[str]) -> Fields:
    """Parse the parameters of RCPT into fields of RcptTo. Raises CommandError."""
    return _parse(text, offers, _RCPT)


def _parse(text: str, offers: frozenset[str], kinds: Mapping[str, _Kind]) -> Fields:
    fields: Fields = {}
    seen: set[str] = set()
    for word in text.split(" "):
        if not word:
            continue
        match = _PARAMETER.fullmatch(word)
        if not match:
            raise CommandError(Response(501, "5.5.2", ("bad parameter syntax",)))
        name = match[1].upper()
        kind = kinds.get(name)
        # Refused, not passed over (RFC 5321 §4.1.1.11): a client that asks for REQUIRETLS or a delay without having
        # been offered it must not believe that it was granted.
        if kind is None or not offers or (kind.extension and kind.extension not in offers):
            raise CommandError(Response(555, "5.5.4", (f"unsupported parameter {name[:40]}",)))
        if name in seen:
            raise CommandError(Response(501, "5.5.4", (f"duplicate parameter {name}",)))
        seen.add(name)
        if (kind.parse is None) != (match[2] is None):
            raise _bad(name)
        fields.update({kind.flag: True} if kind.parse is None else kind.parse(match[2]))
    if {"HOLDFOR", "HOLDUNTIL"} <= seen:
        raise CommandError(Response(501, "5.5.4", ("both HOLDFOR and HOLDUNTIL",)))
    return fields


# Text of a mailbox between < and >: no space nor angle bracket outside of a quoted string (RFC 5321 §4.1.2).
_PATH: Final = re.compile(r'( *)<((?:[^<>"\\ ]|"(?:[^"\\]|\\.)*")*)>(.*)')
_BARE_PATH: Final = re.compile(r'( *)([^<>"\\ ]+)( .*|)')
_BDAT: Final = re.compile(r"([0-9]{1,19})( +LAST)?", re.IGNORECASE)
_MECHANISM: Final = re.compile(r"([A-Za-z0-9_-]{1,20})(?: +([^ ]*))?")
_QUOTED: Final = re.compile(r'"(?>(?:[^"\\]|\\.)*)"?')


class Grammar(msgspec.Struct, frozen=True):
    """Options of the parser, by port, configuration and state of the session."""

    submission: bool = False
    pedantic: bool = False
    tolerate_space: bool = False  # between the colon and the path (SMTP-66)
    offers: frozenset[str] = frozenset()  # keywords announced in the answer to EHLO
    smtputf8: bool = False  # the transaction has SMTPUTF8

    @property
    def forgiving(self) -> bool:
        """Whether the client is a user's program, which may write what the RFC doesn't have (SMTP-13a)."""
        return self.submission and not self.pedantic


class Command(msgspec.Struct, frozen=True):
    """A command of the client."""

    verb: ClassVar[str] = ""


class _Hello(Command, frozen=True):
    """Base class of EHLO and HELO. `host`: None if a submission client sent an invalid one. `text`: the argument as
    sent, in printable ASCII.
    """

    host: Domain | IPAddress | None
    text: str

    @property
    def name(self) -> str:
        """For trace fields: the host in A-labels or as literal, else the text."""
        if isinstance(self.host, Domain):
            return self.host.ascii
        return pack_ip_literal(self.host) if self.host is not None else self.text


class Ehlo(_Hello, frozen=True):
    """``EHLO host`` — RFC 5321 §4.1.1.1."""

    verb: ClassVar[str] = "EHLO"


class Helo(_Hello, frozen=True):
    """``HELO host`` — RFC 5321 §4.1.1.1."""

    verb: ClassVar[str] = "HELO"


class MailFrom(Command, frozen=True):
    """``MAIL FROM:<path> [parameters]`` — RFC 5321 §4.1.1.2.

    `size` in octets, None if not given. `body` is 7BIT, 8BITMIME or empty. `lax`: a space was before the path.
    """

    verb: ClassVar[str] = "MAIL"
    path: Path
    lax: bool = False
    size: int | None = None
    body: str = ""
    smtputf8: bool = False
    requiretls: bool = False
    ret: str = ""
    envid: str = ""
    hold: Hold | None = None
    priority: int | None = None
    deliver_by: DeliverBy | None = None


class RcptTo(Command, frozen=True):
    """``RCPT TO:<path> [parameters]`` — RFC 5321 §4.1.1.3. `orcpt`: `type;address`, decoded."""

    verb: ClassVar[str] = "RCPT"
    path: Path
    lax: bool = False
    notify: tuple[str, ...] = ()
    orcpt: str = ""


class Data(Command, frozen=True):
    """``DATA`` — RFC 5321 §4.1.1.4."""

    verb: ClassVar[str] = "DATA"


class Bdat(Command, frozen=True):
    """``BDAT octets [LAST]`` — RFC 3030 §2."""

    verb: ClassVar[str] = "BDAT"
    size: int
    last: bool


class StartTLS(Command, frozen=True):
    """``STARTTLS`` — RFC 3207 §4."""

    verb: ClassVar[str] = "STARTTLS"


class Auth(Command, frozen=True):
    """``AUTH mechanism [initial-response]`` — RFC 4954 §4. `initial`: None if absent, b"" for `=`."""

    verb: ClassVar[str] = "AUTH"
    mechanism: str
    initial: bytes | None

    def __repr__(self) -> str:
        """Without the response, which may hold a password."""
        return f"Auth(mechanism={self.mechanism!r})"


class Rset(Command, frozen=True):
    """``RSET`` — RFC 5321 §4.1.1.5."""

    verb: ClassVar[str] = "RSET"


class Noop(Command, frozen=True):
    """``NOOP [text]`` — RFC 5321 §4.1.1.9."""

    verb: ClassVar[str] = "NOOP"


class Help(Command, frozen=True):
    """``HELP [text]`` — RFC 5321 §4.1.1.8."""

    verb: ClassVar[str] = "HELP"


class Quit(Command, frozen=True):
    """``QUIT`` — RFC 5321 §4.1.1.10."""

    verb: ClassVar[str] = "QUIT"


class Vrfy(Command, frozen=True):
    """``VRFY text`` — RFC 5321 §4.1.1.6."""

    verb: ClassVar[str] = "VRFY"


class Expn(Command, frozen=True):
    """``EXPN text`` — RFC 5321 §4.1.1.7."""

    verb: ClassVar[str] = "EXPN"


def syntax_error(text: str) -> CommandError:
    """Error with reply 501 for malformed arguments."""
    return CommandError(Response(501, "5.5.2", (text,)))


BAD_CHARACTER: Final = Response(501, "5.5.2", ("bad character in command",))


def decode_arguments(octets: bytes) -> str:
    """Decode the text behind a verb. Raises CommandError."""
    try:
        text = octets.decode()
    except UnicodeDecodeError as error:
        raise CommandError(BAD_CHARACTER) from error
    if "\0" in text:
        raise CommandError(BAD_CHARACTER)
    return text


def parse_command(verb: str, arguments: str, grammar: Grammar) -> Command:
    """Parse a command line. `verb`: in upper case; `arguments`: the text after it, with the space between them.

    `verb` must be a key of `PARSERS`. Raises CommandError.
    """
    arguments = arguments.rstrip(" \t")  # RFC 5321 §4.1.1: receivers should tolerate it
    if arguments:
        if arguments[0] != " ":
            raise syntax_error("bad command syntax")
        if CONTROL.search(arguments):
            raise syntax_error("control character in command")
        if grammar.pedantic and "  " in _QUOTED.sub('""', arguments):
            raise syntax_error("more than one space in a row")
    return PARSERS[verb](arguments.lstrip(" "), grammar)


def _hello(arguments: str, grammar: Grammar) -> tuple[Domain | IPAddress | None, str]:
    text = printable(arguments)
    try:
        if arguments.startswith("["):
            literal, _, _ = arguments.partition(" ")
            return parse_ip_literal(literal, untagged_ipv6=grammar.forgiving), text
        return Domain.parse(arguments, strict=grammar.pedantic or not grammar.submission), text
    except AddressError as error:
        if grammar.forgiving:
            return None, text
        raise syntax_error(f"domain or address literal required: {error}") from error


def _ehlo(arguments: str, grammar: Grammar) -> Command:
    return Ehlo(*_hello(arguments, grammar))


def _helo(arguments: str, grammar: Grammar) -> Command:
    return Helo(*_hello(arguments, grammar))


def _envelope(keyword: str, arguments: str, grammar: Grammar) -> tuple[str, bool, str]:
    """Parse the path and parameters of MAIL or RCPT.

    Returns:
      The text between < and >, whether a space was before it, and the text of the parameters.
    """
    if arguments[: len(keyword)].upper() != keyword:
        raise syntax_error(f"{keyword}<address> required")
    match = _PATH.fullmatch(arguments, len(keyword))
    if match is None and grammar.forgiving:
        match = _BARE_PATH.fullmatch(arguments, len(keyword))
    if not match or (match[3] and match[3][0] != " "):
        raise syntax_error(f"invalid address; expected {keyword}<address>")
    lax = bool(match[1])
    if lax and not (grammar.tolerate_space or grammar.forgiving):
        raise syntax_error(f"unexpected space after {keyword}")
    return match[2], lax, match[3]


def _path(text: str, smtputf8: bool, grammar: Grammar, code: int) -> Path:
    try:
        path = Path.parse(text, strict=grammar.pedantic)
    except AddressError as error:
        raise syntax_error(f"bad address: {error}") from error
    if path.needs_smtputf8 and not smtputf8:
        raise CommandError(Response(code, "5.6.7", ("address needs SMTPUTF8",)))
    return path


def _mail(arguments: str, grammar: Grammar) -> Command:
    text, lax, rest = _envelope("FROM:", arguments, grammar)
    fields = parse_mail_parameters(rest, grammar.offers)
    # RFC 6531 §3.4: the parameters determine whether the address may be internationalized.
    return MailFrom(_path(text, "smtputf8" in fields, grammar, 550), lax, **fields)


def _rcpt(arguments: str, grammar: Grammar) -> Command:
    text, lax, rest = _envelope("TO:", arguments, grammar)
    fields = parse_rcpt_parameters(rest, grammar.offers)
    if text.lower() == "postmaster":  # RFC 5321 §4.1.1.3: without domain
        return RcptTo(Path(Localpart(text), None), lax, **fields)
    path = _path(text, grammar.smtputf8, grammar, 553)
    if path.is_null:
        raise syntax_error("recipient required")
    return RcptTo(path, lax, **fields)


def _bdat(arguments: str, grammar: Grammar) -> Command:
    match = _BDAT.fullmatch(arguments)
    if not match:
        raise syntax_error("BDAT requires a chunk size")
    return Bdat(int(match[1]), bool(match[2]))


def _auth(arguments: str, grammar: Grammar) -> Command:
    match = _MECHANISM.fullmatch(arguments)
    if not match:
        raise syntax_error("bad AUTH syntax")
    return Auth(match[1].upper(), _initial(match[2]) if match[2] else None)


def _initial(text: str) -> bytes:
    return b"" if text == "=" else decode_response(text)  # RFC 4954 §4: "=" is the empty response


def decode_response(text: str | bytes) -> bytes:
    """Decode a client's line of base64. Raises CommandError."""
    try:
        return base64.b64decode(text, validate=True)
    except ValueError as error:  # binascii.Error too
        raise syntax_error("bad base64") from error


def _verify(kind: type[Command]) -> Callable[[str, Grammar], Command]:
    def parse(arguments: str, grammar: Grammar) -> Command:
        if not arguments.removesuffix(" SMTPUTF8"):
            raise syntax_error("argument required")
        return kind()

    return parse


def _without_arguments(kind: type[Command]) -> Callable[[str, Grammar], Command]:
    command = kind()

    def parse(arguments: str, grammar: Grammar) -> Command:
        if arguments:
            raise syntax_error("no arguments allowed")
        return command

    return parse


def _any_arguments(kind: type[Command]) -> Callable[[str, Grammar], Command]:
    command = kind()
    return lambda arguments, grammar: command


PARSERS: Final[Mapping[str, Callable[[str, Grammar], Command]]] = {
    "EHLO": _ehlo,
    "HELO": _helo,
    "MAIL": _mail,
    "RCPT": _rcpt,
    "DATA": _without_arguments(Data),
    "BDAT": _bdat,
    "STARTTLS": _without_arguments(StartTLS),
    "AUTH": _auth,
    "RSET": _without_arguments(Rset),
    "NOOP": _any_arguments(Noop),
    "HELP": _any_arguments(Help),
    "QUIT": _without_arguments(Quit),
    "VRFY": _verify(Vrfy),
    "EXPN": _verify(Expn),
}
