"""Names of mailboxes, keywords, junk verdicts by name, body chunks: what needs no database."""

import unicodedata
from typing import Any

import pytest
from hypothesis import given, strategies as st

from moxlite.store.content.body import (
    CHUNK_SIZE,
    Chunk,
    CompressedChunks,
    Compression,
    Encoding,
    decode_chunk,
    encode_chunk,
    encode_chunks,
)
from moxlite.store.errors import BadKeyword, BadMailboxName, ChunkDamaged
from moxlite.store.junkflags import JunkFlagRules, Verdict, classify, flags_in_mailbox
from moxlite.store.mail.facts import ip_classes
from moxlite.store.names import ancestors, check_name, is_below, leaf, parent
from moxlite.store.rows.mailboxes import check_keyword, flag_words, parse_flags
from moxlite.store.types import Flag, SpecialUse


@pytest.mark.parametrize(
    ("given_name", "stored"),
    [
        ("inbox", "Inbox"),
        ("INBOX/a", "Inbox/a"),
        ("a/INBOX", "a/INBOX"),
        ("Übung", "Übung"),
        ("a b%*&", "a b%*&"),
        ("x" * 255, "x" * 255),
        ("/".join("a" * 30), "/".join("a" * 30)),
    ],
)
def test_good_names_are_kept_but_for_inbox(given_name: str, stored: str) -> None:
    """STORE-12, IMAP-34"""
    assert check_name(given_name) == stored


@pytest.mark.parametrize(
    "name",
    [
        "",
        "/a",
        "a/",
        "a//b",
        ".",
        "a/../b",
        "#news",
        "a\x00",
        "a\x7f",
        "a\x9f",
        "a\u2028",
        "e" + "\u0301\u0316" * 30_000,
        "x" * 256,
        "ü" * 128,
        "/".join(["abcdefghi"] * 30) + "x" * 800,
        "/".join("a" * 31),
        "\ud800",
    ],
)
def test_bad_names_are_refused(name: str) -> None:
    """STORE-12, IMAP-33, STORE-154"""
    with pytest.raises(BadMailboxName):
        check_name(name)


def test_decomposed_names_are_composed() -> None:
    """STORE-12: as macOS writes them; up to the longest name that there is."""
    assert check_name("U\u0308ber/e\u0301tude") == "Über/étude"
    longest = "/".join(["\u1ef1" * 80] * 4)
    assert check_name(unicodedata.normalize("NFD", longest)) == longest


@given(st.text(max_size=40))
def test_a_checked_name_checks_to_itself(name: str) -> None:
    """STORE-12"""
    try:
        checked = check_name(name)
    except BadMailboxName:
        return
    assert check_name(checked) == checked
    above = parent(checked)
    assert ([] if above is None else [*ancestors(above), above]) == ancestors(checked)
    assert above is None or (is_below(checked, above) and checked == f"{above}/{leaf(checked)}")


def test_flag_names_are_bits_in_any_case_and_other_words_keywords() -> None:
    """STORE-22, IMAP-108"""
    assert parse_flags([r"\SEEN", "$junk", "$Label1", "Foo"]) == (Flag.SEEN | Flag.JUNK, frozenset({"$Label1", "Foo"}))
    assert flag_words(Flag.SEEN | Flag.MDNSENT, ["foo"], {"foo": "FOO"}) == [r"\Seen", "$MDNSent", "FOO"]


@pytest.mark.parametrize(
    "word", ["", "a b", "(", ")", "{", "%", "*", '"', "\\x", "]", "ä", "a\x1f", "x" * 129, r"\Recent"]
)
def test_bad_keywords_are_refused(word: str) -> None:
    """STORE-22"""
    with pytest.raises(BadKeyword):
        parse_flags([word])


def test_keywords_are_stored_in_lower_case() -> None:
    """STORE-22"""
    assert check_keyword("$Important[1") == "$important[1"


@pytest.mark.parametrize(
    ("name", "verdict"),
    [
        ("Junk", Verdict.JUNK),
        ("SPAM/old", Verdict.JUNK),
        ("Inbox", Verdict.NEUTRAL),
        ("Rejects", Verdict.NEUTRAL),
        ("Archive", Verdict.NOTJUNK),
    ],
)
def test_defaults_sort_mailboxes_into_junk_neutral_and_not_junk(name: str, verdict: Verdict) -> None:
    """STORE-84, IMAP-112"""
    assert classify(JunkFlagRules(), name, SpecialUse(0)) is verdict


