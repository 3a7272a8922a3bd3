"""Writer of Authentication-Results (RFC 8601) and Received-SPF (RFC 7208 §9.1), and parser of the former (AUTH-29,
AUTH-85, AUTH-86).

Untrusted values are written so that every parser reads the field in the same way. Parsing is strict, except for
`authserv_id`: it decides which fields count as forged, so it accepts all that the most tolerant parser accepts.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

from moxlite.proto.address import AddressError, Domain
from moxlite.proto.mime.words import decode_words

MAX_FIELD: Final = 64 << 10
"""Octets of a field that is parsed (AUTH-86)."""

MAX_DEPTH: Final = 20
"""Depth of nested comments (AUTH-86)."""

MAX_METHODS: Final = 100
"""Number of results in a field that is parsed."""

WIDTH: Final = 78
"""Characters of a line that folding aims at (RFC 5322 §2.1.1)."""

MAX_VALUE: Final = 320
"""Octets of a written value: the length of the longest address. So no value is longer than a line may be."""

_TOKEN: Final = r"[!#$%&'*+\-.0-9A-Z^_`a-z{|}~]+"  # noqa: S105 - the grammar's token, RFC 2045 §5.1
_PLAIN: Final = re.compile(rf"{_TOKEN}|(?:{_TOKEN})?@[A-Za-z0-9._-]+")  # a token, or an address
_UNFIT: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_COMMENT_UNFIT: Final = re.compile(rf"[()\\]|{_UNFIT.pattern}")

# Tokens of a field (RFC 8601 §2.2, RFC 5322 §3.2): blanks, parentheses, quoted strings, separators, words.
_PIECE: Final = re.compile(r'[ \t\r\n]+|[();=/]|"(?:[^"\\]|\\.)*"|(?:\\.|[^\s();=/"])+|.', re.DOTALL)
_IN_COMMENT: Final = re.compile(r"\\.|[()]|[^()\\]+|\\", re.DOTALL)

# Tokens for `authserv_id`: quoted pairs, opening, closing and ending characters, and the text between.
_LOOSE: Final = re.compile(rb'\\.|[()";]|[^\\()";]+|\\', re.DOTALL)
_WORD: Final = re.compile(r"[^\s/;=@]+")


class AuthResultsError(ValueError):
    """The field does not match the grammar (RFC 8601 §2.2)."""


class Property(msgspec.Struct, frozen=True):
    """A property of a result: in ``header.d=example.org``, `kind` is ``header`` and `name` is ``d``."""

    kind: str
    name: str
    value: str


class Method(msgspec.Struct, frozen=True, kw_only=True):
    """One result: ``dkim=pass (2048 bit rsa) header.d=example.org``.

    Attributes:
      name, result: method and result words. version: of the method, 1 by default.
      comment: text in parentheses after the result, without them.
    """

    name: str
    result: str
    version: int = 1
    comment: str = ""
    reason: str = ""
    properties: tuple[Property, ...] = ()


class AuthResults(msgspec.Struct, frozen=True):
    """An Authentication-Results field: the server that wrote it (A-labels when written) and its results, without
    ``none``.
    """

    authserv_id: str
    methods: tuple[Method, ...] = ()


def write(results: AuthResults, *, utf8: bool) -> bytes:
    """Return the Authentication-Results field, folded, with its line end.

    `utf8`: the message may have raw UTF-8 in its header (RFC 8601 §2.2, RFC 8616). Without it, properties that aren't
    ASCII are left out, because only the whole value says something true.
    """
    methods = ";".join([_fold(_pieces(method, utf8)) for method in results.methods]) or "\r\n\tnone"
    return f"Authentication-Results: {results.authserv_id};{methods}\r\n".encode()


def _pieces(method: Method, utf8: bool) -> list[str]:
    comment = f" ({_comment(_fit(method.comment, utf8))})" if method.comment else ""
    pieces = [f"{method.name}={method.result}{comment}"]
    if method.reason:
        pieces.append(f"reason={_quoted(_fit(method.reason, utf8))}")
    kept = [prop for prop in method.properties if utf8 or prop.value.isascii()]
    return pieces + [f"{prop.kind}.{prop.name}={_value(prop.value)}" for prop in kept]


def _fit(text: str, utf8: bool) -> str:
    return text if utf8 else text.encode("ascii", "replace").decode()


def _fold(pieces: Iterable[str]) -> str:
    """Lines filled with pieces, which are never split; each line has its end and a tab before it."""
    text, room = "", 0
    for piece in pieces:
        taken = 1 + len(piece)
        if taken < room:
            text += f" {piece}"
        else:
            text += f"\r\n\t{piece}"
            room = WIDTH
        room -= taken
    return text


def _value(text: str) -> str:
    """A pvalue: unchanged if it is a token or an address, else quoted."""
    text = _cut(text)
    return text if _PLAIN.fullmatch(text) else _quoted(text)


def _quoted(text: str) -> str:
    escaped = _UNFIT.sub("?", _cut(text)).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _comment(text: str) -> str:
    return _COMMENT_UNFIT.sub("?", _cut(text))


def _cut(text: str) -> str:
    return text.encode("utf-8", "replace")[:MAX_VALUE].decode("utf-8", "ignore")


def write_received_spf(result: str, comment: str, values: Iterable[tuple[str, str]], *, utf8: bool) -> bytes:
    """Return the Received-SPF field, folded, with its line end; `values`: pairs of key and value, in order. `utf8` as
    for `write`.
    """
    pieces = [f"{key}={_value(value)};" for key, value in values if utf8 or value.isascii()]
    if pieces:
        pieces[-1] = pieces[-1][:-1]
    return f"Received-SPF: {result} ({_comment(_fit(comment, utf8))}){_fold(pieces)}\r\n".encode()


# Reading


def parse(text: str) -> AuthResults:
    """Parse the value of an Authentication-Results field, folded or not. Raises AuthResultsError."""
    if len(text) > MAX_FIELD:
        raise AuthResultsError("too long")
    groups = list(_groups(text))
    first = [piece for piece, is_comment in groups[0] if not is_comment]
    if not first or first[0] in {"=", "/"} or len(first) > 2 or (len(first) == 2 and not first[1].isdecimal()):
        raise AuthResultsError("missing authserv-id")
    if len(first) == 2 and first[1] != "1":
        raise AuthResultsError("unknown version")
    methods = tuple(_read(group) for group in groups[1:] if any(not is_comment for _, is_comment in group))
    if len(methods) == 1 and methods[0] is None:
        return AuthResults(_unquoted(first[0]))
    if any(method is None for method in methods):
        raise AuthResultsError('"none" can\'t be combined with results')
    return AuthResults(_unquoted(first[0]), tuple(method for method in methods if method is not None))


def _groups(text: str) -> Iterator[list[tuple[str, bool]]]:
    """Split the text at semicolons into lists of tokens, each with a flag for comments. Blanks are left out."""
    group: list[tuple[str, bool]] = []
    at = count = 0
    while at < len(text):
        match = _PIECE.match(text, at)
        assert match is not None  # the last alternative takes anything
        piece, at = match[0], match.end()
        if piece == "(":
            comment, at = _skip_comment(text, at)
            group.append((comment, True))
        elif piece == ";":
            yield group
            group = []
            count += 1
            if count > MAX_METHODS:
                raise AuthResultsError("too many results")
        elif piece in {")", '"'}:
            raise AuthResultsError("bad syntax")
        elif not piece.isspace():
            group.append((piece, False))
    yield group


def _skip_comment(text: str, at: int) -> tuple[str, int]:
    """The text of a comment whose opening parenthesis is before `at`, and the index after the comment."""
    depth = 1
    parts: list[str] = []
    while (match := _IN_COMMENT.match(text, at)) is not None:
        piece, at = match[0], match.end()
        depth += {"(": 1, ")": -1}.get(piece, 0)
        if depth == 0:
            return "".join(parts), at
        if depth > MAX_DEPTH:
            raise AuthResultsError("comments are nested too deeply")
        parts.append(piece[1:] if len(piece) == 2 and piece[0] == "\\" else piece)
    raise AuthResultsError("unterminated comment")


def _read(group: list[tuple[str, bool]]) -> Method | None:
    """Parse one result; returns None for ``none``."""
    comment = next((piece for piece, is_comment in group if is_comment), "")
    pieces = [piece for piece, is_comment in group if not is_comment]
    if pieces == ["none"]:
        return None
    version = 1
    if len(pieces) > 2 and pieces[1] == "/":
        if not pieces[2].isdecimal() or len(pieces[2]) > 9:
            raise AuthResultsError("invalid method version")
        version = int(pieces[2])
        del pieces[1:3]
    if len(pieces) < 3 or pieces[1] != "=":
        raise AuthResultsError("missing result")
    reason = ""
    properties: list[Property] = []
    for key, value in _pairs(_joined(pieces[3:])):
        if key.lower() == "reason":
            reason = value
            continue
        kind, dot, name = key.partition(".")
        if not dot:
            raise AuthResultsError(f"bad property {key[:40]}")
        properties.append(Property(kind.lower(), name.lower(), value))
    return Method(
        name=pieces[0].lower(),
        result=pieces[2].lower(),
        version=version,
        comment=comment,
        reason=reason,
        properties=tuple(properties),
    )


def _joined(pieces: list[str]) -> list[str]:
    """Join the tokens of a property name, whose dot may have blanks and comments around it (§2.2)."""
    joined: list[list[str]] = []  # pieces of each token: strings that grow would take the square of a run of dots
    for piece in pieces:
        last = joined[-1] if joined else ["="]
        is_value = joined[-2:-1] == [["="]]  # it may begin and end with a dot
        if not is_value and (piece == "." or last[-1].endswith(".")) and piece != "=" and last != ["="]:
            last.append(piece)
        else:
            joined.append([piece])
    return ["".join(token) for token in joined]


def _pairs(pieces: list[str]) -> Iterator[tuple[str, str]]:
    """Pairs of key and value. A value extends to the next key: unquoted base64 has slashes and equal signs."""
    at = 0
    while at < len(pieces):
        if at + 2 >= len(pieces) or pieces[at + 1] != "=":
            raise AuthResultsError("bad property")
        key, at = pieces[at], at + 2
        value = [_unquoted(pieces[at])]
        at += 1
        while at < len(pieces) and not (
            at + 1 < len(pieces) and pieces[at + 1] == "=" and pieces[at] not in {"=", "/"}
        ):
            value.append(_unquoted(pieces[at]))
            at += 1
        yield key, "".join(value)


def _unquoted(piece: str) -> str:
    if len(piece) >= 2 and piece[0] == piece[-1] == '"':
        return re.sub(r"\\(.)", r"\1", piece[1:-1], flags=re.DOTALL)
    return piece


def authserv_id(field: bytes) -> str:
    """Return the authserv-id of a field, in A-labels; "" if it is not a domain (RFC 8601 §2.2: ``[CFWS] authserv-id``).

    Parsing is as tolerant as that of any reader of the field: comments nest, the name may be quoted, encoded or have
    blanks at its dots, and may end in a dot. The text after it is ignored.
    """
    # Strict parsing would let through what only a tolerant reader takes for this server's word: a mail program that
    # shows "verified" by the field, or a filter behind us. So whatever any reader could take for our name counts as
    # forged, and goes.
    name: list[bytes] = []
    depth = 0
    quoted = False
    for piece in _LOOSE.findall(field):
        if depth:
            depth += {b"(": 1, b")": -1}.get(piece, 0)
        elif piece == b'"':
            quoted = not quoted
        elif quoted:
            name.append(piece.removeprefix(b"\\"))
        elif piece == b"(":
            depth = 1
        elif piece == b";":
            break
        else:
            name.append(piece)
    text = " ".join(decode_words(b"".join(name)).split())
    word = _WORD.match(text.replace(" .", ".").replace(". ", "."))
    try:
        return Domain.parse(word[0].removesuffix(".")).ascii if word else ""
    except AddressError:
        return ""
