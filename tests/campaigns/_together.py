"""The programs of one person: each changes the same account by its own protocol, again and again, until it is stopped.

`Ledger` knows what each was told. A value that one program alone writes may be what was last acknowledged; one whose
answer was lost may have been written, or not yet. Texts that many write have a mark for each change: all acknowledged
ones must be there, unless the text was removed with them.
"""

import base64
import contextlib
import http.client
import imaplib
import random
import re
import smtplib
import threading
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from tests.campaigns.kill import insecure
from tests.campaigns.report import Finding
from tests.running import LocalServer

__all__ = [
    "FOLDERS",
    "PARTY",
    "SUBJECT",
    "TWIN",
    "Gone",
    "Ledger",
    "Mailer",
    "Program",
    "Refused",
    "Shell",
    "flags_in",
    "marks_of",
]

FOLDERS: Final = ("INBOX", "Archive", "one", "two")
LOST: Final = 0.02
"""Part of the requests whose connection breaks before they are answered."""

PARTY: Final = "party"
"""UID of the event to which the guest is invited."""

MARK: Final = re.compile(r"\b[a-z]{2}x\d+\b")
SUBJECT: Final = re.compile(r"\b[a-z]{2}m\d+\b")
TWIN: Final = re.compile(r"\b[a-z]{2}t\d+\b")
"""Subjects of messages that are copied, and whose copies have flags of their own: nobody keeps a list of those."""

CONTEXT: Final = insecure()
"""For all: each takes 20 ms of a processor to make."""

Key: TypeAlias = tuple[str, ...]


class Gone(Exception):
    """The connection ended before the answer."""


class Refused(Exception):
    """The server has refused the change."""


def marks_of(text: str) -> set[str]:
    """The marks in an entry or a draft, whose lines may be folded."""
    return {*MARK.findall(re.sub(r"\r?\n[ \t]", "", text))}


@dataclass
class Ledger:
    """What programs know.

    values: by key, what the value may be. late: what a request without an answer may still write. asked, known, void:
    an entry's marks that were requested, acknowledged, and removed with it. calm: no connection breaks.
    """

    lock: threading.RLock = field(default_factory=threading.RLock)
    values: dict[Key, set[object]] = field(default_factory=dict)
    late: dict[Key, set[object]] = field(default_factory=dict)
    asked: dict[str, set[str]] = field(default_factory=dict)
    known: dict[str, set[str]] = field(default_factory=dict)
    void: dict[str, set[str]] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    calm: bool = False

    @contextmanager
    def writing(self, values: Mapping[Key, object], kind: str) -> Iterator[set[Key]]:
        """A request in which its one writer gives keys these values. Gives a set for keys that were refused."""
        refused: set[Key] = set()
        with self.lock:
            before = {key: self.values.get(key, {None}) for key in values}
            self.values |= {key: before[key] | {value} for key, value in values.items()}
        try:
            yield refused
        except Refused:
            refused |= values.keys()
        except Gone:
            with self.lock:
                for key, value in values.items():
                    self.late.setdefault(key, set()).add(value)
            raise
        with self.lock:
            self.values |= {key: {value} | self.late.get(key, set()) for key, value in values.items()}
            self.values |= {key: before[key] | self.late.get(key, set()) for key in refused}
            self.counts[kind] += len(values) - len(refused)
            self.counts["refused"] += len(refused)

    @contextmanager
    def marking(self, marks: Mapping[str, str], kind: str) -> Iterator[set[str]]:
        """A request that adds a mark to each of these texts. Gives a set for texts that were refused."""
        refused: set[str] = set()
        with self.lock:
            for name, mark in marks.items():
                self.asked.setdefault(name, set()).add(mark)
        try:
            yield refused
        except Refused:
            refused |= marks.keys()
        with self.lock:
            for name in marks.keys() - refused:
                self.known.setdefault(name, set()).add(marks[name])
            self.counts[kind] += len(marks) - len(refused)
            self.counts["refused"] += len(refused)

    @contextmanager
    def removing(self, name: str, text: str) -> Iterator[None]:
        """A request that removes a text as it was read. If its answer is lost, it may be gone."""
        try:
            yield
        except Refused:
            with self.lock:
                self.counts["refused"] += 1
            return
        except Gone:
            with self.lock:
                self.void.setdefault(name, set()).update(marks_of(text))
            raise
        with self.lock:
            self.void.setdefault(name, set()).update(marks_of(text))
            self.counts["removals"] += 1

    def settle(self, key: Key, value: object) -> str:
        """What is wrong with a value that was read while nobody writes, "" if nothing."""
        may = self.values.get(key, {None})
        self.values[key] = {value}
        self.late.pop(key, None)
        return "" if value in may else f"{' '.join(key)}: is {value!r}, may be {may!r}"


