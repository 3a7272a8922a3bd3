"""Where a message is prepared: on the event loop, or in a thread (STORE-7)."""

import time

import pytest

from moxlite.store.content.prepare import is_short, parse
from moxlite.store.content.spool import Spool
from tests.hostilemails import KINDS, hostile_mail

SECONDS = 0.03
"""Of the processor for a message on the loop: five times what the slowest takes, as others share the caches."""


@pytest.mark.parametrize("size", [4_000, 20_000, 64_000])
def test_no_hostile_mail_that_is_prepared_on_the_loop_holds_it(size: int) -> None:
    """STORE-7, SMTP-155a."""
    here = 0
    for kind in sorted(KINDS):
        message = hostile_mail(kind, 1, size)
        if not is_short(Spool.of(message)):
            continue
        here += 1
        taken = []
        for _ in range(3):
            began = time.thread_time()
            parse(message)
            taken.append(time.thread_time() - began)
        assert min(taken) < SECONDS, kind
    assert here > 20


def test_long_headers_hidden_text_and_many_signs_go_to_a_thread() -> None:
    """STORE-7: a plain letter stays on the loop."""

    def here(body: bytes, head: bytes = b"From: a@b.example\r\n") -> bool:
        return is_short(Spool.of(head + b"\r\n" + body))

    line = b"A line of a letter, with some words in it.\r\n"
    assert here(line * 1400)
    assert not here(line * 1600), "more than 64 KiB"
    assert not here(line, b"X: " + b"x" * 9000 + b"\r\n")
    assert not here(line, b"To: " + b"a," * 1001 + b"\r\n")
    assert here(b"<p>" * 990)
    assert not here(b"<p>" * 1001)
    assert not here(b"=3Cp>" * 1001)
    assert not here(b"\r\n--x" * 101)
    encoded = b"--x\r\nContent-Transfer-Encoding: Base64\r\n\r\n" + b"QUJDREVGR0hJ\r\n" * 1000
    assert not here(encoded)
    assert here(encoded[:8000])