def test_special_use_junk_is_junk_whatever_the_rules() -> None:
    """STORE-84"""
    assert classify(JunkFlagRules(introbox="Müll"), "Müll", SpecialUse.JUNK) is Verdict.JUNK
    assert classify(JunkFlagRules(enabled=False), "Müll", SpecialUse.JUNK) is Verdict.JUNK
    assert classify(JunkFlagRules(enabled=False), "Junk", SpecialUse(0)) is Verdict.UNCHANGED


def test_only_with_two_patterns_the_third_class_takes_the_rest() -> None:
    """STORE-84"""
    rules = JunkFlagRules(junk_mailbox_regexp="", neutral_mailbox_regexp="^a", not_junk_mailbox_regexp="^b")
    assert classify(rules, "c", SpecialUse(0)) is Verdict.JUNK
    rules = JunkFlagRules(junk_mailbox_regexp="^a", neutral_mailbox_regexp="", not_junk_mailbox_regexp="")
    assert classify(rules, "c", SpecialUse(0)) is Verdict.UNCHANGED
    rules = JunkFlagRules(junk_mailbox_regexp="^a", neutral_mailbox_regexp="^b", not_junk_mailbox_regexp="^c")
    assert classify(rules, "d", SpecialUse(0)) is Verdict.UNCHANGED


def test_a_slow_or_broken_pattern_does_not_match() -> None:
    """STORE-65"""
    rules = JunkFlagRules(junk_mailbox_regexp="^(a+)+$", neutral_mailbox_regexp="(", not_junk_mailbox_regexp="x")
    assert classify(rules, "a" * 200 + "b", SpecialUse(0)) is Verdict.UNCHANGED


def test_a_verdict_clears_the_other_flag() -> None:
    """STORE-85"""
    both = Flag.SEEN | Flag.JUNK | Flag.NOTJUNK
    assert flags_in_mailbox(both, Verdict.JUNK) == Flag.SEEN | Flag.JUNK
    assert flags_in_mailbox(both, Verdict.NOTJUNK) == Flag.SEEN | Flag.NOTJUNK
    assert flags_in_mailbox(both, Verdict.NEUTRAL) == Flag.SEEN
    assert flags_in_mailbox(both, Verdict.UNCHANGED) == both


@given(st.binary(max_size=3000), st.sampled_from(list(Compression)))
def test_a_chunk_comes_back_as_it_was(plain: bytes, compression: Compression) -> None:
    """STORE-182"""
    chunk = encode_chunk(plain, compression)
    assert decode_chunk(chunk.enc, chunk.check, chunk.data, len(plain)) == plain


def test_compression_is_used_where_it_saves_a_tenth() -> None:
    """STORE-182"""
    assert encode_chunk(b"text " * 1000).enc is Encoding.ZSTD
    assert encode_chunk(b"text " * 1000, Compression.ZLIB).enc is Encoding.ZLIB
    assert encode_chunk(b"text " * 1000, Compression.NONE).enc is Encoding.RAW
    assert encode_chunk(bytes(range(256))).enc is Encoding.RAW


def test_bodies_are_cut_every_256_kib() -> None:
    """STORE-7"""
    chunks = encode_chunks(memoryview(b"x" * (CHUNK_SIZE * 2 + 1)))
    lengths = [CHUNK_SIZE, CHUNK_SIZE, 1]
    for chunk, length in zip(chunks, lengths, strict=True):
        assert decode_chunk(chunk.enc, chunk.check, chunk.data, length) == b"x" * length


