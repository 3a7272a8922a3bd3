"""FETCH and SEARCH answered as Debian's Dovecot answers them, over a corpus of sound and of broken messages.

What differs on purpose is in `ACCEPTED`, each with its reason; anything else that differs fails. Both answers are
parsed into values first, so that quoting and the case of what has no case do not count.
"""

import imaplib
import re
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, NamedTuple, TypeAlias

import pytest

from tests.realservers import Dovecot
from tests.running import LocalServer
from tests.tools import top

pytestmark = [pytest.mark.served, pytest.mark.integration, pytest.mark.slow]

Value: TypeAlias = "bytes | list[Value] | None"

PLAIN = "From: a@example.org\r\nSubject: s\r\nDate: Fri, 20 Nov 2026 07:00:00 +0100\r\n"
NESTED = (
    f"{PLAIN}MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=A\r\n\r\npre\r\n"
    "--A\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nx=C3=BC\r\n"
    "--A\r\nContent-Type: message/rfc822\r\n\r\nSubject: in\r\nTo: b@example.org\r\n"
    "Content-Type: multipart/alternative; boundary=B\r\n\r\n--B\r\n\r\nplain\r\n--B\r\nContent-Type: text/html\r\n\r\n"
    "<p>x</p>\r\n--B--\r\n"
    '--A\r\nContent-Type: application/pdf; name="a.pdf"\r\nContent-Disposition: attachment; filename="a.pdf"\r\n'
    "Content-Transfer-Encoding: base64\r\nContent-ID: <1@x>\r\nContent-Description: d\r\nContent-Language: de\r\n"
    "Content-MD5: Q2hlY2s=\r\nContent-Location: https://x/\r\n\r\nAAEC\r\n"
    "--A\r\nContent-Type: message/rfc822\r\n\r\nSubject: leaf\r\n\r\nleaf text\r\n--A--\r\nepilogue\r\n"
)
CORPUS: Final[dict[str, str]] = {
    "no header": "\r\njust text\r\n",
    "no body": f"{PLAIN}\r\n",
    "no end of line": f"{PLAIN}\r\nno end",
    "plain": f"{PLAIN}\r\none\r\ntwo\r\n",
    "nested": NESTED,
    "digest": f"{PLAIN}Content-Type: multipart/digest; boundary=D\r\n\r\n--D\r\n\r\nSubject: one\r\n\r\nx\r\n--D--\r\n",
    "no closing boundary": f"{PLAIN}Content-Type: multipart/mixed; boundary=C\r\n\r\n--C\r\n\r\nunended\r\n",
    "boundary in quotes": f'{PLAIN}Content-Type: multipart/mixed; boundary="a b"\r\n\r\n--a b\r\n\r\nx\r\n--a b--\r\n',
    "addresses": (
        'From: "Last, First" <a@example.org>, b@example.org (Comment)\r\nSender: s@example.org\r\n'
        "To: Group: one@example.com, Two <two@example.com>;, three@example.com\r\nCc: undisclosed-recipients:;\r\n"
        "Bcc: Bcc <bcc@example.org>\r\nReply-To: r@example.org\r\nSubject: =?utf-8?q?gr=C3=BC?= raw\r\n"
        "In-Reply-To: <x@y>\r\nMessage-ID: <m@n>\r\nDate: 20 Nov 26 07:00 GMT\r\n\r\nx\r\n"
    ),
    "folded": (
        "From: a@example.org\r\nSubject: a\r\n b\r\n\tc\r\nReceived: from x\r\n\tby y\r\nReceived: two\r\n"
        "X-Empty:\r\n\r\nx\r\n"
    ),
    "odd addresses": "From: nobody\r\nTo: <>\r\nCc: @x\r\nReply-To: a b c\r\nSubject:\r\n\r\nx\r\n",
    "8 bit": "From: Jörg <j@example.org>\r\nSubject: grüße\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nüß\r\n",
    "parameters": (
        f'{PLAIN}Content-Type: text/plain; charset=us-ascii; format=flowed; delsp="yes"\r\n'
        "Content-Disposition: inline\r\n\r\nx\r\n"
    ),
    "rfc2231": f"{PLAIN}Content-Type: text/plain; name*0=long; name*1=er\r\n\r\nx\r\n",
    "unknown encoding": f"{PLAIN}Content-Transfer-Encoding: x-odd\r\n\r\nx\r\n",
    "bad type": f"{PLAIN}Content-Type: nonsense\r\n\r\nx\r\n",
    "empty multipart": f"{PLAIN}Content-Type: multipart/mixed; boundary=E\r\n\r\nno parts\r\n",
    "languages": f"{PLAIN}Content-Language: de, en\r\n\r\nx\r\n",
}

