"""Spellings of From fields, honest and forged, and what foreign programs read in them (SMTP-111, AUTH-50)."""

import email
import email.policy
import email.utils
import random
from typing import Final

HONEST: Final = (
    "{own} <{own}>",
    "Doe, Mia <{own}>",
    "Shop: Orders <{own}>",
    "Mia [HR] <{own}>",
    "Jörg <{own}>",
    "Scanner @ 2nd floor <{own}>",
    "Mia <{own}",
    "Mia {own}",
    "{own};",
    "<{own}> Mia",
    "Systems: {own};",
    "jane@x.example <{own}>",
    "J. Doe <{own}>",
    "{own} (Mia)",
    '"Mia <{own}>',
    "=?utf-8?q?Doe,_Mia?= <{own}>",
    "=?utf-8?q?mia@desk?= <{own}>",
    "{own} <>",
    "Mia <@relay.example:{own}>",
    "root",
    "Mia",
    "<>",
    "",
)
"""From fields outside the grammar that programs write, in which only one address can be meant, or none."""

FORGED: Final = (
    "ceo@bank.example:<{own}>",
    "ceo@bank.example:{own};",
    "<{own}> <ceo@bank.example>",
    "<{own}>\x7f<ceo@bank.example>",
    "ceo@bank.example, {own}",
    "ceo@bank.example; <{own}>",
    "<ceo@bank.example, {own}>",
    "<ceo@bank.example {own}>",
    "<ceo@bank.example:{own}>",
    "<ceo@bank.example><{own}>",
    "<ceo@bank.example<{own}>",
    "=?utf-8?q?<ceo@bank.example>?= <{own}>",
    '"Bank <ceo@bank.example> <{own}>',
    "(Bank <ceo@bank.example> <{own}>",
    "a:ceo@bank.example;, <{own}>",
)
"""From fields in which one of the usual readers sees another author than our own reader does, or one more."""

_BEFORE: Final = (
    *(
        "",
        "",
        "Mia ",
        '"Mia \\"x\\"" ',
        "J. Doe ",
        "Doe, Mia ",
        "Shop: Orders ",
        "(ceo@bank.example) ",
        "Jörg ",
        '"Mia ',
    ),
    *("ceo@bank.example ", "ceo@bank.example:", "ceo@bank.example, ", "ceo @ bank.example ", "<ceo@bank.example> "),
    *(
        "=?utf-8?q?ceo@bank.example?= ",
        "=?utf-8?q?<ceo@bank.example>?= ",
        "Mia [HR] ",
        "\x7f",
        "<> ",
        "Mia\r\n ",
        "(a(b)c) ",
    ),
    *("a\\", "(", "Mia (x) Doe ", "=?utf-8?q?J=C3=B6rg?= ", '"=?utf-8?q?x?=" ', "@", ": ", "Mia\r\n \r\n "),
)
_ADDRESS: Final = (
    *("<{own}>", "<{own}>", "< {own} >", "{own}", "<{own}", "<@relay.example:{own}>", "<<{own}>>", "<mailto:{own}>"),
    *("{local} @ {domain}", "<{local} (c) @ {domain} (d)>", '<"{local}"@{domain}>', "<{local}@{DOMAIN}>", "<{own}.>"),
    *('<"{local}+> <ceo@bank.example"@{domain}>', "<{local}+x@{domain}>", "{local}\r\n @{domain}", "<{own}\x7f>"),
)
_AFTER: Final = (
    *(
        "",
        "",
        "",
        ";",
        " (ceo@bank.example)",
        " ceo@bank.example",
        "\x7f<ceo@bank.example>",
        ", ceo@bank.example",
        " Mia",
    ),
    *(
        " (<ceo@bank.example>)",
        ":;",
        "\r\n <ceo@bank.example>",
        ' "ceo@bank.example"',
        ",",
        " \\",
        ' "',
        " (",
        "\r\n (x)",
    ),
)


def spellings(own: str, count: int = 200) -> list[bytes]:
    """Different From fields' texts, always the same ones; all have the address `own`."""
    local, _, domain = own.partition("@")
    chosen = random.Random(111)
    found: dict[str, None] = dict.fromkeys(form for form in (*HONEST, *FORGED) if "{own}" in form)
    while len(found) < count:
        found["".join(map(chosen.choice, (_BEFORE, _ADDRESS, _AFTER)))] = None
    return [
        form.format(own=own, local=local, domain=domain, DOMAIN=domain.upper()).encode(
            chosen.choice(["utf-8", "latin-1"])
        )
        for form in found
    ]


def python_readings(message: bytes) -> dict[str, list[str]]:
    """The addresses in From, as the parsers of Python's library read them."""
    old = email.message_from_bytes(message, policy=email.policy.compat32)["From"]
    new = email.message_from_bytes(message, policy=email.policy.default)["From"]
    return {
        "parseaddr": [email.utils.parseaddr(str(old))[1]],
        "getaddresses": [address for _, address in email.utils.getaddresses([str(old)])],
        "default": [address.addr_spec for address in new.addresses],
    }
