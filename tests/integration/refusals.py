"""What senders send, and how they are refused: tables of the net that `tests.integration.senders` plays.

Each word of docs/reasons.md that refuses has a row here, but for those that no sender can bring about (`ELSEWHERE`).
"""

import re
from typing import Final, NamedTuple

from moxlite.mailauth.dkim.sign import generate, key_record
from tests.campaigns._spfzones import quoted
from tests.tools import top

__all__ = [
    "CLIENTS",
    "DOMAINS",
    "ELSEWHERE",
    "FLOOD",
    "FLOODING",
    "FLOOD_LIMIT",
    "GOOD",
    "KEY",
    "LISTS",
    "PASTS",
    "REFUSALS",
    "SPAM",
    "ZONES",
    "Mail",
    "Refusal",
    "refusing_words",
]

NET: Final = "5.45.100"
GOOD, STRANGER = f"{NET}.10", f"{NET}.20"
FLOOD = f"{NET}.80"
SPAMMER, NEIGHBOUR = f"{NET}.100", f"{NET}.101"
NAMELESS, LISTED = f"{NET}.150", f"{NET}.200"
"""Clients, a line for each network of 64 addresses; all of them are in one of 2,048. NAMELESS alone has no reverse
name, a block list has LISTED.
"""

CLIENTS: Final = (GOOD, STRANGER, FLOOD, SPAMMER, NEIGHBOUR, NAMELESS, LISTED)

KEY: Final = generate("rsa")

ZONES: Final = {
    "good.example": f"""\
@ A {GOOD}
@ MX 10 @
@ TXT "v=spf1 ip4:{GOOD} -all"
mx A {GOOD}
sel._domainkey TXT {quoted(key_record(KEY))}
_dmarc TXT "v=DMARC1; p=reject"
""",
    "strict.example": f'@ MX 10 mx.good.example.\n@ TXT "v=spf1 ip4:{GOOD} -all"\n_dmarc TXT "v=DMARC1; p=reject"',
    "spf.example": f'@ MX 10 mx.good.example.\n@ TXT "v=spf1 ip4:{GOOD} -all"',
    "plain.example": "@ MX 10 mx.good.example.",
    "other.example": "@ MX 10 mx.good.example.",
    "null.example": "@ MX 0 .",
    "bogus.example": "@ MX 10 mx.good.example.",
    "unsure.example": '@ MX 10 mx.good.example.\n@ TXT "v=spf1 include:bogus.example -all"\n'
    '_dmarc TXT "v=DMARC1; p=reject"',
    "proven.example": "\n".join(
        f'{name} MX 10 mx.good.example.\n{name} TXT "v=spf1 ip4:{NET}.0/24 -all"' for name in ("@", "east", "west")
    )
    + '\n_dmarc TXT "v=DMARC1; p=none"',
    "100.45.5.in-addr.arpa": "\n".join(
        f"{ip.rpartition('.')[2]} PTR mx{ip.rpartition('.')[2]}.names.example." for ip in CLIENTS if ip != NAMELESS
    ),
    "names.example": "\n".join(f"mx{ip.rpartition('.')[2]} A {ip}" for ip in CLIENTS),
    "bl.example": f"2.0.0.127 A 127.0.0.2\n{'.'.join(reversed(LISTED.split('.')))} A 127.0.0.2",
}
"""The names below proven.example prove each client of the net, by SPF."""

LISTS: Final = 'dnsbls = ["bl.example"]'

FLOOD_LIMIT: Final = 3
"""Messages in a minute that an address may bring to an account; all but FLOOD are exempt."""

SPAM: Final = "casino jackpot watches lottery winner pills"
"""Words that the filter of bob has learnt to be junk."""


class Mail(NamedTuple):
    """What `ip` sends. `author` is in From, the same as `sender` unless given."""

    sender: str
    to: str = "eve@example.org"
    author: str = ""
    ip: str = STRANGER
    text: str = "text"


class Refusal(NamedTuple):
    """What a sender must read. `word`: in the log, "" where no account was asked.

    `past`: what came before to the same address, and is marked as junk; the address has a mailbox, and so a history, of
    its own.
    """

    reply: str
    mail: Mail
    word: str = ""
    past: tuple[Mail, ...] = ()


