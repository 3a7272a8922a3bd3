"""Hostile mails: over a hundred kinds of messages that cost their reader more than they cost their sender.

`hostile_mail(kind, seed, size)` makes the message of a kind, of about `size` octets; `hostile_mails(count, seed)` makes
as many as wanted, kind after kind, with sizes by chance. The same arguments give the same octets.
"""

import base64
import quopri
import random
import struct
from collections.abc import Callable, Iterator
from typing import Final

__all__ = ["KINDS", "SIZES", "hostile_mail", "hostile_mails"]

SIZES: Final = (2_000, 20_000, 80_000, 80_000, 300_000, 1_300_000)
"""Octets of messages, about: most are of those that any server takes from anyone."""

Chance = random.Random
Kind = Callable[[Chance, int], bytes]

KINDS: Final[dict[str, Kind]] = {}
"""Messages by the name of their kind."""


def hostile_mail(kind: str, seed: int, size: int) -> bytes:
    """A message of a kind, of about `size` octets; lines end with CR LF but where that is the matter."""
    return KINDS[kind](random.Random(f"{kind} {seed} {size}"), size)


def hostile_mails(count: int, seed: int) -> Iterator[tuple[str, bytes]]:
    """So many messages, each with the name of its kind."""
    chance = random.Random(seed)
    names = sorted(KINDS)
    for number in range(count):
        if number % len(names) == 0:
            chance.shuffle(names)
        kind = names[number % len(names)]
        yield kind, hostile_mail(kind, chance.randrange(1 << 30), chance.choice(SIZES))


# Frames


def _head(chance: Chance, *fields: bytes, subject: bytes | None = None, author: bytes | None = None) -> bytes:
    number = chance.randrange(1 << 40)
    usual = (
        b"From: " + (author if author is not None else b"Eve <eve@evil.example>"),
        b"To: Mia <moxlite@localhost>",
        b"Subject: " + (subject if subject is not None else b"hostile %d" % number),
        b"Message-ID: <%d@evil.example>" % number,
        b"Date: Fri, 20 Nov 2026 07:00:00 +0100",
    )
    named = {field.partition(b":")[0].lower() for field in fields}
    kept = [field for field in usual if field.partition(b":")[0].lower() not in named]
    return b"\r\n".join((*kept, *fields)) + b"\r\n"


def _text(chance: Chance, body: bytes, *fields: bytes, subject: bytes | None = None) -> bytes:
    kind = (
        ()
        if any(field.lower().startswith(b"content-type") for field in fields)
        else (b"Content-Type: text/plain; charset=utf-8",)
    )
    return _head(chance, b"MIME-Version: 1.0", *kind, *fields, subject=subject) + b"\r\n" + body + b"\r\n"


def _html(chance: Chance, html: bytes, *fields: bytes) -> bytes:
    return _text(chance, html, b"Content-Type: text/html; charset=utf-8", *fields)


def _parts(chance: Chance, parts: list[bytes], subtype: bytes = b"mixed", *fields: bytes) -> bytes:
    boundary = b"b%d" % chance.randrange(1 << 40)
    body = b"".join(b"--%s\r\n%s\r\n" % (boundary, part) for part in parts) + b"--%s--\r\n" % boundary
    kind = b'Content-Type: multipart/%s; boundary="%s"' % (subtype, boundary)
    return _head(chance, b"MIME-Version: 1.0", kind, *fields) + b"\r\n" + body


def _part(kind: bytes, body: bytes, *fields: bytes) -> bytes:
    return b"\r\n".join((b"Content-Type: " + kind, *fields)) + b"\r\n\r\n" + body


