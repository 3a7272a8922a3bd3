"""Made-up ham and spam on which a junk filter has to prove itself: `Corpus(seed).half("train")`, `.half("test")`.

What makes it hard, and like real mail:

- No word alone tells the classes apart. Both halves and both classes draw from one background vocabulary of 4 000 words
  and 60 words of newsletters; a word is only somewhat more frequent in one of the classes, and most are rare, so a
  message has to be judged by many weak signs.
- Everything else is of one half only: the people, hosts, and the words of what the letters are about and of the spam
  campaigns. A filter that learns these by heart knows nothing about the other half.
- Every fourth spam quotes a letter of its half; every fortieth is made up as a newsletter.
- Every eighth ham is a newsletter: HTML with links and pictures, a third of its words from spam.
- Every sixth ham is an answer of a few words above a quotation.
- Both classes come as plain text, quoted-printable, base64 and HTML, from the same kinds of addresses.
"""

from __future__ import annotations

import base64
import quopri
import random
from collections.abc import Sequence
from itertools import accumulate
from typing import Final

__all__ = ["Corpus"]

BACKGROUND: Final = 4000
GRAMMAR: Final = 150
NEWSLETTER_WORDS: Final = 60
QUOTING: Final = 4
NEWSLETTER: Final = 8
TOPICS: Final = 60
TOPIC_WORDS: Final = 40
PEOPLE: Final = 150
HOSTS: Final = 60

ONSETS: Final = ("b", "d", "f", "g", "h", "k", "l", "m", "n", "p", "r", "s", "t", "v", "w", "z", "br", "st", "tr", "pl")
SYLLABLES: Final = [onset + vowel + coda for onset in ONSETS for vowel in "aeiou" for coda in ("", "n", "r", "s", "l")]


class Vocabulary:
    """Words, some of them drawn more often than others."""

    def __init__(self, words: Sequence[str], weights: Sequence[float]) -> None:
        self.words = words
        self.sums = list(accumulate(weights))

    def draw(self, rng: random.Random, count: int) -> list[str]:
        return rng.choices(self.words, cum_weights=self.sums, k=count)


def invent(rng: random.Random, count: int, known: set[str]) -> list[str]:
    """So many words that were not used yet."""
    found: list[str] = []
    while len(found) < count:
        word = "".join(rng.choices(SYLLABLES, k=rng.choice((1, 2, 2, 2, 3))))
        if len(word) >= 3 and word not in known:
            known.add(word)
            found.append(word)
    return found


class Corpus:
    """All that is made from one seed: the same seed gives the same octets."""

    def __init__(self, seed: int = 1) -> None:
        rng = random.Random(f"background {seed}")
        self.seed = seed
        self.known: set[str] = set()
        self.background = invent(rng, BACKGROUND, self.known)
        ham: list[float] = []
        spam: list[float] = []
        for rank in range(BACKGROUND):
            # As in languages: the n-th word has a frequency of 1/n. The first ones are grammar, and say nothing.
            weight = 1 / (rank + 20)
            lean = rng.gauss(0, 1.5) if rank >= GRAMMAR else 0.0
            ham.append(weight * 2 ** (-lean))
            spam.append(weight * 2**lean)
        self.ham = Vocabulary(self.background, ham)
        self.spam = Vocabulary(self.background, spam)
        register = invent(rng, NEWSLETTER_WORDS, self.known)
        self.newsletters = Vocabulary(register, [1] * NEWSLETTER_WORDS)
        # Made here, one after the other, so that the halves share none of them.
        self._halves = {name: _Half(self, random.Random(f"{name} {seed}")) for name in ("train", "test")}

    def topics(self, name: str) -> list[list[str]]:
        """What the letters of a half are about: the words of each topic."""
        return self._halves[name].topics

    def campaigns(self, name: str) -> list[list[str]]:
        """The words of each campaign of spam of a half."""
        return self._halves[name].campaigns

    def half(self, name: str, hams: int = 500, spams: int = 500) -> tuple[list[bytes], list[bytes]]:
        """The first messages of the half ``train`` or ``test``: ham, spam."""
        half = self._halves[name]
        rng = random.Random(f"{name} messages {self.seed}")
        letters = [half.ham(rng, number) for number in range(hams)]
        ham = [letter for letter, _ in letters]
        return ham, [half.spam(rng, number, [text for _, text in letters]) for number in range(spams)]


