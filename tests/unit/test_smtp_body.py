"""DATA and BDAT content: decoding, smuggling defence, encoding (SMTP-37..40, 144, 172, 178; QUEUE-71)."""

import itertools

import pytest
from hypothesis import given, strategies as st

from moxlite.proto.smtp.body import BodyEncoder, ChunkDecoder, DataDecoder
from moxlite.proto.smtp.errors import UnsendableMessage

END = b"\r\n.\r\nREST"
END_OCTETS = (b"\r", b"\n")
mixtures = st.lists(st.sampled_from([b"\r", b"\n", b".", b"\r\n", b"a", b"\0", b"\r\n."]), max_size=40).map(b"".join)


def reference(octets: bytes, *, bare_cr: bool = False) -> tuple[bytes, bool, bytes] | None:
    """Content, badness and rest of DATA, octet by octet; None if it never ends."""
    content, line = bytearray(), bytearray()
    bad, after_crlf, position = False, True, 0
    while position < len(octets):
        octet = octets[position : position + 1]
        if octets[position : position + 2] == b"\r\n":
            crlf = True
            position += 2
        elif octet == b"\n":
            crlf = False
            position += 1
        else:
            bad = bad or octet == b"\r"
            line += octet
            position += 1
            continue
        if line == b".":
            if after_crlf and crlf:
                bad = others_could_end(octets[:position]) if bare_cr else bad
                return bytes(content), bad, octets[position:]
            bad = True
        if after_crlf and line.startswith(b"."):
            del line[0]
        content += line + b"\r\n"
        line.clear()
        after_crlf = crlf
    return None


def others_could_end(octets: bytes) -> bool:
    """Whether a lone dot between CRs and LFs of any kind is in octets of DATA, but for the one that ends them."""
    octets = b"\r\n" + octets
    dots = [at for at in range(1, len(octets) - 1) if octets[at : at + 1] == b"."]
    lone = [at for at in dots if octets[at - 1 : at] in END_OCTETS and octets[at + 1 : at + 2] in END_OCTETS]
    return lone != [len(octets) - 3]


def decode(octets: bytes, cuts: list[int], *, bare_cr: bool = False) -> tuple[bytes, bool, bytes]:
    decoder, content, rest = DataDecoder(bare_cr=bare_cr), bytearray(), None
    for start, stop in itertools.pairwise([0, *sorted(cuts), len(octets)]):
        if rest is not None:
            rest += octets[start:stop]
        else:
            piece, rest = decoder.feed(octets[start:stop])
            content += piece
    assert rest is not None
    return bytes(content), decoder.bad_line_ends, rest


def agree(octets: bytes, cuts: list[int]) -> None:
    for bare_cr in (False, True):
        expected = reference(octets, bare_cr=bare_cr)
        assert expected is not None
        content, bad, rest = decode(octets, cuts, bare_cr=bare_cr)
        assert (bad, rest) == expected[1:]
        if not bad:
            assert content == expected[0]