@pytest.mark.parametrize("compression", list(Compression))
def test_a_changed_octet_is_found(compression: Compression) -> None:
    """STORE-159, STORE-181"""
    chunk = encode_chunk(b"some text " * 100, compression)
    assert decode_chunk(chunk.enc, chunk.check, chunk.data, 1000) == b"some text " * 100
    damaged = chunk.data[:-1] + bytes([chunk.data[-1] ^ 1])
    with pytest.raises(ChunkDamaged):
        decode_chunk(chunk.enc, chunk.check, damaged, 1000)
    with pytest.raises(ChunkDamaged):
        decode_chunk(chunk.enc, chunk.check, chunk.data, 999)
    with pytest.raises(ChunkDamaged):
        decode_chunk(chunk.enc, chunk.check, chunk.data[:-1], 1000)
    with pytest.raises(ChunkDamaged):
        decode_chunk(chunk.enc, chunk.check + 1, chunk.data, 1000)
    others: list[Any] = [enc for enc in Encoding if enc is not chunk.enc]
    for enc in (*others, 0, 1, 2, 6, -1, None, "3"):
        with pytest.raises(ChunkDamaged):
            decode_chunk(enc, chunk.check, chunk.data, 1000)
    for other in (None, "text", 5):  # the row has been cut short, or read as another one
        with pytest.raises(ChunkDamaged):
            decode_chunk(chunk.enc, chunk.check, other, 1000)  # type: ignore[arg-type]


def alone(chunk: Chunk, data: bytes, length: int) -> bytes | memoryview | None:
    """One chunk with other octets, decoded among many."""
    packed = CompressedChunks([chunk.enc], [chunk.check], [data], [length])
    packed.decompress()
    return packed.plain()[0]


def test_any_damage_of_a_small_frame_is_found() -> None:
    """STORE-159, STORE-181: at each octet and each end, and whatever size the frame then claims to give: nothing is
    raised but that, and nothing large allocated. One bit says whether there is a check: alone it changes nothing.
    """
    plain = b"some text, and some more of it. " * 40
    chunk = encode_chunk(plain)
    frames = [chunk.data[:end] for end in range(len(chunk.data))]
    for place, octet in enumerate(chunk.data):
        start, end = chunk.data[:place], chunk.data[place + 1 :]
        frames += [start + bytes([octet ^ flipped]) + end for flipped in (1, 2, 4, 8, 16, 32, 64, 128, 255)]
    frames += [
        chunk.data[:4] + bytes([descriptor]) + size.to_bytes(8, "little") + chunk.data[7:]
        for descriptor in (0xC4, 0xE4)
        for size in (0, CHUNK_SIZE + 1, 1 << 31, 1 << 40, 1 << 62, (1 << 64) - 1)
    ]
    for frame in frames:
        found = alone(chunk, frame, len(plain))
        assert found is None or found == plain
        if found is None:
            with pytest.raises(ChunkDamaged):
                decode_chunk(chunk.enc, chunk.check, frame, len(plain))
    huge = chunk.data[:4] + b"\xe4" + (1 << 40).to_bytes(8, "little") + chunk.data[7:]
    with pytest.raises(ChunkDamaged):
        decode_chunk(chunk.enc, chunk.check, huge, 1 << 40)


@given(st.lists(st.tuples(st.binary(max_size=3000), st.sampled_from(list(Compression)), st.integers(0, 9))))
def test_many_chunks_are_decoded_as_one_by_one(bodies: list[tuple[bytes, Compression, int]]) -> None:
    """STORE-159, STORE-181, STORE-182: of ten, one is damaged, one is of another length, one row is no chunk at all."""
    encs: list[int] = []
    checks: list[int] = []
    stored: list[bytes] = []
    lengths: list[int] = []
    wanted: list[bytes | None] = []
    for plain, compression, fate in bodies:
        chunk = encode_chunk(plain, compression)
        data: Any = chunk.data
        if fate == 0:
            data = data[:-1] + bytes([data[-1] ^ 1]) if data else b"x"
        elif fate == 1:
            data = None
        encs.append(chunk.enc)
        checks.append(chunk.check)
        stored.append(data)
        lengths.append(len(plain) - (1 if fate == 2 else 0))
        wanted.append(plain if fate > 2 else None)
    packed = CompressedChunks(encs, checks, stored, lengths)
    packed.decompress()
    assert packed.plain() == wanted


def test_networks_of_an_address() -> None:
    """STORE-90"""
    assert ip_classes("192.0.2.130") == ("192.0.2.130", "192.0.2.128", "192.0.0.0")
    assert ip_classes("2001:db8:1:2:3::4") == ("2001:db8:1:2::", "2001:db8:1::", "2001:db8::")
    assert ip_classes("::ffff:192.0.2.130") == ip_classes("192.0.2.130")
