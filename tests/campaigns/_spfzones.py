"""Random SPF records over a small world of hosts, most of them sound, and senders who are asked for (RFC 7208)."""

import random
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

__all__ = ["REVERSE", "Sender", "hosts", "quoted", "senders"]

CLIENTS4: Final = tuple(f"192.0.2.{n}" for n in range(1, 9))
CLIENTS6: Final = tuple(f"2001:db8::{n:x}" for n in range(1, 5))
HOSTS: Final = 12
VOID: Final = ("none0.hosts.example", "none1.hosts.example", "none2.hosts.example")
BROKEN: Final = (
    "a:",
    "ip4:192.0.2.0/33",
    "ip4:192.0.2",
    "ip4",
    "ip6:192.0.2.1",
    "ip6:2001:db8::/129",
    "all:now",
    "include",
    "include:",
    "what",
    "exists",
    "exists:%{z}.example",
    "a:%{d0}.example",
    "mx:100%.example",
    "a/99",
    "-",
    "redirect=",
    "redirect=d1.spf.example redirect=d2.spf.example",
)
MACROS: Final = (
    "%{i}.yes.example",
    "%{ir}.%{v}.exists.example",
    "%{l}.users.example",
    "%{lr-}.users.example",
    "%{d2}.yes.example",
    "%{s}.yes.example",
    "%{h}.yes.example",
    "%{o}.%{d1r}.yes.example",
    "%{ir1}.yes.example",
)
REVERSE: Final = {
    "2.0.192.in-addr.arpa": "\n".join(
        f"{n} PTR h{n}.hosts.example.\n{n} PTR h{n + 3}.hosts.example." for n in range(1, len(CLIENTS4) + 1)
    ),
    "8.b.d.0.1.0.0.2.ip6.arpa": "\n".join(
        f"{'.'.join(f'{n:x}' + '0' * 23)} PTR h{2 * n + 1}.hosts.example." for n in range(1, len(CLIENTS6) + 1)
    ),
}
"""Zones with the names of all clients, some of which lead back."""


class Sender(msgspec.Struct, frozen=True):
    """One question: the record of `domain`, asked for by this client."""

    ip: str
    mail_from: str
    helo: str
    record: str


def quoted(text: str) -> str:
    """A TXT record's strings in a zone file."""
    octets = text.encode()
    pieces = [octets[at : at + 255] for at in range(0, len(octets), 255)] or [b""]
    return " ".join('"' + "".join(_escaped(one) for one in piece) + '"' for piece in pieces)


def _escaped(octet: int) -> str:
    return chr(octet) if 32 <= octet < 127 and octet not in b'"\\;' else f"\\{octet:03d}"


def hosts(rng: random.Random) -> Iterator[str]:
    """Lines of the zone `example` that the records lead to."""
    for n in range(HOSTS):
        for ip in rng.sample(CLIENTS4, rng.randrange(1, 3)):
            yield f"h{n}.hosts A {ip}"
        if n % 2:
            yield f"h{n}.hosts AAAA {rng.choice(CLIENTS6)}"
            yield f"c{n}.hosts CNAME h{n}.hosts"
    for n in range(4):
        for other in rng.sample(range(1, HOSTS, 2), 3):  # with both kinds of addresses
            yield f"m{n}.hosts MX {other} h{other}.hosts"
    for n in range(11):
        yield f"m4.hosts MX {n} h{n}.hosts"
    yield "*.yes A 127.0.0.2"
    yield "ann.users A 127.0.0.2"
    yield "why.hosts TXT " + quoted("%{i} is not one of %{d}")
    for ip in CLIENTS4[:3]:
        yield f"{'.'.join(reversed(ip.split('.')))}.in-addr.exists A 127.0.0.2"


def _host(rng: random.Random) -> str:
    n = rng.randrange(HOSTS)
    return rng.choice((f"h{n}.hosts.example", f"c{n | 1}.hosts.example", rng.choice(VOID)))


def _term(rng: random.Random, number: int) -> str:
    """One mechanism or modifier; includes lead to any of so many records."""
    sign = rng.choice(("", "", "", "+", "-", "~", "?"))
    size = rng.choice(("", "", "/24", "/30", "/32", "//64", "/31//128"))
    match rng.randrange(11):
        case 0 | 1:
            return f"{sign}ip4:{rng.choice(CLIENTS4)}{rng.choice(('', '', '/32', '/30', '/29'))}"
        case 2:
            return f"{sign}ip6:{rng.choice(CLIENTS6)}{rng.choice(('', '/128', '/64'))}"
        case 3 | 4:
            return f"{sign}a:{_host(rng)}{size}" if rng.random() < 0.8 else f"{sign}a{size}"
        case 5:
            name = rng.choice(("m0", "m1", "m2", "m3", "m4", "h1"))
            return f"{sign}mx:{name}.hosts.example{size}"
        case 6:
            return f"{sign}{rng.choice(('ptr', 'ptr:hosts.example', 'PTR:h1.hosts.example'))}"
        case 7:
            return f"{sign}exists:{rng.choice(MACROS)}"
        case 8 | 9:
            return f"{sign}include:d{rng.randrange(number)}.spf.example"
        case _:
            return rng.choice(("unknown=%{d}", "exp=why.hosts.example", f"{sign}include:none.example"))


def _record(rng: random.Random, number: int) -> str:
    terms = [_term(rng, number) for _ in range(rng.choice((0, 1, 1, 2, 2, 3, 3, 4, 6, 12)))]
    if rng.random() < 0.07:
        terms.insert(rng.randrange(len(terms) + 1), rng.choice(BROKEN))
    end = rng.random()
    if end < 0.7:
        terms.append(rng.choice(("-all", "~all", "?all", "+all", "ALL")))
    elif end < 0.85:
        terms.append(f"redirect={rng.choice((f'd{rng.randrange(number)}.spf.example', *VOID))}")
    version = rng.choice(("v=spf1", "v=spf1", "v=spf1", "V=SPF1")) if rng.random() < 0.98 else "v=spf10"
    return rng.choice((" ", " ", "  ")).join((version, *terms))


def senders(rng: random.Random, number: int) -> tuple[list[Sender], list[str]]:
    """So many questions, and lines of the zone `example` with their records."""
    lines: list[str] = []
    asked: list[Sender] = []
    for n in range(number):
        record = _record(rng, number)
        lines.append(f"d{n}.spf TXT {quoted(record)}")
        if rng.random() < 0.02:
            lines.append(f"d{n}.spf TXT {quoted(_record(rng, number))}")
        clients: Sequence[str] = CLIENTS4 if rng.random() < 0.75 else CLIENTS6
        local = rng.choice(("ann", "bob", "nna", "a-n-n", "x+y", "UPPER"))
        helo = rng.choice(("mx.hosts.example", f"h{rng.randrange(HOSTS)}.hosts.example"))
        asked.append(Sender(rng.choice(clients), f"{local}@d{n}.spf.example", helo, record))
    return asked, lines
