"""The Sender Rewriting Scheme (AUTH-114)."""

import pytest
from hypothesis import given, strategies as st

from moxlite.proto.address import Address, Domain
from moxlite.proto.srs import SRS, VALID_DAYS, BadReturnAddress

OWN, OTHER = Domain.parse("ours.example"), Domain.parse("second.example")
NOW = 1_790_000_000.0
DAY = 86_400


def sender(text: str = "ann@remote.example") -> Address:
    return Address.parse(text)


def test_a_bounce_finds_its_way_back() -> None:
    """AUTH-114: in any case of letters, for 21 days."""
    srs = SRS([b"key"])
    made = srs.sender_for(sender("Ann+x=y@remote.example"), OWN, NOW)
    assert made is not None
    assert str(made).startswith("SRS0=")
    assert str(made).endswith("=remote.example=Ann+x=y@ours.example")
    assert str(srs.back(made.localpart, NOW)) == "Ann+x=y@remote.example"
    assert str(srs.back(made.localpart.lower(), NOW + VALID_DAYS * DAY)).lower() == "ann+x=y@remote.example"
    with pytest.raises(BadReturnAddress, match="expired"):
        srs.back(made.localpart, NOW + (VALID_DAYS + 1) * DAY)


def test_a_second_forwarder_names_the_first() -> None:
    """AUTH-114: SRS1, so that the way back has two steps, however many forwarders there were."""
    first, second, third = SRS([b"1"]), SRS([b"2"]), SRS([b"3"])
    one = first.sender_for(sender(), OWN, NOW)
    assert one is not None
    two = second.sender_for(one, OTHER, NOW)
    assert two is not None
    three = third.sender_for(two, Domain.parse("third.example"), NOW)
    assert three is not None
    assert three.localpart.startswith("SRS1=")
    assert third.back(three.localpart, NOW) == one
    assert second.back(two.localpart, NOW) == one
    assert first.back(one.localpart, NOW) == sender()
    odd = sender("a=b=c@remote.example")
    one = first.sender_for(odd, OWN, NOW)
    assert one is not None
    two = second.sender_for(one, OTHER, NOW)
    assert two is not None
    three = third.sender_for(two, Domain.parse("third.example"), NOW)
    assert three is not None
    assert first.back(third.back(three.localpart, NOW).localpart, NOW) == odd


def test_forged_addresses_are_refused_and_old_keys_are_known() -> None:
    """AUTH-114: the list of keys lets them be replaced."""
    made = SRS([b"old"]).sender_for(sender(), OWN, NOW)
    assert made is not None
    assert SRS([b"new", b"old"]).back(made.localpart, NOW) == sender()
    for text in (made.localpart, made.localpart.replace("ann", "bob"), "SRS0=x", "SRS1=a=b", "SRS0==", "ann"):
        with pytest.raises(BadReturnAddress):
            SRS([b"new"]).back(text, NOW)
    for text in (made.localpart.replace("ann", "bob"), made.localpart.replace("remote", "others")):
        with pytest.raises(BadReturnAddress, match="not one of this server's return addresses"):
            SRS([b"old"]).back(text, NOW)  # the hash is over all that follows it


@given(st.text(max_size=140), st.floats(0, 4e9))
def test_any_text_is_refused_without_a_crash(text: str, now: float) -> None:
    """AUTH-114: strangers choose the recipient."""
    with pytest.raises(BadReturnAddress):
        SRS([b"key"]).back(text, now)


@given(st.from_regex(r"[A-Za-z0-9._+=!#-]{1,90}", fullmatch=True), st.floats(0, 4e9))
def test_each_sender_comes_back(local: str, now: float) -> None:
    """AUTH-114: unless it is too long."""
    srs = SRS([b"key"])
    try:
        asked = Address.parse(f"{local}@remote.example")
    except ValueError:
        return
    if local.lower().startswith(("srs0", "srs1")):
        return
    made = srs.sender_for(asked, OWN, now)
    assert made is None or srs.back(made.localpart, now) == asked