class Program(ABC):
    """A program of a user, with a name of two letters that is in all that it writes."""

    pace = 0.02
    """Seconds between two steps."""

    def __init__(self, server: LocalServer, ledger: Ledger, name: str, seed: int, user: str = "") -> None:
        self.server, self.ledger, self.name = server, ledger, name
        self.user = user or server.user
        self.chance = random.Random(seed)
        self._numbers = 0
        self._connection: http.client.HTTPSConnection | None = None

    @abstractmethod
    def step(self) -> None:
        """Do something. Raises Gone, Finding."""

    def close(self) -> None:
        """Hang up."""
        if self._connection is not None:
            self._connection.close()
        self._connection = None

    def next(self, kind: str) -> str:
        """A word that nobody else writes: a mark ("x"), or a subject ("m", of a twin "t")."""
        self._numbers += 1
        return f"{self.name}{kind}{self._numbers}"

    def lost(self) -> bool:
        """Whether the connection breaks after the next request."""
        return not self.ledger.calm and self.chance.random() < LOST

    def ask(
        self, method: str, path: str, body: str | bytes = "", **fields: str
    ) -> tuple[int, http.client.HTTPMessage, str]:
        """Status, fields and text of an answer by http. Raises Gone, Finding."""
        secret = base64.b64encode(f"{self.user}:{self.server.password}".encode()).decode()
        headers = {"authorization": f"Basic {secret}"} | {key.replace("_", "-"): one for key, one in fields.items()}
        try:
            if self._connection is None:
                port = self.server.port(443)
                self._connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=60, context=CONTEXT)
            self._connection.request(method, path, body.encode() if isinstance(body, str) else body, headers)
            if self.lost():
                raise ConnectionResetError
            answer = self._connection.getresponse()
            text = answer.read().decode("utf-8", "replace")
        except (OSError, http.client.HTTPException):
            self.close()
            raise Gone from None
        if answer.status == 503:
            self.close()
            raise Gone
        if answer.status >= 500:
            raise Finding(f"{method} {path}: {answer.status} {text[:300]}")
        return answer.status, answer.headers, text


# Mail


class Mailer(Program):
    """Servers that deliver."""

    pace = 0.1

    def step(self) -> None:
        subject = self.next("m")
        octets = (
            f"From: a@example.org\r\nTo: {self.user}\r\nSubject: {subject}\r\nMessage-ID: <{subject}@q>\r\n\r\nx\r\n"
        )
        try:
            with (
                smtplib.SMTP("127.0.0.1", self.server.port(25), timeout=60) as smtp,
                self.ledger.writing({("mail", subject): True}, "deliveries"),
            ):
                try:
                    smtp.sendmail("a@example.org", [self.user], octets.encode())
                except smtplib.SMTPResponseException as error:
                    raise (Gone if error.smtp_code == 421 else Refused) from None
                except (OSError, smtplib.SMTPException):
                    raise Gone from None
        except (OSError, smtplib.SMTPException):
            raise Gone from None


