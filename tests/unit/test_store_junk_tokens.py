"""What words a message has (moxlite/store/junk/score.py)."""

from __future__ import annotations

import hashlib
import string

import pytest
from hypothesis import given, strategies as st

from moxlite.proto.mime.structure import scan
from moxlite.store.junk import score as tokenising
from moxlite.store.junk.classify import message_words
from moxlite.store.junk.score import MAX_WORDS, hash_words, tokens, words_of
from moxlite.store.junkflags import Grams


def words(text: str, grams: Grams = Grams()) -> list[str]:
    """Words of a message given with LF."""
    return message_words(text.replace("\n", "\r\n").encode(), grams)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("Hello, WORLD-wide_web!", ["hello", "world", "wide", "web"]),
        ("a an and", ["and"]),
        ("Straße ÉTÉ né", ["straße", "été", "né"]),  # né has three octets
        ("7 123 123456 ١٢٣", []),
        ("mp3player b2b4you", ["mp3player", "b2b4you"]),
        ("order1234", []),
        ("deadbeef 0xdead12 0xdead123 dead123 beef12", ["deadbeef", "0xdead12", "beef12"]),
        ("xkcdqwr xkcdq angstschweiss", ["xkcdq"]),  # six without a vowel
        ("a" * 100 + " " + "b" + "a" * 100, ["a" * 100]),
        ("ü" * 50 + " " + "ü" * 51, ["ü" * 50]),
        ("ＦＲＥＥ 𝐯𝐢𝐚𝐠𝐫𝐚", ["free", "viagra"]),
        ("vi\u00adag\u200bra", ["viagra"]),
        ("\u2067vi\u202eag\u2069r\u034f\U000e0062a\ufe0f", ["viagra"]),  # directions, joiners, tags, variants
        ("v\u0456\u0430gra \u0412UY caf\u00e9", ["viagra", "buy", "café"]),  # і, а and В of Cyrillic
        ("\u0440\u0435\u043a\u0430 ро\u0441\u0430", ["река", "роса"]),  # Russian words stay so
    ],
)
def test_tokens_are_what_another_message_may_have_too(text: str, kept: list[str]) -> None:
    """STORE-88: 3 to 100 octets, not only digits, not random, no numbers; letters in another shape are the same."""
    assert tokens(text) == kept


def test_scripts_without_blanks_give_pairs() -> None:
    """STORE-193."""
    assert tokens("日本語のtest カ 한국어") == ["日本", "本語", "語の", "test", "カ", "한국", "국어"]
    assert tokens("我们见面") == ["我们", "们见", "见面"]
    assert tokens("ที่นี่ok1") == ["ที", "ี่", "่น", "นี", "ี่", "ok1"]


def test_neighbours_are_words_if_so_configured() -> None:
    """STORE-88: of kept tokens, also across what was not kept."""
    text = "\ncheap 12345 gold watches\n"
    assert words(text) == ["cheap", "gold", "watches"]
    assert words(text, Grams(False, True, False)) == ["cheap gold", "gold watches"]
    assert words(text, Grams(True, True, True)) == [
        "cheap", "gold", "watches", "cheap gold", "gold watches", "cheap gold watches",
    ]  # fmt: skip
    assert words(text, Grams(False, False, False)) == []


def test_words_of_addresses_and_subject_are_of_their_field() -> None:
    """STORE-88: those over 3 octets."""
    found = words(
        "Return-Path: <bounce@list.example>\nFrom: =?utf-8?q?J=C3=BCrgen?= <jo@host.example>\nTo: you\n"
        "CC: them@x.example\nreply-to: other\nSender: mailer\nBcc: hidden\nSubject: One Two\n three\n"
        "X-Spam: nothing\nReceived: from evil\n\nbody\n"
    )
    assert set(found) == {
        "Return-Path:bounce", "Return-Path:list", "Return-Path:example", "From:jürgen", "From:host", "From:example",
        "Cc:them", "Cc:example", "Reply-To:other", "Sender:mailer", "Bcc:hidden", "Subject:three", "body",
    }  # fmt: skip


def test_all_text_parts_count_and_html_as_it_is_read() -> None:
    """STORE-88: text outside script, style, svg; alternative texts; embedded messages; nothing of other parts."""
    message = """\
Content-Type: multipart/mixed; boundary=b

--b
Content-Type: text/html; charset=iso-8859-1
Content-Transfer-Encoding: quoted-printable

<style>hidden</style><script>code</script><svg>drawn</svg><p>fr=FCh</p><img alt=3D"picture">&#98;utton
--b
Content-Type: message/rfc822

Subject: within

inner
--b
Content-Type: text/calendar

calendar
--b
Content-Type: application/octet-stream

binary
--b--
"""
    assert words(message) == ["früh", "picture", "button", "inner", "calendar"]


def test_hosts_of_links_are_words() -> None:
    """STORE-193: also of links that only the markup has."""
    found = words(
        'Content-Type: text/html\n\n<a href="HTTPS://me:pw@Shop.Example.:8443/x?u=http://other.example">visit</a> http://a.b/\n',
        Grams(False, False, False),
    )
    assert found == ["url:shop.example", "url:other.example", "url:a.b"]


def test_each_word_counts_once_and_there_is_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """STORE-88: 20 000 words, 1 MiB of text."""
    letters = string.ascii_lowercase
    many = " ".join(f"{a}{b}a{c}{d}e" for a in letters for b in "aeiou" for c in letters for d in "aeiou" + "bc")
    assert MAX_WORDS == 20_000
    monkeypatch.setattr(tokenising, "MAX_WORDS", 1000)
    found = words(f"\n{many} {many}\n")
    assert len(found) == len(set(found)) == 1000
    assert words("\n" + "word " * 300_000 + "unseen\n") == ["word"]


@given(st.binary(max_size=400))
def test_any_octets_have_words(data: bytes) -> None:
    """STORE-88, STORE-150: and hashing them does not fail either."""
    found = words_of(scan(data), lambda start, end: data[start:end], Grams(True, True, True))
    assert len(hash_words(found, b"salt")) == len(found) == len(set(found))


def test_hashes_are_keyed_blake2b() -> None:
    """STORE-89: 64 bits, with the account's salt; the same on all machines."""
    expected = hashlib.blake2b(b"watches", digest_size=8, key=b"salt").digest()
    assert list(hash_words(["watches"], b"salt")) == [int.from_bytes(expected, "little", signed=True)]
    assert hash_words(["watches"], b"other") != hash_words(["watches"], b"salt")