class _Half:
    """The people, hosts and topics of one half."""

    def __init__(self, corpus: Corpus, rng: random.Random) -> None:
        self.corpus = corpus
        self.topics = [invent(rng, TOPIC_WORDS, corpus.known) for _ in range(TOPICS)]
        self.campaigns = [invent(rng, TOPIC_WORDS, corpus.known) for _ in range(TOPICS)]
        self.people = invent(rng, PEOPLE, corpus.known)
        self.hosts = [f"{name}.example" for name in invent(rng, HOSTS, corpus.known)]
        self.owner = rng.choice(self.people)

    def ham(self, rng: random.Random, number: int) -> tuple[bytes, str]:
        """A letter and its text."""
        topic = rng.choice(self.topics)
        match number:
            case _ if number % NEWSLETTER == 3:
                mixed = {self.corpus.ham: 5, self.corpus.spam: 3, self.corpus.newsletters: 2}
                body = self._words(rng, topic, rng.randrange(120, 350), mixed)
                return self._message(rng, body, html=True, links=rng.randrange(2, 9)), body
            case _ if number % 6 == 1:
                answer = self._words(rng, topic, rng.randrange(12, 25), {self.corpus.ham: 1})
                quoted = self._words(rng, topic, rng.randrange(40, 120), {self.corpus.ham: 1})
                body = f"{answer}\n\n{_quote(quoted)}"
            case _:
                body = self._words(rng, topic, rng.randrange(40, 300), {self.corpus.ham: 1})
        return self._message(rng, body, html=rng.random() < 0.3, links=rng.choice((0, 0, 1))), body

    def spam(self, rng: random.Random, number: int, letters: Sequence[str]) -> bytes:
        of = {self.corpus.spam: 4, self.corpus.newsletters: 1} if number % 40 == 7 else {self.corpus.spam: 1}
        body = self._words(rng, rng.choice(self.campaigns), rng.randrange(70, 250), of)
        if number % QUOTING == 0:
            letter = rng.choice(letters).split()
            body = f"{body}\n\n{_quote(' '.join(letter[: len(body.split()) // 6]))}"
        return self._message(rng, body, html=rng.random() < 0.5, links=rng.randrange(0, 4))

    def _words(self, rng: random.Random, topic: Sequence[str], count: int, of: dict[Vocabulary, int]) -> str:
        """Text: three words of four from the background, the others about the topic."""
        words = [
            rng.choice(topic) if rng.random() < 0.25 else rng.choices(list(of), list(of.values()))[0].draw(rng, 1)[0]
            for _ in range(count)
        ]
        lines: list[str] = []
        while words:
            sentence, words = words[:11], words[11:]
            lines.append(" ".join(sentence).capitalize() + rng.choice(".....!?"))
        return "\n".join(lines)

    def _message(self, rng: random.Random, text: str, *, html: bool, links: int) -> bytes:
        sender, host = rng.choice(self.people), rng.choice(self.hosts)
        subject = " ".join(rng.sample(text.replace("\n", " ").split(" "), 4))
        header = (
            f"Return-Path: <{sender}@{host}>\nFrom: {sender.title()} <{sender}@{host}>\n"
            f"To: {self.owner}@home.example\nSubject: {subject}\nDate: Fri, 20 Nov 2026 07:00:00 +0100\n"
            f"Message-ID: <{rng.getrandbits(64):x}@{host}>\nMIME-Version: 1.0\n"
        )
        if html:
            paragraphs = "".join(f"<p>{line}</p>\n" for line in text.split("\n"))
            anchors = "".join(
                f'<a href="https://{rng.choice(self.hosts)}/{rng.getrandbits(32):x}">'
                f'<img src="https://{rng.choice(self.hosts)}/i.png" alt="{rng.choice(text.split())}"></a>\n'
                for _ in range(links)
            )
            text = f"<html><style>p {{ margin: 0 }}</style><body>{paragraphs}{anchors}</body></html>\n"
        else:
            text += "".join(f"\nhttp://{rng.choice(self.hosts)}/{rng.getrandbits(32):x}" for _ in range(links)) + "\n"
        octets = text.encode()
        encoding = rng.choice(("7bit", "7bit", "quoted-printable", "base64"))
        if encoding == "base64":
            octets = base64.encodebytes(octets)
        elif encoding == "quoted-printable":
            octets = quopri.encodestring(octets)
        header += (
            f"Content-Type: text/{'html' if html else 'plain'}; charset=utf-8\nContent-Transfer-Encoding: {encoding}\n"
        )
        return (header.encode() + b"\n" + octets).replace(b"\n", b"\r\n")


def _quote(text: str) -> str:
    return "\n".join(f"> {line}" for line in text.split("\n"))
