"""Octets that h11 takes and `proto.http1` refuses; the rest stays as h11 reads it."""

from itertools import pairwise

import h11
import pytest
from hypothesis import given, strategies as st

from moxlite.proto.http1 import StrictConnection

HEAD = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"


def read(codec: h11.Connection, octets: bytes, cuts: list[int]) -> list[tuple[str, bytes]]:
    """Kinds and octets of the events, bodies joined. Raises h11.RemoteProtocolError."""
    places = [0, *sorted(cut % (len(octets) + 1) for cut in cuts), len(octets)]
    found: list[tuple[str, bytes]] = []
    for start, end in pairwise(places):
        if start == end:
            continue
        codec.receive_data(octets[start:end])
        while (event := codec.next_event()) not in (h11.NEED_DATA, h11.PAUSED):
            match event:
                case h11.Data() if found[-1][0] == "data":
                    found[-1] = ("data", found[-1][1] + bytes(event.data))
                case h11.Data():
                    found.append(("data", bytes(event.data)))
                case h11.Request() | h11.EndOfMessage():
                    found.append((type(event).__name__, b"|".join(b"=".join(one) for one in event.headers)))
    return found


def strict() -> StrictConnection:
    return StrictConnection(h11.SERVER, max_head=1 << 16, max_fields=200)


cuts_ = st.lists(st.integers(0, 2000), max_size=30)
chunks_ = st.lists(
    st.tuples(st.binary(min_size=1, max_size=90), st.sampled_from([b"", b";a", b';a="b c"; d=e', b"  "]))
)


@given(chunks=chunks_, trailers=st.integers(0, 199), cuts=cuts_)
def test_clean_bodies_are_read_as_h11_does(chunks: list[tuple[bytes, bytes]], trailers: int, cuts: list[int]) -> None:
    """WEB-5: chunks with CR and NUL in their octets, extensions, trailers, however the network cuts them."""
    body = b"".join(b"%x%s\r\n%s\r\n" % (len(octets), extension, octets) for octets, extension in chunks)
    octets = HEAD + body + b"0;x=y\r\n" + b"t: \r\n" * trailers + b"\r\n"
    assert read(strict(), octets, cuts) == read(h11.Connection(h11.SERVER), octets, [])


@given(
    chunks=chunks_,
    line=st.sampled_from([b"3;\r\r\nabc", b"3;a\rb\r\nabc", b"3;\0\r\nabc", b"0;\r0\r\n", b"00;a=\r\r\n"]),
    cuts=cuts_,
)
def test_a_bare_cr_in_an_extension_is_refused(chunks: list[tuple[bytes, bytes]], line: bytes, cuts: list[int]) -> None:
    """WEB-5: in the first, a later and the last chunk, however the network cuts. The connection stays refused."""
    body = b"".join(b"%x%s\r\n%s\r\n" % (len(octets), extension, octets) for octets, extension in chunks)
    codec = strict()
    with pytest.raises(h11.RemoteProtocolError):
        read(codec, HEAD + body + line + b"\r\n0\r\n\r\n", cuts)
    assert codec.their_state is h11.ERROR
    with pytest.raises(h11.RemoteProtocolError):
        codec.next_event()


@given(cuts=cuts_, trailer=st.booleans())
def test_fields_are_counted_before_they_are_read(cuts: list[int], *, trailer: bool) -> None:
    """WEB-4: 431 over the number, in heads and trailer sections, whole or not; that number passes."""
    line = b"GET / HTTP/1.1\r\nHost: a\r\n"
    start, number = (HEAD + b"1\r\nx\r\n0\r\n", 200) if trailer else (line, 199)
    read(strict(), start + b"a:\r\n" * number + b"\r\n", cuts)
    for end in (b"\r\n", b""):
        with pytest.raises(h11.RemoteProtocolError) as caught:
            read(strict(), start + b"a:\r\n" * (number + 1) + b"b:\n" * 5 + end, cuts)
        assert caught.value.error_status_hint == 431