def test_all_mixtures_of_cr_lf_and_dot_agree_with_the_reference() -> None:
    """SMTP-38, 39, 144, 178"""
    for length in range(8):
        for octets in itertools.product(b"\r\n.", repeat=length):
            agree(bytes(octets) + END, [])
            agree(b"a" + bytes(octets) + END, [length // 2 + 1])


def test_every_split_of_short_mixtures_agrees_with_the_reference() -> None:
    """SMTP-37, 144"""
    for length in range(5):
        for octets in itertools.product(b"\r\n.a", repeat=length):
            data = bytes(octets) + END
            for cut in range(len(data)):
                agree(data, [cut])
            agree(data, list(range(len(data))))


@given(mixtures, st.lists(st.integers(0, 60), max_size=8))
def test_any_splits_agree_with_the_reference(octets: bytes, cuts: list[int]) -> None:
    """SMTP-37, 38, 178"""
    data = octets + END
    agree(data, [min(cut, len(data)) for cut in cuts])


@pytest.mark.parametrize("smuggled", [b"\n.\n", b"\n.\r\n", b"\r\n.\n", b"\r.\r", b"\r\n.\r", b"\r"])
def test_an_end_that_others_could_see_makes_the_message_bad(smuggled: bytes) -> None:
    """SMTP-38"""
    content, bad, rest = decode(b"a" + smuggled + b"MAIL FROM:<x@y>\r\nb\r\n.\r\nNOOP\r\n", [])
    assert bad
    assert decode(b"a" + smuggled + b"b\r\n.\r\n", [], bare_cr=True)[1] == (b"." in smuggled)
    assert rest == b"NOOP\r\n"
    assert b"MAIL" in content


def test_bare_lf_becomes_crlf_and_nul_stays() -> None:
    """SMTP-39"""
    assert decode(b"a\nb\0c\r\n.\n..\r\n.\r\n", [])[1]
    assert decode(b"a\nb\0c\r\n..d\r\n.\r\n", []) == (b"a\r\nb\0c\r\n.d\r\n", False, b"")


@given(mixtures, st.lists(st.integers(0, 60), max_size=5))
def test_chunks_lose_bare_lf_and_report_bare_cr(octets: bytes, cuts: list[int]) -> None:
    """SMTP-39, 40"""
    chunks_agree(octets, cuts)


def test_every_split_of_short_chunks_reports_bare_cr_alone() -> None:
    """SMTP-39, 40: a CR LF between two pieces is one line end."""
    for length in range(6):
        for octets in itertools.product(b"\r\na", repeat=length):
            for cut in range(length + 1):
                chunks_agree(bytes(octets), [cut])
            chunks_agree(bytes(octets), list(range(length)))


def chunks_agree(octets: bytes, cuts: list[int]) -> None:
    """Whether a decoder that gets the octets in pieces does what the octets as a whole say."""
    cuts = sorted(min(cut, len(octets)) for cut in cuts)
    for bare_cr in (False, True):
        decoder = ChunkDecoder(bare_cr=bare_cr)
        content = b"".join(decoder.feed(octets[a:b]) for a, b in itertools.pairwise([0, *cuts, len(octets)]))
        decoder.end()
        without = octets.replace(b"\r\n", b"")
        assert decoder.bad_line_ends == (b"\r" in without and not bare_cr)
        if not decoder.bad_line_ends:
            assert content == octets.removesuffix(b"\r").replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


lines = st.lists(st.text(alphabet=".ab", max_size=4), min_size=1, max_size=8).map(
    lambda texts: "".join(text + "\r\n" for text in texts).encode()
)


@given(lines, st.lists(st.integers(0, 50), max_size=6), st.lists(st.integers(0, 50), max_size=6))
def test_decoding_what_was_encoded_gives_it_back(message: bytes, cuts: list[int], received: list[int]) -> None:
    """SMTP-37, 127; QUEUE-71"""
    encoder = BodyEncoder(dots=True)
    cuts = sorted(min(cut, len(message)) for cut in cuts)
    sent = b"".join(encoder.feed(message[a:b]) for a, b in itertools.pairwise([0, *cuts, len(message)])) + encoder.end()
    assert decode(sent, [min(cut, len(sent)) for cut in received]) == (message, False, b"")


@pytest.mark.parametrize("bad", [b"a\nb\r\n", b"a\rb\r\n", b"a", b"a\r", b"a\r\n\r"])
@pytest.mark.parametrize("dots", [True, False])
def test_bare_line_ends_are_never_sent(bad: bytes, dots: bool) -> None:
    """SMTP-127; QUEUE-71"""
    for cut in range(len(bad) + 1):
        encoder = BodyEncoder(dots=dots)
        with pytest.raises(UnsendableMessage):  # noqa: PT012  # in one of the three, according to the cut
            encoder.feed(bad[:cut])
            encoder.feed(bad[cut:])
            encoder.end()


def test_chunks_are_sent_without_dots() -> None:
    """SMTP-127"""
    encoder = BodyEncoder(dots=False)
    assert encoder.feed(b".a\r\n..\r\n") + encoder.end() == b".a\r\n..\r\n"
