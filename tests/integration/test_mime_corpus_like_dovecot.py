"""The messages of fixtures/mime, odd ones and CPython's, answered as Debian's Dovecot answers them.

What differs on purpose is in `ACCEPTED`, each with its reason; anything else that differs fails.
"""

import imaplib
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from moxlite.proto.mime import scan
from tests.integration.test_imap_like_dovecot import Difference, Value, alike, missing, parse
from tests.mime_corpus import corpus, load, sections
from tests.realservers import Dovecot
from tests.running import LocalServer

pytestmark = [pytest.mark.served, pytest.mark.integration, pytest.mark.slow]

STRUCTURES: Final = ("BODY", "BODYSTRUCTURE")

ACCEPTED: Final[list[tuple[str, Callable[[Difference], bool]]]] = [
    ("NIL for a part that does not exist, where Dovecot has an empty string (IMAP-96)", lambda d: missing(d)),
    ("part 1 of a message that is its only part has just the MIME fields as its header (IMAP-98)", lambda d: (
        d.item.endswith("1.MIME]") and lines(d.ours) <= lines(d.theirs))),
    ("the line end before a boundary belongs to the boundary, also behind an inner closing boundary (RFC 2046 §5.1.1)",
     lambda d: d.item.startswith("BODY[") and isinstance(d.ours, bytes) and d.theirs == d.ours + b"\r\n"),
    ("a part's header ends with the blank line, also when nothing follows (IMAP-98)", lambda d: (
        d.item.endswith(".MIME]") and isinstance(d.theirs, bytes) and d.ours == d.theirs + b"\r\n")),
    ("white space within a field stays as it is, Dovecot joins it", lambda d: (
        d.item == "ENVELOPE" and alike(joined(d.ours), joined(d.theirs)))),
    ("a type that can't be read is an octet stream, a bare text plain text; Dovecot has empty words", lambda d: (
        d.message in ("msg_14", "types-odd") and d.item in STRUCTURES)),
    ("a message whose first line is no field is an octet stream (IMAP-104)", lambda d: (
        d.message == "msg_19" and d.item in STRUCTURES)),
    ("a multipart in which no part begins is its text, Dovecot shows an empty one (STORE-53)", lambda d: (
        d.message in ("msg_17", "msg_25", "msg_31", "msg_41", "boundary-empty"))),
    ("parameters in pieces are joined and decoded if ASCII, else as written, in their order (IMAP-103)", lambda d: (
        d.message in ("msg_29", "msg_32", "parameters-in-pieces") and d.item in STRUCTURES)),
    ("a boundary may be an extended parameter (RFC 2231 §4), which Dovecot does not see", lambda d: (
        d.message == "msg_33")),
    ("a comment names a mailbox also before it; a blank in an address does not end the list", lambda d: (
        (d.message, d.item) == ("addresses", "ENVELOPE"))),
    ("a boundary over 70 octets is compared whole, Dovecot finds another part behind the end", lambda d: (
        d.message == "boundary-long" and d.item in STRUCTURES)),
    ("a delimiter line is the boundary and blanks (RFC 2046 §5.1.1), Dovecot takes any line that begins so", lambda d: (
        d.message == "boundary-with-blanks")),
    ("comments are read at the end of a value only: names of files with parentheses are met more often", lambda d: (
        d.message == "comments-in-type" and d.item in STRUCTURES)),
    ("a control character does not end an address", lambda d: (
        (d.message, d.item) == ("control-characters", "ENVELOPE"))),
    ("a quoted or unknown transfer encoding is told", lambda d: d.message == "encodings" and d.item in STRUCTURES),
    ("the first of duplicate fields wins (IMAP-102)", lambda d: (d.message, d.item) == ("fields-twice", "ENVELOPE")),
    ("a message/rfc822 part must not be encoded (RFC 2045 §6.4): it is opaque", lambda d: (
        d.message == "message-in-base64" and d.item in STRUCTURES)),
    ("a value with blanks that should be quoted is taken whole", lambda d: (
        d.message == "parameters-unquoted" and d.item in STRUCTURES)),
]  # fmt: skip


def lines(value: Value) -> set[bytes]:
    """The lines of a section."""
    return set(value.split(b"\r\n")) - {b""} if isinstance(value, bytes) else set()


def joined(value: Value) -> Value:
    """With one space where there is white space."""
    if isinstance(value, list):
        return [joined(inner) for inner in value]
    return b" ".join(value.split()) if isinstance(value, bytes) else value


def fetch(session: imaplib.IMAP4, number: int, items: list[str]) -> dict[str, Value]:
    """The values of one message's items, by name."""
    code, answer = session.fetch(str(number), f"({' '.join(items)})")
    assert code == "OK", answer
    whole = b""
    for part in answer:
        whole += b"\r\n".join(part) if isinstance(part, tuple) else part or b""
    found = parse(whole)
    assert isinstance(found, list)
    values = found[1]
    assert isinstance(values, list)
    return {
        name.decode().upper(): value
        for name, value in zip(values[::2], values[1::2], strict=True)
        if isinstance(name, bytes)
    }


@pytest.mark.nightly(smoke="tests/integration/test_imap_like_dovecot.py::test_structures_are_those_of_dovecot")
def test_the_corpus_is_answered_as_dovecot_does(shared: LocalServer) -> None:
    """IMAP-97, IMAP-98, IMAP-102, IMAP-103, IMAP-178, IMAP-179"""
    unknown: list[Difference] = []
    with (
        tempfile.TemporaryDirectory(prefix="moxlite-compare-", ignore_cleanup_errors=True) as name,
        Dovecot(Path(name) / "dovecot") as theirs,
    ):
        sessions = imaplib.IMAP4("127.0.0.1", shared.port(143)), imaplib.IMAP4("127.0.0.1", theirs.port)
        for session, user in zip(sessions, (shared.user, "someone"), strict=True):
            session.login(user, "moxmoxmox")
            for path in corpus():
                code, answer = session.append("INBOX", "", imaplib.Time2Internaldate(1_790_000_000), load(path))
                assert code == "OK", answer
            session.select("INBOX")
        for number, path in enumerate(corpus(), 1):
            names = [".".join([*map(str, part), kind]).strip(".") for part, kind in sections(scan(load(path)).root)]
            items = ["ENVELOPE", "BODY", "BODYSTRUCTURE", "RFC822.SIZE", *(f"BODY.PEEK[{n}]" for n in names)]
            mine, other = (fetch(session, number, items) for session in sessions)
            for item, value in other.items():
                difference = Difference(path.stem, item, mine[item], value)
                if not alike(mine[item], value) and not any(accepts(difference) for _, accepts in ACCEPTED):
                    unknown.append(difference)
        for session in sessions:
            session.logout()
    assert not unknown, "\n".join(f"{d.message}, {d.item}\n  ours   {d.ours!r}\n  theirs {d.theirs!r}" for d in unknown)