SECTIONS: Final = [
    "",
    "HEADER",
    "TEXT",
    "1",
    "1.MIME",
    "2",
    "2.MIME",
    "2.HEADER",
    "2.TEXT",
    "2.1",
    "2.2",
    "2.2.MIME",
    "3",
    "4",
    "4.1",
    "4.HEADER",
    "HEADER.FIELDS (SUBJECT RECEIVED X-EMPTY)",
    "HEADER.FIELDS.NOT (SUBJECT)",
    "2.HEADER.FIELDS (SUBJECT)",
]

SEARCHES: Final = [
    "ALL",
    "SUBJECT s",
    'SUBJECT "a b"',
    "FROM last",
    "TO two@",
    "CC undisclosed",
    "BCC bcc",
    "BODY plain",
    "BODY leaf",
    "TEXT subject",
    "TEXT example.org",
    'HEADER X-Empty ""',
    'HEADER Content-Disposition ""',
    "SENTON 20-Nov-2026",
    "SENTBEFORE 20-Nov-2026",
    "SENTSINCE 21-Nov-2026",
    "LARGER 200",
    "SMALLER 200",
    "OR SUBJECT s FROM nobody",
    "NOT BODY x",
    "NOT (FROM a@example.org SUBJECT s)",
    "1:3",
    "*",
    "UID 2:4",
    "UNSEEN",
    "SEEN",
    "NOT SENTSINCE 1-Jan-2000",
]


class Difference(NamedTuple):
    """An answer that is not the same."""

    message: str
    item: str
    ours: Value
    theirs: Value


ACCEPTED: Final[list[tuple[str, Callable[[Difference], bool]]]] = [
    ("NIL for a part that does not exist, where Dovecot has an empty string (IMAP-96)", lambda d: missing(d)),
    ("part 1 of a message that is its only part has just the MIME fields as its header (IMAP-98)", lambda d: (
        d.item.startswith("BODY.PEEK[1.MIME]") and "nested" not in d.message)),
    ("the line end before a boundary belongs to the boundary, also behind an inner closing boundary (RFC 2046 §5.1.1)",
     lambda d: isinstance(d.ours, bytes) and d.theirs == d.ours + b"\r\n"),
    ("a part that is no multipart has no part 1 of its own (RFC 9051 §6.4.5.1)", lambda d: (
        d.message == "attachment" and d.item.startswith("BODY.PEEK[2.1]"))),
    ("a multipart without a boundary is a text, Dovecot shows an empty one (IMAP-104)", lambda d: (
        d.message in ("broken", "bad type"))),
    ("a multipart in which no part begins has its text as its only part, Dovecot an empty one (STORE-52a)", lambda d: (
        d.message == "empty multipart" and (d.item in ("BODY", "BODYSTRUCTURE") or d.item.startswith("BODY.PEEK[1]")))),
    ("compared folded: ß is ss (IMAP-121)", lambda d: d.message in ("8 bit", "attachment") and "SUBJECT s" in d.item),
    ("without a Date field no SENT key matches (IMAP-122)", lambda d: d.item.startswith("SENTBEFORE")),
    ("a tab that folds a line stays a tab", lambda d: (d.message, d.item) == ("folded", "ENVELOPE")),
    ("an unknown transfer encoding is named", lambda d: (
        d.message == "unknown encoding" and d.item in ("BODY", "BODYSTRUCTURE"))),
    ("Content-Language of the message is told", lambda d: (d.message, d.item) == ("languages", "BODYSTRUCTURE")),
    ("one language is a string, Dovecot has a list", lambda d: (d.message, d.item) == ("nested", "BODYSTRUCTURE")),
    ("parameters in pieces stand as they were written (IMAP-103), Dovecot joins and reorders them", lambda d: (
        d.message == "attachment" and d.item in ("BODY", "BODYSTRUCTURE"))),
    ("headers of embedded messages are searched (IMAP-121)", lambda d: (
        (d.message, d.item) == ("forward", "NOT BODY x"))),
    ("text of an unknown transfer encoding is searched as it stands", lambda d: (
        d.message == "unknown encoding" and "BODY x" in d.item)),
]  # fmt: skip