def _times(piece: bytes, size: int) -> bytes:
    return piece * max(1, size // max(1, len(piece)))


def _folded(piece: bytes, size: int, each: int = 900) -> bytes:
    """Text of about so many octets, folded into lines that SMTP takes."""
    whole = _times(piece, size)
    return b"\r\n ".join(whole[at : at + each] for at in range(0, len(whole), each))


def _wrapped(data: bytes) -> bytes:
    return base64.encodebytes(data).replace(b"\n", b"\r\n")


def _kind(name: str) -> Callable[[Kind], Kind]:
    def keep(make: Kind) -> Kind:
        KINDS[name] = make
        return make

    return keep


# Tables: bodies and fields that are one piece many times

TEXTS: Final = {
    "tabs": b"\t",
    "blanks": b" ",
    "carriage returns": b"\r",
    "line feeds": b"\n",
    "empty lines": b"\r\n",
    "lines of blanks": b" \t \r\n",
    "blank lines with blanks": b"\r\n \t\t\r\n\r\n x",
    "quoted lines": b"> > > > > x\r\n",
    "deep quotes": b">",
    "quote marks with blanks": b"> " * 40 + b"\r\n",
    "signatures": b"-- \r\n",
    "rulers": b"-----Original Message-----\r\n",
    "attributions": b"On Fri, 20 Nov 2026, Eve <eve@evil.example> wrote:\r\n",
    "attributions without an end": b"On ",
    "links": b"https://evil.example/?q=" + b"a" * 40 + b" ",
    "links without an end": b"http://",
    "mail addresses": b"a@b.example,",
    "at signs": b"@",
    "dots": b".",
    "lines of dots": b"..\r\n",
    "lines of From": b"From eve@evil.example\r\n",
    "NULs": b"\0",
    "NULs and letters": b"a\0",
    "controls": bytes(range(1, 9)) + b"\x0b\x0c" + bytes(range(14, 32)),
    "octets of 8 bits": b"\xff\xfe\x80",
    "cut UTF-8": b"\xe2\x82 \xf0\x9f\x98 ",
    "surrogates": b"\xed\xa0\x80\xed\xb0\x80",
    "bidi": "\u202e\u2066\u202d\u2067".encode() + b"abc",
    "bidi without an end": "\u202e".encode(),
    "combining marks": "a\u0301\u0302\u0303".encode(),
    "joiners": "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d".encode(),
    "invisible characters": "\u200b\u00ad\u2060\ufeff".encode(),
    "wide characters": "\ufdfa".encode(),
    "words of one letter": b"a b c d ",
    "Han characters": "\u4e2d\u6587\u5b57\u7b26".encode(),
    "brackets": b"<([{",
    "diff": b"+ a\r\n- b\r\n@@ -1 +1 @@\r\n",
    "spaced flowed lines": b"a \r\n",
    "encoded words in a text": b"=?utf-8?q?a?= ",
    "entities in a text": b"&amp;#x3c;",
    "armour": b"-----BEGIN PGP MESSAGE-----\r\n",
}

HTMLS: Final = {
    "open formatting elements": b"<b id=N><i><font color=red>",
    "blocks": b"<p>x",
    "nested blocks": b"<div>",
    "nested tables": b"<table><tr><td>",
    "tables left open": b"<table>",
    "cells": b"<td>x",
    "nested quotes": b"<blockquote>",
    "nested lists": b"<ul><li>",
    "body tags": b"<body",
    "body tags with attributes": b'<body bgcolor=red style="a',
    "comments without an end": b"<!--",
    "odd comments": b"<!---!><!-->",
    "style elements": b"<style>p{color:red}</style>",
    "style elements without an end": b"<style>",
    "style rules": b"<style>" + b"p{color:red}" * 30 + b"</style>",
    "at-rules": b"<style>@media all{" * 3,
    "selectors": b"<style>" + b"a " * 300 + b"{color:red}</style>",
    "escapes in styles": b'<p style="' + b"\\61" * 60 + b':red">',
    "urls without an end": b'<p style="background:url(',
    "variables": b'<p style="--a:var(--b);color:var(--a,var(--b,var(--c)))">',
    "pictures by cid": b"<img src=cid:x>",
    "pictures as data": b"<img src=data:image/png;base64,iVBORw0KGgo=>",
    "pictures of the web": b"<img src=https://evil.example/x.png>",
    "links to lies": b'<a href="https://evil.example/">https://bank.example/</a>',
    "nested links": b"<a href=https://evil.example/>",
    "entities": b"&notin;&#60;&lt;",
    "entities without an end": b"&#x",
    "large references": b"&#99999999999999;",
    "meta tags": b"<meta charset=",
    "foreign elements": b"<svg><math><mi>",
    "animations": b'<svg><a><animate attributeName=href by="javascript:x">',
    "templates": b"<template>",
    "forms": b"<form><input><select><option>",
    "raw text": b"<textarea><title><xmp>",
    "slashes": b"<a/////////",
    "equal signs": b"<a ======",
    "quotes in tags": b"<a b=\"'\" c='\"' ",
    "less-than signs": b"<",
    "end tags": b"</p></b></i>",
    "doctypes": b"<!DOCTYPE html>",
    "instructions": b"<?xml ?>",
    "CDATA": b"<![CDATA[x]]>",
    "white space": b" \n\t",
    "NULs in HTML": b"<\0b\0>",
    "breaks": b"<br>",
    "preformatted": b"<pre>\n\n",
    "class names": b"<p class='" + b"a " * 60 + b"'>",
    "unknown elements": b"<x-y z>",
}

FIELDS: Final = {
    "Subject: re": (b"Subject: re", b" "),
    "Subject: re:": (b"Subject: ", b"Re: "),
    "Subject: fwd with numbers": (b"Subject: ", b"Fwd[1]: "),
    "Subject: blobs": (b"Subject: ", b"[a] "),
    "Subject: words": (b"Subject: ", b"=?utf-8?q?=41?= "),
    "Subject: base64 words": (b"Subject: ", b"=?utf-8?b?QUFB?= "),
    "Subject: cut words": (b"Subject: ", b"=?utf-8?q?"),
    "Subject: tabs": (b"Subject: x", b"\t"),
    "To: addresses": (b"To: a@b.example", b", a@b.example"),
    "To: groups": (b"To: ", b"g: a@b.example;, "),
    "To: groups without an end": (b"To: ", b"g:"),
    "To: comments": (b"To: ", b"(x) "),
    "To: nested comments": (b"To: ", b"("),
    "To: quotes": (b"To: ", b'"a" '),
    "To: quotes without an end": (b"To: ", b'"\\"'),
    "To: angles": (b"To: ", b"<"),
    "To: routes": (b"To: <", b"@a.example,"),
    "To: commas": (b"To: ", b","),
    "From: words": (b"From: ", b"=?utf-8?q?a?= <a@b.example>, "),
    "Cc: empty groups": (b"Cc: ", b":;,"),
    "Reply-To: many": (b"Reply-To: a@b.example", b", c <a@b.example>"),
    "References: ids": (b"References: ", b"<a@b.example> "),
    "References: angles": (b"References: ", b"<"),
    "In-Reply-To: quotes": (b"In-Reply-To: ", b'<"a\\"'),
    "Message-ID: blanks": (b"Message-ID: <", b" a"),
    "Date: comments": (b"Date: Fri, 20 Nov 2026 07:00:00 +0100 ", b"(a)"),
    "List-Post: addresses": (b"List-Post: ", b"<mailto:a@b.example>, "),
    "List-Unsubscribe: addresses": (b"List-Unsubscribe: ", b"<https://evil.example/u>, "),
    "Authentication-Results: methods": (b"Authentication-Results: mx.example; ", b"dkim=pass; "),
    "Received: comments": (b"Received: ", b"(a(b)) "),
    "Content-Type: parameters": (b"Content-Type: text/plain", b"; a=b"),
    "Content-Type: rfc2231": (b"Content-Type: text/plain", b"; a*0*=utf-8''b"),
    "Content-Type: quotes": (b'Content-Type: text/plain; a="', b'\\"'),
    "Content-Type: comments": (b"Content-Type: text/plain ", b"(a"),
    "Content-Disposition: rfc2231": (b"Content-Disposition: attachment", b"; filename*1*=%41"),
    "Content-Transfer-Encoding: x": (b"Content-Transfer-Encoding: ", b"base64 "),
    "DKIM-Signature: tags": (b"DKIM-Signature: v=1; ", b"a=b; "),
    "X: one field": (b"X: ", b"x"),
}

for _name, _piece in TEXTS.items():
    KINDS[f"text: {_name}"] = lambda chance, size, piece=_piece: _text(chance, _times(piece, size))  # type: ignore[misc]
for _name, _piece in HTMLS.items():
    KINDS[f"html: {_name}"] = lambda chance, size, piece=_piece: _html(chance, _times(piece, size))  # type: ignore[misc]
for _name, (_begin, _piece) in FIELDS.items():
    KINDS[f"field: {_name}"] = lambda chance, size, begin=_begin, piece=_piece: _text(  # type: ignore[misc]
        chance, b"hello", begin + _folded(piece, size)
    )


# HTML that one piece does not make


@_kind("html: formatting, then blocks")
def _formatting(chance: Chance, size: int) -> bytes:
    number = size // 17
    return _html(chance, b"".join(b"<b id=%d>" % n for n in range(number)) + b"<p>x" * number)


@_kind("html: attributes of one tag")
def _attributes(chance: Chance, size: int) -> bytes:
    return _html(chance, b"<p " + b" ".join(b"a%d" % n for n in range(size // 7)) + b">x")


@_kind("html: one attribute")
def _attribute(chance: Chance, size: int) -> bytes:
    return _html(
        chance,
        b'<a href="https://evil.example/' + _times(chance.choice((b"a", b"%41", b"&amp;", b" ")), size) + b'">x</a>',
    )


@_kind("html: declarations of one element")
def _declarations(chance: Chance, size: int) -> bytes:
    return _html(chance, b'<p style="' + _times(b"color:red;", size) + b'">x')


@_kind("html: brackets of one declaration")
def _brackets(chance: Chance, size: int) -> bytes:
    return _html(
        chance, b'<p style="width:' + _times(chance.choice((b"calc(", b"(", b"[", b"{", b"max(1px,")), size) + b'">x'
    )


@_kind("html: sheet of nested rules")
def _nested_rules(chance: Chance, size: int) -> bytes:
    return _html(
        chance, b"<style>" + _times(chance.choice((b"@media all{", b"p{", b"(", b"p:not(")), size) + b"</style>x"
    )


@_kind("html: pieces by chance")
def _mixed(chance: Chance, size: int) -> bytes:
    pieces = list(HTMLS.values())
    found = bytearray()
    while len(found) < size:
        found += chance.choice(pieces) * chance.randint(1, 50)
    return _html(chance, bytes(found))


@_kind("html: one picture, many times")
def _pictures(chance: Chance, size: int) -> bytes:
    picture = _part(
        b"image/png", _wrapped(chance.randbytes(size // 4)), b"Content-ID: <x>", b"Content-Transfer-Encoding: base64"
    )
    return _parts(chance, [_part(b"text/html", b"<img src=cid:x>" * (size // 40)), picture], b"related")


@_kind("html: base64 of many lines")
def _html_base64(chance: Chance, size: int) -> bytes:
    return _html(chance, _wrapped(_times(b"<b><p>x", size)), b"Content-Transfer-Encoding: base64")


@_kind("html: quoted-printable")
def _html_quoted(chance: Chance, size: int) -> bytes:
    return _html(chance, _times(b"=3C=62=3E=\r\n", size), b"Content-Transfer-Encoding: quoted-printable")


@_kind("html: another charset")
def _html_charset(chance: Chance, size: int) -> bytes:
    charset = chance.choice(("utf-16", "utf-32", "iso-2022-jp", "gb18030", "utf-7", "hz"))
    text = "<b><p>x" * (size // 14)
    try:
        data = text.encode(charset)
    except (LookupError, UnicodeError):
        data = text.encode()
    kind = f"Content-Type: text/html; charset={charset}".encode()
    return _text(chance, _wrapped(data), kind, b"Content-Transfer-Encoding: base64")


@_kind("html: alternatives")
def _alternatives(chance: Chance, size: int) -> bytes:
    return _parts(
        chance,
        [_part(chance.choice((b"text/html", b"text/plain")), b"<b>x") for _ in range(size // 50)],
        b"alternative",
    )


# MIME


@_kind("mime: depth of multiparts")
def _depth(chance: Chance, size: int) -> bytes:
    levels = size // 70
    opened = b"".join(b"--%d\r\nContent-Type: multipart/mixed; boundary=%d\r\n\r\n" % (n, n + 1) for n in range(levels))
    return (
        _head(chance, b"MIME-Version: 1.0", b"Content-Type: multipart/mixed; boundary=0") + b"\r\n" + opened + b"x\r\n"
    )


@_kind("mime: depth of messages")
def _messages(chance: Chance, size: int) -> bytes:
    inner = b"Content-Type: message/rfc822\r\nSubject: x\r\n\r\n"
    return (
        _head(chance, b"MIME-Version: 1.0", b"Content-Type: message/rfc822")
        + b"\r\n"
        + _times(inner, size)
        + b"\r\nx\r\n"
    )


@_kind("mime: one boundary at all depths")
def _same_boundary(chance: Chance, size: int) -> bytes:
    opened = _times(b"--b\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n", size)
    return _head(chance, b"MIME-Version: 1.0", b"Content-Type: multipart/mixed; boundary=b") + b"\r\n" + opened


@_kind("mime: boundaries that begin alike")
def _alike(chance: Chance, size: int) -> bytes:
    lines = _times(b"--" + b"a" * 68 + b"\r\n", size)
    kind = b"Content-Type: multipart/mixed; boundary=" + b"a" * 70
    return _head(chance, b"MIME-Version: 1.0", kind) + b"\r\n" + lines


@_kind("mime: many parts")
def _many(chance: Chance, size: int) -> bytes:
    return _parts(chance, [b"\r\nx" for _ in range(size // 25)])


@_kind("mime: many attachments")
def _attachments(chance: Chance, size: int) -> bytes:
    field = b"Content-Disposition: attachment; filename*=utf-8''%E2%82%AC"
    return _parts(chance, [_part(b"application/pdf", b"x", field) for _ in range(size // 130)])


@_kind("mime: header of a part without an end")
def _part_header(chance: Chance, size: int) -> bytes:
    return _parts(chance, [_times(b"X-A: b\r\n", size)])


@_kind("mime: no end")
def _no_end(chance: Chance, size: int) -> bytes:
    return (
        _head(chance, b"MIME-Version: 1.0", b"Content-Type: multipart/mixed; boundary=b")
        + b"\r\n"
        + _times(b"--b\r\n", size)
    )


@_kind("mime: empty boundary")
def _empty_boundary(chance: Chance, size: int) -> bytes:
    return (
        _head(chance, b"MIME-Version: 1.0", b'Content-Type: multipart/mixed; boundary=""')
        + b"\r\n"
        + _times(b"--\r\n", size)
    )


@_kind("mime: partial and external")
def _external(chance: Chance, size: int) -> bytes:
    kinds = (b"message/partial; id=a; number=1", b"message/external-body; access-type=URL; URL=https://evil.example")
    return _parts(
        chance, [_part(chance.choice(kinds), b"Content-Type: text/plain\r\n\r\nx") for _ in range(size // 120)]
    )


@_kind("mime: signed without an end")
def _signed(chance: Chance, size: int) -> bytes:
    return _parts(
        chance, [_part(b"text/plain", _times(b"x\r\n", size)), _part(b"application/pgp-signature", b"x")], b"signed"
    )


@_kind("mime: digest")
def _digest(chance: Chance, size: int) -> bytes:
    return _parts(chance, [b"\r\nSubject: x\r\n\r\nx" for _ in range(size // 45)], b"digest")


# Encodings


@_kind("encoding: base64 of padding")
def _padding(chance: Chance, size: int) -> bytes:
    return _text(chance, _times(b"=" * 76 + b"\r\n", size), b"Content-Transfer-Encoding: base64")


@_kind("encoding: base64 padded everywhere")
def _padded(chance: Chance, size: int) -> bytes:
    return _text(chance, _times(b"QQ==", size), b"Content-Transfer-Encoding: base64")


@_kind("encoding: base64 of one line")
def _one_line(chance: Chance, size: int) -> bytes:
    return _text(chance, base64.b64encode(_times(b"a\n", size)), b"Content-Transfer-Encoding: base64")


@_kind("encoding: base64 of noise")
def _noise(chance: Chance, size: int) -> bytes:
    return _text(chance, _times(b"Q!*\xff=", size), b"Content-Transfer-Encoding: base64")


@_kind("encoding: quoted-printable of blanks")
def _quoted_blanks(chance: Chance, size: int) -> bytes:
    return _text(chance, _times(b" " * 900 + b"=20\r\n", size), b"Content-Transfer-Encoding: quoted-printable")


@_kind("encoding: quoted-printable of equal signs")
def _quoted_signs(chance: Chance, size: int) -> bytes:
    return _text(chance, _times(b"==3=\r\n", size), b"Content-Transfer-Encoding: quoted-printable")


@_kind("encoding: quoted-printable of tabs")
def _quoted_tabs(chance: Chance, size: int) -> bytes:
    return _text(chance, quopri.encodestring(_times(b"\t\n", size)), b"Content-Transfer-Encoding: quoted-printable")


@_kind("encoding: uuencode")
def _uuencode(chance: Chance, size: int) -> bytes:
    body = b"begin 644 x\r\n" + _times(b"M" + b"!" * 60 + b"\r\n", size)
    return _text(chance, body, b"Content-Transfer-Encoding: x-uuencode")


@_kind("encoding: escapes of ISO-2022-JP")
def _escapes(chance: Chance, size: int) -> bytes:
    return _text(chance, _times(b"\x1b$B\x1b(B", size), b"Content-Type: text/plain; charset=iso-2022-jp")


@_kind("encoding: UTF-7")
def _utf7(chance: Chance, size: int) -> bytes:
    return _text(chance, _times(b"+ADw-+", size), b"Content-Type: text/plain; charset=utf-7")


@_kind("encoding: no such charset")
def _no_charset(chance: Chance, size: int) -> bytes:
    return _text(chance, _times(b"\xff\xfe", size), b"Content-Type: text/plain; charset=" + b"x" * 200)


@_kind("encoding: flowed")
def _flowed(chance: Chance, size: int) -> bytes:
    return _text(chance, _times(b"> a \r\n", size), b"Content-Type: text/plain; format=flowed; delsp=yes")


# Headers


@_kind("header: many fields")
def _fields(chance: Chance, size: int) -> bytes:
    name = chance.choice((b"X-A", b"Received", b"To", b"DKIM-Signature", b"ARC-Seal", b"References", b"Subject"))
    return _text(chance, b"x", *[name + b": a@b.example"] * (size // 20))


@_kind("header: lines of blanks")
def _blank_lines(chance: Chance, size: int) -> bytes:
    return _text(chance, b"x", b"Subject: x" + _times(b"\r\n ", size))


@_kind("header: one line")
def _long_line(chance: Chance, size: int) -> bytes:
    return _text(chance, b"x", b"Subject: " + b"a" * size)


@_kind("header: NULs and controls")
def _odd(chance: Chance, size: int) -> bytes:
    return _text(chance, b"x", b"Subject: " + _folded(bytes(range(9)) + b"\x7f\x80\xff", size))


@_kind("header: long names")
def _long_names(chance: Chance, size: int) -> bytes:
    return _text(chance, b"x", *[b"X" * 900 + b": a"] * (size // 900 + 1))


@_kind("header: only a header")
def _only(chance: Chance, size: int) -> bytes:
    return _head(chance, *[b"X-%d: a" % number for number in range(size // 12)])


@_kind("header: no header")
def _none(chance: Chance, size: int) -> bytes:
    return b"\r\n" + _times(b"no header\r\n", size)


@_kind("header: no colon")
def _no_colon(chance: Chance, size: int) -> bytes:
    return _times(b"no colon at all\r\n", size) + b"\r\nx\r\n"


@_kind("header: names of attachments")
def _names(chance: Chance, size: int) -> bytes:
    segments = b"".join(b";\r\n filename*%d*=%%E2%%80%%AE%%41" % number for number in range(size // 32))
    return _parts(chance, [_part(b"application/zip", b"PK", b"Content-Disposition: attachment" + segments)])


@_kind("header: ids of a long thread")
def _thread(chance: Chance, size: int) -> bytes:
    ids = b"\r\n ".join(b"<%d@evil.example>" % chance.randrange(1 << 40) for _ in range(size // 30))
    return _text(chance, b"x", b"References: " + ids)


# Other formats


@_kind("format: calendar")
def _calendar(chance: Chance, size: int) -> bytes:
    piece = chance.choice(
        (
            b"BEGIN:VEVENT\r\n",
            b"ATTENDEE;CN=a:mailto:a@b.example\r\n",
            b"DESCRIPTION:a\r\n \\n\r\n",
            b"RRULE:FREQ=SECONDLY\r\n",
        )
    )
    body = b"BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT\r\n" + _times(piece, size)
    return _parts(chance, [_part(b"text/plain", b"x"), _part(b"text/calendar; method=REQUEST", body)], b"alternative")


@_kind("format: TNEF that loops")
def _tnef(chance: Chance, size: int) -> bytes:
    length = chance.choice((0, 0xFFFFFFFF, 0x7FFFFFFF, 1))
    attribute = struct.pack("<BIIIH", 1, 0x00069003, length, 0, 0)
    data = struct.pack("<IH", 0x223E9F78, 1) + _times(attribute, size)
    field = b"Content-Disposition: attachment; filename=winmail.dat"
    return _parts(chance, [_part(b"application/ms-tnef", _wrapped(data), field, b"Content-Transfer-Encoding: base64")])


@_kind("format: delivery report")
def _report(chance: Chance, size: int) -> bytes:
    group = b"Final-Recipient: rfc822;a@b.example\r\nAction: failed\r\nStatus: 5.1.1 (" + b"(" * 50 + b"\r\n\r\n"
    status = _part(b"message/delivery-status", b"Reporting-MTA: dns;evil.example\r\n\r\n" + _times(group, size))
    return _parts(chance, [_part(b"text/plain", b"x"), status], b"report; report-type=delivery-status")


@_kind("format: disposition report")
def _disposition(chance: Chance, size: int) -> bytes:
    status = _part(b"message/disposition-notification", _times(b"Disposition: a/b; c\r\n", size))
    return _parts(chance, [_part(b"text/plain", b"x"), status], b"report; report-type=disposition-notification")


@_kind("format: abuse report")
def _abuse(chance: Chance, size: int) -> bytes:
    status = _part(b"message/feedback-report", b"Feedback-Type: abuse\r\n" + _times(b"Reported-Domain: a\r\n", size))
    return _parts(chance, [_part(b"text/plain", b"x"), status], b"report; report-type=feedback-report")


@_kind("format: DMARC report")
def _dmarc(chance: Chance, size: int) -> bytes:
    xml = b"<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b 'ccccc'>]><feedback>" + _times(b"<record>&b;", size)
    field = b"Content-Disposition: attachment; filename=evil.example!localhost!1!2.xml"
    return _parts(chance, [_part(b"text/xml", xml, field)])


@_kind("format: vCard")
def _vcard(chance: Chance, size: int) -> bytes:
    return _parts(chance, [_part(b"text/vcard", b"BEGIN:VCARD\r\n" + _times(b"NOTE:a\r\n b\r\n", size))])


@_kind("format: mailbox of mails")
def _mbox(chance: Chance, size: int) -> bytes:
    return _parts(chance, [_part(b"application/mbox", _times(b"From a\r\nSubject: x\r\n\r\nx\r\n", size))])


@_kind("format: patch")
def _patch(chance: Chance, size: int) -> bytes:
    return _parts(chance, [_part(b"text/x-diff", _times(b"--- a\r\n+++ b\r\n@@ -1,9 +1,9 @@\r\n", size))])


@_kind("format: picture of lies")
def _picture(chance: Chance, size: int) -> bytes:
    data = b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sIIBBBBB", 13, b"IHDR", 0x7FFFFFFF, 0x7FFFFFFF, 16, 6, 0, 0, 1)
    part = _part(b"image/png", _wrapped(data + chance.randbytes(size // 2)), b"Content-Transfer-Encoding: base64")
    return _parts(chance, [part])


@_kind("lines: one line")
def _endless(chance: Chance, size: int) -> bytes:
    return _text(chance, _times(chance.choice((b"a", b"a ", b"http://a.example/", b"\xc3\xa4")), size))


@_kind("lines: bare CR and LF")
def _bare(chance: Chance, size: int) -> bytes:
    return _text(chance, _times(chance.choice((b"a\r", b"a\n", b"a\n\r", b"\r\r\n")), size))


@_kind("lines: no end")
def _unended(chance: Chance, size: int) -> bytes:
    return _head(chance, b"Content-Type: text/plain") + b"\r\n" + b"x" * size
