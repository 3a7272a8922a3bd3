"""Names of addresses to give away, and the values that go with them (MASK-2, MASK-5)."""

import pytest
from hypothesis import given, strategies as st

from moxlite.proto.address import Address
from moxlite.store.mail.masked import (
    LETTERS,
    MAX_WORD,
    MaskedRefused,
    checked_senders,
    checked_site,
    fits_sender,
    has_shape,
    masked_key,
    new_localpart,
    word_of,
)


@given(st.text(max_size=80), st.lists(st.sampled_from(["+", ".", "-", "=", "_x"]), max_size=2))
def test_a_name_is_an_address_that_no_separator_cuts(text: str, separators: list[str]) -> None:
    """MASK-2: whatever the word is made of."""
    localpart = new_localpart(word_of(text), separators)
    address = Address.parse(f"{localpart}@ours.example", strict=True)
    assert masked_key(address) == f"{localpart}@ours.example"
    assert has_shape(localpart)
    assert has_shape(localpart.upper())
    assert not any(one in localpart for one in separators)
    assert len(localpart) <= MAX_WORD + 6


def test_names_differ() -> None:
    """MASK-2: five random letters."""
    assert len({new_localpart("shop", []) for _ in range(2_000)}) > 1_990
    assert len(LETTERS) == 31
    with pytest.raises(MaskedRefused, match="separator"):
        new_localpart("shop", [".", "_", "-"])
    for other in ("shop", "shop.short", "shop.longer1", "ünder.abcde", "a.b.abcde"):
        assert not has_shape(other) or other == "shop.short"


@pytest.mark.parametrize(
    ("text", "site"),
    [
        ("https://www.Shop.example/a?b", "shop.example"),
        ("user@shop.example:8080", "shop.example"),
        ("xn--bcher-kva.example", "bücher.example"),
        (" ", ""),
    ],
)
def test_a_site_is_a_host_name(text: str, site: str) -> None:
    """MASK-1"""
    assert checked_site(text) == site


def test_chosen_senders_are_addresses_and_domains() -> None:
    """MASK-5"""
    assert checked_senders(["Shop.example", "@a.example", "Ann@B.example", "shop.example"]) == [
        "shop.example",
        "a.example",
        "ann@b.example",
    ]
    for bad in (["not a domain"], ["a@b@"], [f"d{number}.example" for number in range(21)]):
        with pytest.raises(MaskedRefused):
            checked_senders(bad)
    with pytest.raises(MaskedRefused):
        checked_site("no site")
    assert fits_sender(Address.parse("x@sub.shop.example"), ["shop.example"])
    assert not fits_sender(Address.parse("x@shop.example.evil"), ["shop.example"])
