"""The people who write to an office in a month, what they write, and what DNS says of them: for the campaign `office`.

Everything is drawn from a seed. A `Sender` is one correspondent, or one operation of a spammer; a `Letter` one message
with the moment when it is sent first.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from moxlite.mailauth.dkim.sign import key_record
from moxlite.net.resolver import FakeResolver
from tests.junkcorpus import Corpus

__all__ = ["CLASSES", "DAY", "HOUR", "OWNER", "Letter", "Office", "Sender"]

OWNER: Final = "mia@office.example"
HOUR: Final = 3600
DAY: Final = 24 * HOUR
DAYS: Final = 30

CLASSES: Final = {
    "friends": True,
    "partners": True,
    "newsletters": True,
    "lists of p=reject authors": True,
    "forwarders": True,
    "first contacts": True,
    "provider, friends": True,
    "taken-over friends, themselves": True,
    "taken-over friends, the thief": False,
    "provider, spammers": False,
    "junk again and again": False,
    "waves from one network": False,
    "forged senders": False,
    "a botnet": False,
}
"""Classes of senders, and whether their mail is wanted."""


@dataclass
class Sender:
    """Who sends.

    Attributes:
      kind: of CLASSES. author: in From. mail_from: None for the author.
      signer: domain of the signature, "" for none.
      remote, hello: the client; a function where each message has another one.
      words: what the letters are about. fields: of the header, more. tls: it comes through TLS.
    """

    kind: str
    author: str
    remote: Callable[[], str]
    hello: str
    words: list[str]
    mail_from: str | None = None
    signer: str = ""
    fields: str = ""
    tls: bool = True
    letters: int = 0
    name: str = ""

    @property
    def wanted(self) -> bool:
        return CLASSES[self.kind]


@dataclass(order=True)
class Letter:
    """One message; `at`: when it is sent next, `first`: when it was, in seconds since the month began."""

    at: float
    number: int
    sender: Sender = field(compare=False)
    nth: int = field(compare=False)
    text: str = field(compare=False)
    author: str = field(compare=False)
    first: float = field(compare=False, default=0.0)
    tries: int = field(compare=False, default=0)


class Office:
    """All senders of a month, and their letters. `share` of the full number of letters."""

    def __init__(self, seed: int, share: float) -> None:
        self.rng = random.Random(f"office {seed}")
        self.share = share
        self.corpus = Corpus(seed)
        self.key = Ed25519PrivateKey.from_private_bytes(self.rng.randbytes(32))
        self.zone: dict[str, dict[str, list[str]]] = {"A": {}, "PTR": {}, "TXT": {}, "MX": {}}
        self.senders: list[Sender] = []
        self.letters: list[Letter] = []
        self._network = 0
        self._topics = {True: self.corpus.topics("train"), False: self.corpus.campaigns("train")}
        for build in (self._wanted_mail, self._provider, self._unwanted_mail):
            for sender, count, moments in build():
                self._write(sender, count, moments)
        self.letters.sort()

    def resolver(self) -> FakeResolver:
        """DNS, without DNSSEC."""
        return FakeResolver(self.zone)

    # DNS

    def address(self) -> str:
        """An address in a network of its own, with a name that leads back to it."""
        self._network += 1
        ip = f"{60 + self._network // 250 % 100}.{self._network % 250}.{self._low()}"
        return self.named(ip, f"out{self._network}.host{self._network}.example")

    def _low(self) -> str:
        """The lower half of an address."""
        return f"{self.rng.randrange(256)}.{self.rng.randrange(1, 255)}"

    def named(self, ip: str, name: str) -> str:
        self.zone["A"][name] = [ip]
        self.zone["PTR"][".".join(reversed(ip.split("."))) + ".in-addr.arpa"] = [name]
        return ip

    def domain(self, name: str, ip: str = "", *, spf: str = "-all", dmarc: str = "", signs: bool = False) -> str:
        """Register a domain that sends from `ip`."""
        self.zone["MX"][name] = [f"10 mx.{name}"]
        self.zone["A"][f"mx.{name}"] = [ip or "192.0.2.1"]
        self.zone["TXT"][name] = [f"v=spf1 {f'ip4:{ip} ' if ip else ''}{spf}"]
        if dmarc:
            self.zone["TXT"][f"_dmarc.{name}"] = [f"v=DMARC1; p={dmarc}"]
        if signs:
            self.zone["TXT"][f"s._domainkey.{name}"] = [key_record(self.key)]
        return name

    def invented(self) -> str:
        return f"{self.rng.choice(self.corpus.background)}-{self.rng.randrange(10**6)}.example"

    # Who writes

    def _sender(self, kind: str, author: str, ip: str, **more: object) -> Sender:
        words = self.rng.choice(self._topics[CLASSES[kind]])
        domain = author.rpartition("@")[2]
        return Sender(kind, author, lambda: ip, str(more.pop("hello", f"mx.{domain}")), words, **more)  # type: ignore[arg-type]  # by name

    def _month(self, first: float = 0, last: float = DAYS) -> Callable[[], float]:
        """Moments of working hours, any day between two."""
        return lambda: int(self.rng.uniform(first, last)) * DAY + self.rng.uniform(7, 20) * HOUR

    def _wanted_mail(self) -> Iterator[tuple[Sender, int, Callable[[], float]]]:
        rng, month = self.rng, self._month()
        for number in range(8):
            ip = self.address()
            domain = self.domain(
                f"friend{number}.example",
                ip,
                dmarc=("none", "", "reject", "quarantine")[number % 4],
                signs=number % 2 == 0,
            )
            yield (
                self._sender("friends", f"f{number}@{domain}", ip, signer=domain if number % 2 == 0 else ""),
                34,
                month,
            )
        ip = self.address()
        domain = self.domain("partner.example", ip, dmarc="quarantine", signs=True)
        for number in range(6):
            yield self._sender("partners", f"p{number}@{domain}", ip, signer=domain), 34, month
        for number in range(8):
            ip = self.address()
            domain = self.domain(f"news{number}.example", ip, dmarc="reject", signs=True)
            sender = self._sender(
                "newsletters", f"letter@{domain}", ip, mail_from=f"bounce-{number}@{domain}", signer=domain
            )
            yield sender, 24, month
        yield from self._lists()
        yield from self._forwarders()
        for number in range(70):
            ip, domain = self.address(), f"new{number}.example"
            self.domain(
                domain,
                ip,
                spf=rng.choice(("-all", "~all", "?all")),
                dmarc=rng.choice(("", "none", "reject")),
                signs=True,
            )
            sender = self._sender("first contacts", f"n{number}@{domain}", ip, signer=rng.choice(("", domain)))
            sender.tls = number % 7 > 0  # old servers have none: their content is judged strictly
            yield sender, rng.choice((1, 2, 3)), month

    def _lists(self) -> Iterator[tuple[Sender, int, Callable[[], float]]]:
        """A list's welcome comes from itself; then letters of authors whose signature it breaks."""
        authors = []
        for number in range(12):
            domain = self.domain(f"author{number}.example", self.address(), dmarc="reject", signs=True)
            authors.append(f"a{number}@{domain}")
        for number in range(3):
            ip = self.address()
            domain = self.domain(f"lists{number}.example", ip, dmarc="none", signs=True)
            fields = f"List-Id: <people.{domain}>\r\nList-Post: <mailto:people@{domain}>\r\n"
            bounce = f"people-bounces@{domain}"
            hello = self._sender(
                "lists of p=reject authors",
                f"people-request@{domain}",
                ip,
                mail_from=bounce,
                signer=domain,
                fields=fields,
            )
            yield hello, 1, lambda number=number: 8 * HOUR + number  # type: ignore[misc]  # a default binds it
            for author in self.rng.sample(authors, 8):
                sender = self._sender(
                    "lists of p=reject authors",
                    author,
                    ip,
                    mail_from=bounce,
                    signer=domain,
                    fields=fields,
                    hello=f"mx.{domain}",
                )
                yield sender, 11, self._month(1)

    def _forwarders(self) -> Iterator[tuple[Sender, int, Callable[[], float]]]:
        """An old address elsewhere. One forwarder keeps MAIL FROM, so SPF fails and signatures hold; the other one has
        a ruleset, since it passes on authors that do not sign.
        """
        keeps, named = self.address(), self.address()
        self.domain("old-school.example", keeps)
        self.domain("alumni.example", named)
        for number in range(6):
            domain = self.domain(f"away{number}.example", self.address(), dmarc="reject", signs=True)
            sender = self._sender(
                "forwarders", f"w{number}@{domain}", keeps, signer=domain, hello="mx.old-school.example"
            )
            yield sender, 14, self._month()
            domain = self.domain(f"plain{number}.example", self.address(), dmarc=("", "none")[number % 2])
            sender = self._sender(
                "forwarders", f"w{number}@{domain}", named, mail_from="srs0=x@alumni.example", hello="mx.alumni.example"
            )
            yield sender, 14, self._month()

    def _provider(self) -> Iterator[tuple[Sender, int, Callable[[], float]]]:
        """Friends and spammers with addresses of one provider, which signs for all."""
        ips = [self.named(f"50.10.20.{number}", f"out{number}.gmail.com") for number in range(1, 9)]
        self.domain("gmail.com", spf="ip4:50.10.20.0/24 -all", dmarc="none", signs=True)

        def one(kind: str, name: str) -> Sender:
            sender = self._sender(kind, f"{name}@gmail.com", "", signer="gmail.com", hello="out1.gmail.com")
            sender.remote = lambda: self.rng.choice(ips)
            return sender

        for number in range(6):
            yield one("provider, friends", f"friend{number}"), 25, self._month()
        for number in range(10):
            yield one("provider, spammers", f"offer{number}"), 16, self._month(2)
        for number in range(2):
            friend = one("taken-over friends, themselves", f"victim{number}")
            yield friend, 20, self._month(0, 12)
            yield friend, 12, self._month(20)
            thief = one("taken-over friends, the thief", friend.author.partition("@")[0])
            thief.name = friend.author + " (thief)"
            yield thief, 30, self._month(13, 18)

    def _unwanted_mail(self) -> Iterator[tuple[Sender, int, Callable[[], float]]]:
        rng = self.rng
        for number in range(10):
            ip = self.address()
            domain = self.domain(f"shop{number}.example", ip, dmarc="reject", signs=True)
            yield self._sender("junk again and again", f"sale@{domain}", ip, signer=domain), 45, self._month(1)
        for number in range(4):
            sender = self._sender("waves from one network", f"x@wave{number}.example", "", name=f"wave {number}")
            sender.remote = lambda number=number: f"45.{number}.8.{rng.randrange(1, 255)}"  # type: ignore[misc]  # as above
            first = 4 + 6 * number
            yield sender, 130, self._month(first, first + 4)
        for number, (author, domain) in enumerate(
            (("f2@friend2.example", ""), ("security@bank.example", "bank.example"), (OWNER, "office.example"))
        ):
            if domain:
                self.domain(domain, self.address(), dmarc="reject", signs=True)
            sender = self._sender(
                "forged senders", author, "", hello=f"forger{number}.example", name=f"forger {number}"
            )
            sender.remote = self._anywhere
            yield sender, 90, self._month(3)
        for number in range(2):
            sender = self._sender(
                "a botnet", "x@bot.example", "", hello="localhost.localdomain", name=f"botnet {number}"
            )
            sender.remote, sender.tls = self._anywhere, False
            yield sender, 200, self._month(2)

    def _anywhere(self) -> str:
        """An address of a network that was not seen before; most have a name of their own."""
        ip = f"{self.rng.randrange(100, 190)}.{self.rng.randrange(256)}.{self._low()}"
        return self.named(ip, f"dsl-{ip.replace('.', '-')}.example") if self.rng.random() < 0.7 else ip

    # What they write

    def _write(self, sender: Sender, count: int, moment: Callable[[], float]) -> None:
        self.senders.append(sender)
        count = count if count < 4 else max(4, round(count * self.share))
        for at in sorted(moment() for _ in range(count)):
            author = sender.author
            if sender.kind in {"waves from one network", "a botnet"}:
                domain = self.domain(self.invented(), spf=self.rng.choice(("+all", "?all")))
                author = f"{self.rng.choice(self.corpus.background)}@{domain}"
            self.letters.append(Letter(at, len(self.letters), sender, sender.letters, self._text(sender), author, at))
            sender.letters += 1

    def _text(self, sender: Sender) -> str:
        vocabulary = self.corpus.ham if sender.wanted else self.corpus.spam
        common = vocabulary.draw(self.rng, self.rng.randrange(40, 120))
        words = [word if self.rng.random() < 0.75 else self.rng.choice(sender.words) for word in common]
        if sender.kind == "newsletters":
            words += self.corpus.newsletters.draw(self.rng, 30)
        return "\r\n".join(" ".join(words[at : at + 11]) for at in range(0, len(words), 11))