REFUSALS: Final = (
    Refusal("550 5.7.27", Mail("ann@null.example")),
    Refusal("550 5.1.8", Mail("ann@nowhere.example")),
    Refusal("451 4.4.0", Mail("ann@bogus.example")),
    Refusal("550 5.7.0", Mail("ann@[192.0.2.1]")),
    Refusal("550 5.1.1", Mail("ann@plain.example", "bob@elsewhere.example")),
    Refusal("550 5.1.1", Mail("ann@plain.example", "nobody@example.org"), "unknown-user"),
    Refusal("550 5.1.1", Mail("ann@plain.example", "moved@example.org")),
    Refusal("451 4.3.0", Mail("ann@plain.example", "later@example.org")),
    Refusal("450 4.2.1", Mail("ann@plain.example", "eve@off.example")),
    Refusal("452 4.5.3", Mail("ann@plain.example", "eve@example.org,bob@example.org")),
    Refusal("550 5.7.2", Mail("ann@plain.example", "members@example.org"), "alias-members-only"),
    Refusal("550 5.7.1", Mail("ann@plain.example", author="x@ads.blocked.example"), "blocked-sender"),
    Refusal("550 5.7.1", Mail("ann@plain.example", author="ann@a.example>\nFrom: <ben@b.example"), "ambiguous-from"),
    Refusal("550 5.7.26", Mail("ann@strict.example"), "dmarc-policy"),
    Refusal("550 5.7.26", Mail("ann@plain.example", author="ann@strict.example"), "dmarc-policy"),
    Refusal("451 4.7.26", Mail("ann@unsure.example"), "dmarc-temperror"),
    Refusal("550 5.7.26", Mail("ann@plain.example", "proof@example.org"), "msg-auth-required"),
    Refusal("451 4.3.0", Mail("ann@spf.example"), "spf-policy"),
    Refusal("451 4.3.0", Mail("ann@plain.example", ip=LISTED), "dns-blocklisted"),
    Refusal("451 4.3.0", Mail("ann@plain.example", "bob@example.org", text=SPAM), "junk-content"),
    Refusal("451 4.3.0", Mail("ann@plain.example", "bob@example.org", ip=NAMELESS, text=SPAM), "junk-content-strict"),
    Refusal("550 5.7.1", Mail("ann@proven.example", "bob@example.org", ip=LISTED), "give-subjectpass"),
)

FLOODING: Final = Refusal("452 4.2.2", Mail("ann@plain.example", ip=FLOOD), "high-rate")
"""What is refused when FLOOD_LIMIT messages have been taken."""


def _past(number: int, word: str, seeds: tuple[Mail, ...], mail: Mail) -> Refusal:
    to = f"past{number}@example.org"
    return Refusal("451 4.3.0", mail._replace(to=to), word, tuple(seed._replace(to=to) for seed in seeds))


def _many(count: int, ip: str) -> tuple[Mail, ...]:
    return tuple(Mail(f"a{number}@plain.example", ip=ip) for number in range(count))


PASTS: Final = (
    _past(0, "msgfromfull", (Mail("ann@proven.example"),), Mail("ann@proven.example", ip=SPAMMER)),
    _past(
        1,
        "msgfromdomain",
        tuple(Mail(f"{name}@proven.example") for name in ("ann", "ben", "cy")),
        Mail("dan@proven.example", ip=SPAMMER),
    ),
    _past(
        2,
        "msgfromorgdomain",
        tuple(Mail(f"{name}@east.proven.example") for name in ("ann", "ben", "cy")),
        Mail("dan@west.proven.example", ip=SPAMMER),
    ),
    _past(
        3,
        "dkimspf",
        tuple(Mail("ann@proven.example", author=f"{name}@plain.example") for name in ("ann", "ben")),
        Mail("ann@proven.example", ip=SPAMMER),
    ),
    _past(4, "ip1", _many(2, SPAMMER), Mail("ann@other.example", ip=SPAMMER)),
    _past(5, "ip2", _many(5, SPAMMER), Mail("ann@other.example", ip=NEIGHBOUR)),
    _past(6, "ip3", _many(10, SPAMMER), Mail("ann@other.example", ip=STRANGER)),
    _past(7, "iprev", _many(1, NAMELESS), Mail("ann@other.example", ip=NAMELESS)),
)
"""One for each method of history that can refuse (SMTP-88), and for what history and reverse name do together."""

ELSEWHERE: Final = {
    "chosen-senders-only": "an address that is made while the server runs; tests/session/test_smtpd_masked.py",
    "sieve-reject": "a script of the account refuses: tests/session/test_smtpd_sieve.py",
    "simulated": "localserve alone; tests/integration/test_smtpd_swaks.py",
    "reputation-error": "a fault of the disk; tests/session/test_smtpd_decisions.py",
    "junk-classify-error": "a fault of the disk; tests/session/test_smtpd_rulesets.py",
    "subjectpass-error": "a fault of the disk; tests/session/test_smtpd_subjectpass.py",
    "stray-bounce": "a report in parts, which swaks does not write; tests/session/test_smtpd_decisions.py",
}
"""Words that refuse, and that none of these senders can bring about, with the place of their test."""

DOMAINS: Final = """\
[accounts.bob.subject_pass]
period = "12h"
[accounts.bob.junk_filter]
threshold = 0.95
onegrams = true
[accounts.eve.senders]
blocked = ["blocked.example"]
[domains."example.org".aliases.members]
addresses = ["bob@example.org", "eve@example.org"]
[domains."off.example"]
disabled = true
[accounts.eve.destinations."eve@off.example"]
[accounts.eve.destinations."moved@example.org"]
smtp_error = "550 we have moved"
[accounts.eve.destinations."later@example.org"]
smtp_error = "421 come back"
[accounts.eve.destinations."proof@example.org"]
message_auth_required_smtp_error = "prove who you are"
""" + "\n".join(
    f'[accounts.eve.destinations."{one.mail.to}"]\nmailbox = "{one.mail.to.partition("@")[0]}"' for one in PASTS
)


def refusing_words() -> set[str]:
    """The words of docs/reasons.md whose result is a code of SMTP, alone or among others."""
    rows = re.findall(r"^\| (`[^|]*`) \|[^|]*\| ([^|]*) \|", (top() / "docs/reasons.md").read_text(), re.MULTILINE)
    return {
        word
        for words, result in rows
        if re.search(r"\b[45]\d\d\b|as asked", result)
        for word in re.findall(r"`([^`]+)`", words)
    }