class Shell(Program):
    """A mail program by IMAP; with `resync` it keeps the Inbox over connections by QRESYNC (RFC 7162 §3.2)."""

    def __init__(
        self, server: LocalServer, ledger: Ledger, name: str, seed: int, user: str = "", *, resync: bool = False
    ) -> None:
        super().__init__(server, ledger, name, seed, user)
        self.resync = resync
        self.validity = self.modseq = 0
        self.known: dict[int, frozenset[str]] = {}
        """Flags by UID, of the Inbox."""
        self._imap: imaplib.IMAP4 | None = None

    def close(self) -> None:
        if self._imap is not None:
            with contextlib.suppress(OSError, imaplib.IMAP4.error):
                self._imap.shutdown()
        self._imap = None

    def run(self, name: str, *arguments: str, literal: bytes | None = None) -> dict[str, list[bytes]]:
        """Run a command; its untagged responses by name, of a literal its octets after them. Raises Gone, Refused."""
        try:
            if self._imap is None:
                self._imap = imaplib.IMAP4("127.0.0.1", self.server.port(143), timeout=60)
                self._imap.login(self.user, self.server.password)
                self._imap.untagged_responses.clear()
                if self.resync:
                    self._imap._simple_command("ENABLE", "QRESYNC")
            imap = self._imap
            imap.untagged_responses.clear()
            imap.literal = literal  # type: ignore[assignment]  # octets, as APPEND sets it itself
            tag = imap._command(name, *arguments)
            if self.lost():
                raise ConnectionResetError
            status, data = imap._command_complete(name, tag)
        except (imaplib.IMAP4.error, OSError) as error:
            if isinstance(error, (imaplib.IMAP4.abort, OSError)) or "UNAVAILABLE" in str(error):
                self.close()
                raise Gone from None
            raise Finding(f"IMAP {name} {arguments}: {error}") from None
        if status != "OK":
            raise Refused(f"{name} {arguments}: {data!r}")
        if name in ("SELECT", "EXAMINE"):
            imap.state = "SELECTED"
        found: dict[str, list[bytes]] = {}
        for key, values in imap.untagged_responses.items():
            found[key] = [b" ".join(one) if isinstance(one, tuple) else one for one in values if one is not None]
        return found

    def select(self, folder: str) -> None:
        """Select a folder; with `resync` the Inbox with what is known of it."""
        knows = self.resync and folder == "INBOX"
        since = [f"(QRESYNC ({self.validity} {self.modseq}))"] if knows and self.validity else []
        found = self.run("SELECT", f'"{folder}"', *since)
        if knows:
            self._learn(found)

    def _learn(self, found: Mapping[str, list[bytes]]) -> None:
        validity, modseq = (int(found[name][-1]) for name in ("UIDVALIDITY", "HIGHESTMODSEQ"))
        rows = self.rows(found)
        if validity != self.validity:
            self.known, rows = {}, self.rows(self.run("UID", "FETCH", "1:*", "(FLAGS)"))
        for line in found.get("VANISHED", []):
            for part in line.rpartition(b" ")[2].split(b","):
                low, _, high = part.partition(b":")
                for uid in range(int(low), int(high or low) + 1):
                    self.known.pop(uid, None)
        self.known |= {uid: flags_in(row) for uid, row in rows.items()}
        self.validity, self.modseq = validity, modseq

    def rows(self, found: Mapping[str, list[bytes]]) -> dict[int, bytes]:
        """The responses about messages by UID."""
        rows: dict[int, bytes] = {}
        for line in found.get("FETCH", []):
            if (uid := re.search(rb"\bUID (\d+)", line)) is not None:
                rows[int(uid[1])] = rows.get(int(uid[1]), b"") + line
        return rows

    def step(self) -> None:
        with contextlib.suppress(Refused):
            folder = self.chance.choice(FOLDERS)
            self.select(folder)
            if self.chance.random() < 0.1:
                self._append(folder)
                return
            uids = self.run("UID", "SEARCH", "ALL").get("SEARCH", [b""])[-1].split()
            some = [int(uid) for uid in self.chance.sample(uids, min(len(uids), 4))]
            if some:
                self._change(some)

    def _append(self, folder: str) -> None:
        subject = self.next("m")
        octets = f"Subject: {subject}\r\nMessage-ID: <{subject}@q>\r\n\r\nx\r\n".encode()
        with self.ledger.writing({("mail", subject): True}, "appends"):
            self.run("APPEND", f'"{folder}"', literal=octets)

    def _change(self, uids: Sequence[int]) -> None:
        named = ",".join(map(str, uids))
        rows = self.rows(self.run("UID", "FETCH", named, "(UID BODY.PEEK[HEADER.FIELDS (SUBJECT)])"))
        subjects = {
            uid: word[0].decode() for uid, row in rows.items() if (word := re.search(SUBJECT.pattern.encode(), row))
        }
        self._vary([uid for uid, row in rows.items() if re.search(TWIN.pattern.encode(), row)])
        kind = self.chance.random()
        if kind < 0.3 and (own := [uid for uid, subject in subjects.items() if subject.startswith(self.name)]):
            with self.ledger.writing({("mail", subjects[own[0]]): None}, "removals"):
                self._expunge(str(own[0]), subjects[own[0]])
        elif subjects and kind < 0.6:
            self.run("UID", "MOVE", ",".join(map(str, subjects)), f'"{self.chance.choice(FOLDERS)}"')
        else:
            for uid, subject in subjects.items():
                self._label(uid, subject, on=self.chance.random() < 0.5)

    def _vary(self, twins: Sequence[int]) -> None:
        """Copy twins, and give each copy flags of its own."""
        for uid in twins:
            kind = self.chance.random()
            if kind < 0.3:
                self.run("UID", "COPY", str(uid), f'"{self.chance.choice(FOLDERS)}"')
            else:
                self.run("UID", "STORE", str(uid), self.chance.choice(("+FLAGS", "-FLAGS")), r"(\Seen)")

    def _expunge(self, uid: str, subject: str) -> None:
        self.run("UID", "STORE", uid, "+FLAGS", r"(\Deleted)")
        with self.ledger.lock:  # another program may move it now: then the expunge is of that, and it is there
            self.ledger.late.setdefault(("mail", subject), set()).add(True)
        found = self.run("UID", "EXPUNGE", uid)
        told = b" ".join(found.get("VANISHED", []))
        if not (found.get("EXPUNGE") or told):
            raise Refused  # another program has moved it

    def _label(self, uid: int, subject: str, *, on: bool) -> None:
        with self.ledger.writing({("label", subject, self.name): on}, "flags"):
            found = self.run("UID", "STORE", str(uid), "+FLAGS" if on else "-FLAGS", f"({self.name})")
            row = self.rows(found).get(uid, b"")
            # another program has moved it, before or after; or it tells of another's change before that
            if not row or (self.name in flags_in(row)) != on:
                with self.ledger.lock:
                    self.ledger.late.setdefault(("label", subject, self.name), set()).add(on)
                raise Refused


FLAGS: Final = re.compile(rb"FLAGS \(([^)]*)\)")


def flags_in(row: bytes) -> frozenset[str]:
    """The flags in a response, in lower case, without \\Recent."""
    found = FLAGS.findall(row)
    return (
        frozenset(one.decode().lower() for one in found[-1].split() if one.lower() != b"\\recent")
        if found
        else frozenset()
    )
