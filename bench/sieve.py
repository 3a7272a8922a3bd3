"""Sieve (IMAP-142): decisions of a script of 30 rules, and the check at its upload: ``python -m bench.sieve``.

One process, without a server: the interpreter on parsed headers, and the checker on a script of 64 KiB.
"""

from __future__ import annotations

import time
from typing import Final

from moxlite.proto.mime.headers import HeaderSection
from moxlite.proto.mime.structure import scan
from moxlite.proto.sieve.checker import check
from moxlite.proto.sieve.limits import MAX_SCRIPT
from moxlite.proto.sieve.message import Body, Message
from moxlite.proto.sieve.program import Program, run
from moxlite.proto.sieve.script import pack
from moxlite.proto.sieve.state import World

__all__ = ["decisions", "long_script", "thirty_rules", "upload"]

RULES: Final = 30
MESSAGE: Final = (
    b"Return-Path: <ann@example.org>\r\nReceived: from a.example by b.example; Sun, 22 Nov 2026 10:00:00 +0000\r\n"
    b"From: Ann <ann@example.org>\r\nTo: mia@example.com\r\nCc: club@example.com\r\nSubject: the boats are in\r\n"
    b"List-Id: <boats.example.org>\r\nDate: Sun, 22 Nov 2026 10:00:00 +0000\r\nMessage-ID: <1@x>\r\n\r\nBody\r\n"
)
"""Taken by none of the rules, so that all are asked."""


def thirty_rules() -> bytes:
    """A script as people have it: senders, lists and subjects."""
    kinds = (
        'address :is "from" "writer{0}@example.net"',
        'header :contains "list-id" "list{0}.example.net"',
        'anyof (header :matches "subject" "[team {0}]*", address :domain :is ["to", "cc"] "group{0}.example.net")',
    )
    rules = "".join(f'if {kinds[n % 3].format(n)} {{ fileinto "Box {n}"; stop; }}\n' for n in range(RULES))
    return ('require "fileinto";\n' + rules).encode()


def long_script() -> bytes:
    """A script just below the largest size."""
    rule = 'if header :contains "subject" "word {0}" {{ fileinto "Box {0}"; stop; }}\n'
    script = 'require "fileinto";\n'
    number = 0
    while len(script) + len(more := rule.format(number)) <= MAX_SCRIPT:
        script += more
        number += 1
    return script.encode()


def decisions(times: int = 300) -> float:
    """Decisions in a second of the processor: of the fastest 100 of `times`, which others disturbed least."""
    program, section = Program(check(thirty_rules())), HeaderSection(MESSAGE)
    message = Message(section, len(MESSAGE), lambda: Body(scan(MESSAGE), lambda start, end: MESSAGE[start:end]))
    world = World(now=1_795_000_000_000_000)
    spent: list[float] = []
    for _ in range(times):
        began = time.thread_time()
        for _ in range(100):
            run(program, message, world)
        spent.append(time.thread_time() - began)
    return 100 / min(spent)


def upload(times: int = 60) -> float:
    """Milliseconds of the processor to check and pack a script of 64 KiB; the fastest of `times`."""
    script, spent = long_script(), list[float]()
    for _ in range(times):
        began = time.thread_time()
        pack(check(script))
        spent.append(time.thread_time() - began)
    return 1000 * min(spent)


def main() -> None:
    """Measure, and print."""
    print(f"decisions of {RULES} rules: {decisions():,.0f}/s")
    print(f"check of {len(long_script()):,} octets: {upload():.1f} ms")


if __name__ == "__main__":
    main()
