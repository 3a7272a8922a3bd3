"""Addresses that mail readers find in a From field (moxlite/proto/mime/authors.py)."""

from hypothesis import given, strategies as st

from moxlite.proto.mime.authors import MAX_NAME, authors, mentions, plain_mailbox, sole_author
from moxlite.proto.mime.headers import unfold
from moxlite.proto.mime.types import MailAddress
from moxlite.proto.mime.wire import read_addresses

PIECES = st.sampled_from(
    [*'<>@,;:()".[]\\ \t\x00\x7f', "\r\n ", "a", "mia", "x.example", "<b@y.example>", "=?utf-8?q?c?=", "ü", "\u202e"]
)
FIELDS = st.lists(PIECES, max_size=25).map(lambda pieces: "".join(pieces).encode())
MAILBOXES = st.builds(
    lambda name, left, spec, right: (name + left + "<" + spec + ">" + right if name or right else spec).encode(),
    st.sampled_from(["", "Mia", '"Doe, \\"M\\""', "J. R. Doe", "a (b (c)) d", "=?utf-8?q?c?=", "Jörg"]),
    st.sampled_from(["", " ", "\r\n ", " (<ceo@bank.example>) "]),
    st.sampled_from(
        ["m@x.example", '"m d"@x.example', "m.d @ x.example", "(c) m@x.example (d)", '"m> <ceo@b"@x.example']
    ),
    st.sampled_from(["", " ", " (ceo@bank.example)", "\r\n\t(e)"]),
)


@given(MAILBOXES)
def test_a_mailbox_of_the_standard_is_read_alike(text: bytes) -> None:
    """SMTP-111: by the check, our own reader, and the search for all addresses."""
    found = plain_mailbox(b"From: " + text + b"\r\n")
    assert found is not None
    [shown], _ = read_addresses([unfold(text)])
    assert (shown.localpart, shown.domain) == (found.localpart, found.domain)
    assert authors(unfold(text)).addresses == (found,)
    assert authors(unfold(text)).names == ()


@given(FIELDS)
def test_what_is_found_stands_in_the_text(text: bytes) -> None:
    """SMTP-111: also in no text of a grammar; a mailbox that all read alike is the only one."""
    unfolded = unfold(text)
    for mention in mentions(unfolded):
        piece = unfolded[mention.start : mention.end]
        assert b"@" in piece
        assert mention.angled == piece.startswith(b"<")
    found, plain = sole_author(unfolded), plain_mailbox(b"From: " + text + b"\r\n")
    if plain is not None:
        assert found is not None
        assert MailAddress("", found.localpart, found.domain) == plain
    if found is not None:
        assert len(found.name) <= MAX_NAME
        assert found.name.isprintable()


def test_a_long_field_takes_little_time() -> None:
    """AUTH-50: quotes, comments and brackets without an end are looked for once, so that the time is linear."""
    for piece in (b'"\\"', b"(", b"(a", b"a@b,", b"<", b'\\"', b"<a@b ", b'"a'):
        assert all(mention.address.domain for mention in mentions(piece * (64_000 // len(piece))))
        assert plain_mailbox(b"From: " + piece * (64_000 // len(piece))) is None