def missing(d: Difference) -> bool:
    """Whether we say NIL and they say nothing."""
    return d.ours is None and d.theirs == b""


_TOKEN: Final = re.compile(
    rb'(?:BODY|BINARY(?:\.SIZE)?)\[[^\]]*\](?:<\d+>)?|\(|\)|"((?:[^"\\]|\\.)*)"|~?\{(\d+)\}\r\n|([^\s()"{\[]+(?:\[[^\]]*\](?:<\d+>)?)?)',
    re.DOTALL,
)


def parse(octets: bytes) -> Value:
    """The value of a FETCH answer: NIL is None, strings are octets, lists are lists."""
    stack: list[list[Value]] = [[]]
    at = 0
    while match := _TOKEN.search(octets, at):
        at = match.end()
        token = match[0]
        if token == b"(":
            stack.append([])
        elif token == b")":
            inner = stack.pop()
            stack[-1].append(inner)
        elif match[2] is not None:
            stack[-1].append(octets[at : at + int(match[2])])
            at += int(match[2])
        elif match[1] is not None:
            stack[-1].append(re.sub(rb"\\(.)", rb"\1", match[1]))
        else:
            stack[-1].append(None if token.upper() == b"NIL" else token)
    return stack[0]


class Session:
    """One of the two servers, with the corpus in its Inbox."""

    def __init__(self, port: int, user: str) -> None:
        self.imap = imaplib.IMAP4("127.0.0.1", port)
        self.imap.login(user, "moxmoxmox")
        for text in CORPUS.values():
            code, answer = self.imap.append("INBOX", "", imaplib.Time2Internaldate(1_790_000_000), text.encode())
            assert code == "OK", answer
        self.imap.select("INBOX")

    def fetch(self, number: int, item: str) -> Value:
        """The value of one message's item."""
        code, answer = self.imap.fetch(str(number), f"({item})")
        assert code == "OK", answer
        whole = b""
        for part in answer:
            whole += b"\r\n".join(part) if isinstance(part, tuple) else part or b""
        found = parse(whole)
        assert isinstance(found, list)
        items = found[1]
        assert isinstance(items, list)
        values = {
            name.upper(): value for name, value in zip(items[::2], items[1::2], strict=True) if isinstance(name, bytes)
        }
        values.pop(b"UID", None)
        (value,) = values.values()
        return value

    def search(self, program: str) -> list[int]:
        """The numbers found."""
        code, answer = self.imap.search(None, program)
        assert code == "OK", answer
        return [int(number) for number in (answer[0] or b"").split()]


