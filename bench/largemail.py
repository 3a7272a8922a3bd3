"""Twenty years of mail, from a seed: 2005 to 2024, 16 kB a message, for `bench.large`.

Three fifths are in the Archive, three tenths in the Inbox, the rest in 300 folders. 8 % have a file, 42 % have HTML,
and some in the Archive have 20 MB. Two fifths answer an earlier message; the Inbox has a thread of a thousand. One
message in fifty is unread.
"""

import base64
import itertools
import random
import time
from collections.abc import Iterator
from email.utils import formatdate
from typing import Final, NamedTuple

__all__ = ["ADDRESS", "COMMON", "Letter", "Mail", "rare"]

ADDRESS: Final = "mia@localhost"
FOLDERS: Final = 300
SHARES: Final = {"Archive": 0.6, "Inbox": 0.3}
"""Shares of all messages; `FOLDERS` have the rest."""

THREAD: Final = 1_000
"""Messages of the longest thread, but no more than a hundredth of the Inbox."""

LARGE: Final = 15_000_000
"""Octets of the largest files, before base64."""

BETWEEN_LARGE: Final = 20_000
"""Messages of the Archive to one with such a file."""

FIRST: Final = 1_104_537_600
LAST: Final = 1_735_689_600
"""Seconds of the epoch."""

COMMON: Final = "people"
"""A word of most messages."""

WORDS: Final = [
    "the", "of", "and", "to", "in", "is", "that", "for", "it", "was", "on", "with", "as", "be", "at", "by",
    "this", "have", "from", "or", "one", "had", "not", "but", "what", "all", "were", "when", "we", "there",
    "can", "an", "your", "which", "their", "if", "do", "will", "each", "how", "them", "then", "many", "some",
    "so", "these", "would", "other", "into", "has", "more", "her", "two", "like", "him", "see", "time", "could",
    "no", "make", "than", "first", "been", "its", "who", "now", "people", "my", "made", "over", "did", "down",
    "only", "way", "find", "use", "may", "water", "long", "little", "very", "after", "words", "called", "just",
    "where", "most", "know",
]  # fmt: skip
CONSONANTS: Final = [
    "b", "c", "d", "f", "g", "h", "k", "l", "m", "n", "p", "r", "s", "t", "v", "w", "z", "st", "tr", "pl", "ch",
]  # fmt: skip
VOWELS: Final = ["a", "e", "i", "o", "u", "ei", "au"]


class Letter(NamedTuple):
    """A message with CR LF, when it was received (seconds of the epoch), and whether it's read and flagged."""

    octets: bytes
    received: int
    seen: bool
    flagged: bool


class _Thread(NamedTuple):
    subject: str
    message_ids: list[str]


def rare(number: int) -> str:
    """A word that only the message of this number in the Archive has."""
    return f"codeq{number:07}"


