"""Where a message is prepared: on the event loop, or in a thread (STORE-7)."""

import base64
import sys
import time

import pytest

from moxlite.store.content.prepare import prepare_on_loop
from moxlite.store.content.spool import Spool
from tests.hostilemails import KINDS, hostile_mail

SECONDS = 0.03 if sys.gettrace() is None else 0.3
"""Of the processor for a message on the loop: five times what the slowest takes, as others share the caches; ten times
that under coverage.
"""


@pytest.mark.parametrize("size", [4_000, 20_000, 64_000])
async def test_no_hostile_mail_that_is_prepared_on_the_loop_holds_it(size: int) -> None:
    """STORE-7, SMTP-155a."""
    here = 0
    for kind in sorted(KINDS):
        spool = Spool.of(hostile_mail(kind, 1, size))
        taken = []
        for _ in range(3):
            began = time.thread_time()
            prepared = prepare_on_loop(spool)  # the time until it is refused counts, too
            taken.append(time.thread_time() - began)
        here += prepared is not None
        assert min(taken) < SECONDS, kind
    assert here > 20


async def test_long_headers_hidden_text_and_many_signs_go_to_a_thread() -> None:
    """STORE-7: a plain letter stays on the loop, and so does one with a file in base64."""

    def here(body: bytes, head: bytes = b"From: a@b.example\r\n") -> bool:
        return prepare_on_loop(Spool.of(head + b"\r\n" + body)) is not None

    def encoded(kind: bytes, encoding: bytes, text: bytes) -> bool:
        return here(text, b"Content-Type: %s\r\nContent-Transfer-Encoding: %s\r\n" % (kind, encoding))

    line = b"A line of a letter, with some words in it.\r\n"
    assert here(line * 1400)
    assert not here(line * 1600), "more than 64 KiB"
    assert not here(line, b"X: " + b"x" * 9000 + b"\r\n")
    assert not here(line, b"To: " + b"a," * 1001 + b"\r\n")
    assert here(b"<p>" * 990)
    assert not here(b"<p>" * 1001)
    assert not here(b"\r\n--x" * 101)
    assert encoded(b"text/plain", b"Base64", b"QQ==\r\n" * 490)
    assert not encoded(b"text/plain", b"Base64", b"QQ==\r\n" * 501)
    assert here(b"", b"X: " + b"x" * 8000 + b"\r\n")
    assert not here(b"", b"X: " + b"x" * 8200 + b"\r\n"), "a header section without an end is one"

    html = base64.encodebytes(b"<p>" * 990)
    assert encoded(b"text/html", b"base64", html)
    assert not encoded(b"text/html", b"base64", base64.encodebytes(b"<p>" * 1001))
    assert not encoded(b"text/html", b"quoted-printable", b"=3Cp>" * 1001)
    assert not encoded(b"text/html", b"quoted-printable", b"=26amp;" * 1001)
    assert not encoded(b"text/html; charset=utf-16", b"base64", base64.encodebytes(("<p>" * 1001).encode("utf-16")))
    assert encoded(b"application/pdf", b"base64", base64.encodebytes(b"<p>" * 12_000)), "is not read for the preview"
    assert encoded(b"text/plain", b"base64", base64.encodebytes(line * 900))