@pytest.fixture(scope="module")
def servers() -> Iterator[tuple[Session, Session]]:
    """moxlite and Dovecot. Not below pytest's folder, which another run of pytest may close to Dovecot's user."""
    for path in sorted((top() / "fixtures/mime").glob("*.eml")):
        CORPUS[path.stem] = path.read_text().replace("\n", "\r\n")
    with tempfile.TemporaryDirectory(prefix="moxlite-compare-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        with LocalServer(folder / "moxlite") as ours, Dovecot(folder / "dovecot") as theirs:
            yield Session(ours.port(143), ours.user), Session(theirs.port, "someone")


def alike(ours: Value, theirs: Value) -> bool:
    """Whether two structures are the same, but for what `leaf` smooths out and the case of words without case."""
    if isinstance(ours, list) and isinstance(theirs, list):
        mine, other = leaf(ours), leaf(theirs)
        return len(mine) == len(other) and all(map(alike, mine, other))
    return upper(ours) == upper(theirs)


def leaf(part: list[Value]) -> list[Value]:
    """A part without what differs on purpose.

    Our count of lines has an unterminated last one (IMAP-103); sizes of messages do not have the line end between two
    boundaries; ``charset=us-ascii`` is not added to a text that has other parameters.
    """
    kind = part[0] if part else None
    if not isinstance(kind, bytes) or kind.upper() not in (b"TEXT", b"MESSAGE") or len(part) < 8:
        return part
    found: list[Value] = list(part)
    parameters = found[2] if isinstance(found[2], list) else []
    named = {
        name.upper(): value
        for name, value in zip(parameters[::2], parameters[1::2], strict=True)
        if isinstance(name, bytes)
    }
    if named.get(b"CHARSET") == b"us-ascii":
        del named[b"CHARSET"]
    found[2] = [word for pair in sorted(named.items()) for word in pair] or None
    if kind.upper() == b"TEXT":
        del found[7]
    if kind.upper() == b"MESSAGE":
        del found[9], found[6]
    return found


def upper(value: Value) -> Value:
    """Octets in upper case."""
    return value.upper() if isinstance(value, bytes) else value


def report(differences: list[Difference]) -> None:
    """Fail for those that nobody has accepted."""
    unknown = [d for d in differences if not any(accepts(d) for _, accepts in ACCEPTED)]
    assert not unknown, "\n".join(f"{d.message}, {d.item}\n  ours   {d.ours!r}\n  theirs {d.theirs!r}" for d in unknown)


def test_structures_are_those_of_dovecot(servers: tuple[Session, Session]) -> None:
    """IMAP-102, IMAP-103, IMAP-178"""
    ours, theirs = servers
    differences: list[Difference] = []
    for number, name in enumerate(CORPUS, 1):
        for item in ("ENVELOPE", "BODY", "BODYSTRUCTURE", "RFC822.SIZE", "INTERNALDATE"):
            pair = ours.fetch(number, item), theirs.fetch(number, item)
            if not alike(*pair):
                differences.append(Difference(name, item, *pair))
    report(differences)


def test_sections_are_those_of_dovecot(servers: tuple[Session, Session]) -> None:
    """IMAP-97, IMAP-98, IMAP-99, IMAP-178"""
    ours, theirs = servers
    differences: list[Difference] = []
    for number, name in enumerate(CORPUS, 1):
        for section in SECTIONS:
            for partial in ("", "<3.5>"):
                item = f"BODY.PEEK[{section}]{partial}"
                pair = ours.fetch(number, item), theirs.fetch(number, item)
                if pair[0] != pair[1]:
                    differences.append(Difference(name, item, *pair))
    report(differences)


def test_decoded_parts_are_those_of_dovecot(servers: tuple[Session, Session]) -> None:
    """IMAP-100, IMAP-178"""
    ours, theirs = servers
    differences: list[Difference] = []
    number = list(CORPUS).index("nested") + 1
    for part in ("1", "2.1", "2.2", "3", "4.1"):
        for item in (f"BINARY.PEEK[{part}]", f"BINARY.SIZE[{part}]"):
            pair = ours.fetch(number, item), theirs.fetch(number, item)
            if pair[0] != pair[1]:
                differences.append(Difference("nested", item, *pair))
    report(differences)


def test_searches_find_what_dovecot_finds(servers: tuple[Session, Session]) -> None:
    """IMAP-119, IMAP-121, IMAP-122, IMAP-178"""
    ours, theirs = servers
    differences: list[Difference] = []
    names = list(CORPUS)
    for program in SEARCHES:
        found = ours.search(program), theirs.search(program)
        differences += [
            Difference(names[number - 1], program, *(b"found" if number in side else b"" for side in found))
            for number in set(found[0]) ^ set(found[1])
        ]
    report(differences)