class Mail:
    """So many messages. What is asked for twice is the same.

    Attributes:
      total: number of all messages.
      folders: the names of the folders, and the numbers of their messages.
    """

    def __init__(self, messages: int) -> None:
        self.total: Final = messages
        self.folders: Final = _folders(messages)
        choose = random.Random(7)  # what all folders share
        syllables = ["".join(one) for one in itertools.product(CONSONANTS, VOWELS)]
        self._words = sorted({"".join(choose.choices(syllables, k=choose.randint(1, 4))) for _ in range(60_000)})
        choose.shuffle(self._words)
        self._weights = list(itertools.accumulate(1 / (place + 10) for place in range(len(self._words))))
        self._paragraphs = [self._paragraph(choose) for _ in range(3_000)]
        self._subjects = [" ".join(self._some(choose, choose.randint(2, 8))) for _ in range(20_000)]
        self._people = [self._person(choose) for _ in range(3_000)]
        sizes = [min(900_000, max(3_000, int(choose.lognormvariate(11, 1)))) for _ in range(200)]
        self._files = [_file(choose, size) for size in sizes]

    def letters(self, folder: str) -> Iterator[Letter]:
        """The messages of a folder, the oldest first."""
        count, choose = self.folders[folder], random.Random(folder)
        long = min(THREAD, count // 100) if folder == "Inbox" else 0
        in_long = set(choose.sample(range(count // 2, count), long))
        longest: _Thread | None = None
        recent: list[_Thread] = []
        for number in range(count):
            thread: _Thread | None = None
            if number in in_long:
                thread = longest
            elif recent and choose.random() < 0.45:
                thread = choose.choice(recent)
            if thread is None:
                thread = _Thread(choose.choice(self._subjects), [])
                if number in in_long:
                    longest = thread
                else:
                    recent = [*recent[-59:], thread]
            large = folder == "Archive" and number % BETWEEN_LARGE == BETWEEN_LARGE // 2
            yield self._letter(choose, folder, number, thread, FIRST + (LAST - FIRST) * number // count, large=large)

    def mbox(self, folder: str) -> Iterator[bytes]:
        """The messages of a folder as lines of an mbox."""
        for letter in self.letters(folder):
            states = b"Status: RO\n" if letter.seen else b"Status: O\n"
            if letter.flagged:
                states += b"X-Status: F\n"
            head = f"From sender@example.org {time.asctime(time.gmtime(letter.received))}\n".encode()
            yield head + states + letter.octets.replace(b"\r\n", b"\n").replace(b"\nFrom ", b"\n>From ") + b"\n"

    def _letter(
        self, choose: random.Random, folder: str, number: int, thread: _Thread, received: int, *, large: bool
    ) -> Letter:
        name, address = choose.choice(self._people)
        message_id = f"<{folder}.{number}.{choose.getrandbits(48):x}@mail.example>".replace("/", ".")
        earlier = thread.message_ids
        relay = f"mx.{address.partition('@')[2]} (mx [192.0.2.{choose.randint(1, 250)}])"
        fields = [
            f"Return-Path: <{address}>",
            f"Received: from {relay} by in.example with ESMTPS id {choose.getrandbits(60):x}; {formatdate(received)}",
            f"From: {name} <{address}>",
            f"To: Mia <{ADDRESS}>",
            f"Subject: {'Re: ' if earlier else ''}{thread.subject}",
            f"Date: {formatdate(received)}",
            f"Message-ID: {message_id}",
            "MIME-Version: 1.0",
        ]
        if choose.random() < 0.3:
            fields.append("Cc: " + ", ".join(f"{name} <{address}>" for name, address in choose.sample(self._people, 3)))
        if earlier:
            fields += [f"In-Reply-To: {earlier[-1]}", "References: " + "\r\n ".join(earlier[:1] + earlier[1:][-8:])]
        earlier.append(message_id)
        del earlier[1:-12]
        paragraphs = choose.choices(self._paragraphs, k=min(60, max(1, int(choose.lognormvariate(1.4, 0.9)))))
        word = rare(number) if folder == "Archive" else f"n{choose.getrandbits(40):x}"
        content = self._content(choose, "\r\n\r\n".join([*paragraphs, f"ref {word}\r\n"]), large=large)
        octets = ("\r\n".join(fields) + "\r\n" + content).encode()
        return Letter(octets, received, choose.random() >= 1 / 50, choose.random() < 0.02)

    def _content(self, choose: random.Random, text: str, *, large: bool) -> str:
        kind = 0.0 if large else choose.random()
        if kind >= 0.5:
            return f"Content-Type: text/plain; charset=utf-8\r\n\r\n{text}"
        boundary = f"b{choose.getrandbits(40):x}"
        plain = f"--{boundary}\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{text}\r\n--{boundary}\r\n"
        if kind >= 0.08:
            html = "<html><body><p>" + text.replace("\r\n\r\n", "</p>\r\n<p>") + "</p></body></html>\r\n"
            subtype, part = "alternative", f"Content-Type: text/html; charset=utf-8\r\n\r\n{html}"
        else:
            file = _file(choose, LARGE) if large else choose.choice(self._files)
            name = f"f{choose.getrandbits(30)}.bin"
            subtype, part = (
                "mixed",
                (
                    f'Content-Type: application/octet-stream; name="{name}"\r\n'
                    f'Content-Disposition: attachment; filename="{name}"\r\nContent-Transfer-Encoding: base64\r\n\r\n'
                    f"{base64.b64encode(name.encode()).decode()}\r\n{file}"
                ),
            )
        return f'Content-Type: multipart/{subtype}; boundary="{boundary}"\r\n\r\n{plain}{part}\r\n--{boundary}--\r\n'

    def _some(self, choose: random.Random, count: int) -> list[str]:
        words = choose.choices(self._words, cum_weights=self._weights, k=count)
        words[::2] = choose.choices(WORDS, k=len(words[::2]))
        return words

    def _paragraph(self, choose: random.Random) -> str:
        lines = [""]
        for word in self._some(choose, choose.randint(40, 220)):
            if len(lines[-1]) + len(word) > 72:
                lines.append(word)
            else:
                lines[-1] = f"{lines[-1]} {word}".strip()
        return "\r\n".join(lines)

    def _person(self, choose: random.Random) -> tuple[str, str]:
        first, last, host = choose.choices(self._words, k=3)
        return f"{first.title()} {last.title()}", f"{first}.{last}@{host}.example"


def _folders(messages: int) -> dict[str, int]:
    """Names and numbers of messages."""
    counts = {name: round(messages * share) for name, share in SHARES.items()}
    left = messages - sum(counts.values())
    number = min(FOLDERS, left)
    return counts | {f"Projects/p{at:03}": left // number + (at < left % number) for at in range(number)}


def _file(choose: random.Random, size: int) -> str:
    return base64.encodebytes(choose.randbytes(size)).decode().replace("\n", "\r\n").removesuffix("\r\n")
