"""SMTP commands (RFC 5321 §4.1.1 and extensions): one frozen struct each, and the parser of a command line."""

import base64
import re
import unicodedata
from collections.abc import Callable, Mapping
from typing import ClassVar, Final

import msgspec

from moxlite.proto.address import AddressError, Domain, IPAddress, Localpart, Path, pack_ip_literal, parse_ip_literal
from moxlite.proto.smtp.errors import CommandError
from moxlite.proto.smtp.parameters import DeliverBy, Hold, parse_mail_parameters, parse_rcpt_parameters
from moxlite.proto.smtp.replies import Response, printable

# Text of a mailbox between < and >: no space nor angle bracket outside of a quoted string (RFC 5321 §4.1.2).
_PATH: Final = re.compile(r'( *)<((?:[^<>"\\ ]|"(?:[^"\\]|\\.)*")*)>(.*)')
_BDAT: Final = re.compile(r"([0-9]{1,19})( +LAST)?", re.IGNORECASE)
_MECHANISM: Final = re.compile(r"([A-Za-z0-9_-]{1,20})(?:( +)([^ ]*))?")


class Grammar(msgspec.Struct, frozen=True):
    """Options of the parser, by port, configuration and state of the session."""

    submission: bool = False
    pedantic: bool = False
    tolerate_space: bool = False  # between the colon and the path (SMTP-66)
    offers: frozenset[str] = frozenset()  # keywords announced in the answer to EHLO
    smtputf8: bool = False  # the transaction has SMTPUTF8


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


def parse_command(verb: str, arguments: str, grammar: Grammar) -> Command:
    """Parse a command line. `verb`: in upper case; `arguments`: the text after it, with the space between them.

    `verb` must be a key of `PARSERS`. Raises CommandError.
    """
    if arguments[-1:] in {" ", "\t"}:
        if grammar.submission:
            raise syntax_error("trailing white space")
        arguments = arguments.rstrip(" \t")
    if arguments:
        if arguments[0] != " ":
            raise syntax_error("bad command syntax")
        if not arguments.isprintable():
            raise syntax_error("control character in command")
    return PARSERS[verb](arguments[1:], grammar)


def _hello(arguments: str, grammar: Grammar) -> tuple[Domain | IPAddress | None, str]:
    text = printable(arguments)
    try:
        if arguments.startswith("["):
            literal, _, _ = arguments.partition(" ")
            lax = grammar.submission and not grammar.pedantic
            return parse_ip_literal(literal, untagged_ipv6=lax), text
        return Domain.parse(arguments, strict=grammar.pedantic or not grammar.submission), text
    except AddressError as error:
        if grammar.submission and not grammar.pedantic:
            return None, text
        raise syntax_error(f"domain or address literal needed: {error}") from error


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
        raise syntax_error(f"{keyword}<address> needed")
    match = _PATH.fullmatch(arguments, len(keyword))
    if not match or (match[3] and match[3][0] != " "):
        raise syntax_error(f"bad address, {keyword}<address> needed")
    lax = bool(match[1])
    if lax and not (grammar.tolerate_space or (grammar.submission and not grammar.pedantic)):
        raise syntax_error(f"space after {keyword}")
    return match[2], lax, match[3]


def _path(text: str, smtputf8: bool, grammar: Grammar, code: int) -> Path:
    try:
        path = Path.parse(text, strict=grammar.pedantic)
    except AddressError as error:
        raise syntax_error(f"bad address: {error}") from error
    if path.needs_smtputf8:
        if not smtputf8:
            raise CommandError(Response(code, "5.6.7", ("address needs SMTPUTF8",)))
        if not unicodedata.is_normalized("NFC", text.rpartition("@")[0]):  # SMTP-151
            raise syntax_error("address is not in Unicode NFC")
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
        raise syntax_error("recipient needed")
    return RcptTo(path, lax, **fields)


def _bdat(arguments: str, grammar: Grammar) -> Command:
    match = _BDAT.fullmatch(arguments)
    if not match:
        raise syntax_error("BDAT needs a number of octets")
    return Bdat(int(match[1]), bool(match[2]))


def _auth(arguments: str, grammar: Grammar) -> Command:
    match = _MECHANISM.fullmatch(arguments)
    if not match or (grammar.pedantic and match[2] and len(match[2]) > 1):
        raise syntax_error("bad AUTH syntax")
    return Auth(match[1].upper(), _initial(match[3]) if match[3] else None)


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
            raise syntax_error("argument needed")
        return kind()

    return parse


def _without_arguments(kind: type[Command]) -> Callable[[str, Grammar], Command]:
    command = kind()

    def parse(arguments: str, grammar: Grammar) -> Command:
        if arguments:
            raise syntax_error("no argument allowed")
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
