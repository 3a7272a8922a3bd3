"""The codec of Web Push: the vectors of RFC 8291 and RFC 8292, and what browsers could send (WEBMAIL-122)."""

import pytest
from cryptography.exceptions import InvalidSignature, InvalidTag
from hypothesis import given, strategies as st

from moxlite.proto.webpush import (
    MAX_PLAIN,
    BadSubscription,
    Vapid,
    check_endpoint,
    check_keys,
    decode,
    encode,
    encrypt,
    make_key,
)
from tests.pushservice import decrypt, private_key, verify

# RFC 8291 §5
PLAIN = b"When I grow up, I want to be a watermelon"
SERVER_PRIVATE = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"
SERVER_PUBLIC = "BP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A8"
BROWSER_PRIVATE = "q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94"
BROWSER_PUBLIC = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
SECRET = "BTBZMqHH6r4Tts7J_aSIgg"
SALT = "DGv6ra1nlYgDCS1FRnbzlw"
BODY = (
    "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_"
    "yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
)

# RFC 8292 §2.4
TOKEN = (
    "vapid t=eyJ0eXAiOiJKV1QiLCJhbGciOiJFUzI1NiJ9.eyJhdWQiOiJodHRwczovL3B1c2guZXhhbXBsZS5uZXQiLCJleHAiOjE"
    "0NTM1MjM3NjgsInN1YiI6Im1haWx0bzpwdXNoQGV4YW1wbGUuY29tIn0.i3CYb7t4xfxCDquptFOepC9GAu_HLGkMlMuCGSK2rpi"
    "UfnK9ojFwDXb1JrErtmysazNjjvW2L9OkSSHzvoD1oA, k=BA1Hxzyi1RUM1b5wjxsn7nGxAszw2u61m164i3MrAIxHF6YK5h4SD"
    "Yic-dRuU_RCPCfA5aq9ojSwk5Y2EmClBPs"
)


def test_the_example_of_rfc_8291_is_encrypted_to_the_octet() -> None:
    """WEBMAIL-122: RFC 8291 §5."""
    private = private_key(SERVER_PRIVATE)
    assert Vapid(private).public == SERVER_PUBLIC
    body = encrypt(PLAIN, decode(BROWSER_PUBLIC), decode(SECRET), salt=decode(SALT), private=private)
    assert encode(body) == BODY


def test_the_example_of_rfc_8291_is_decrypted() -> None:
    """WEBMAIL-122: RFC 8291 §5, for the fake browser of the tests."""
    assert decrypt(decode(BODY), private_key(BROWSER_PRIVATE), decode(SECRET)) == PLAIN


def test_the_token_of_rfc_8292_is_valid_and_ours_has_its_form() -> None:
    """WEBMAIL-122: RFC 8292 §2.4. Signatures are random, so head, claims and form are compared."""
    claims = verify(TOKEN)
    assert claims == {"aud": "https://push.example.net", "exp": 1453523768, "sub": "mailto:push@example.com"}
    vapid = Vapid(make_key(b"secret"))
    made = vapid.authorization("https://push.example.net", "mailto:push@example.com", 1453523768)
    assert verify(made) == claims
    assert made.partition(", k=")[2] == vapid.public
    assert made.split(".")[:2] == TOKEN.split(".")[:2]
    with pytest.raises(InvalidSignature):
        verify(TOKEN.replace("E0NTM1MjM3Njgs", "E0NTM1MjM3Njks"))


@given(plain=st.binary(max_size=500), padding=st.integers(0, MAX_PLAIN - 500), salt=st.binary(min_size=16, max_size=16))
def test_any_notice_comes_back(plain: bytes, padding: int, salt: bytes) -> None:
    """WEBMAIL-122."""
    browser = private_key(BROWSER_PRIVATE)
    body = encrypt(plain, decode(BROWSER_PUBLIC), decode(SECRET), salt=salt, padding=padding)
    assert decrypt(body, browser, decode(SECRET)) == plain
    assert len(body) == len(plain) + padding + 103 <= 4096
    with pytest.raises(InvalidTag):
        decrypt(body[:-1] + bytes([body[-1] ^ 1]), browser, decode(SECRET))


def test_a_notice_that_is_too_long_is_refused() -> None:
    """WEBMAIL-122: RFC 8291 §4."""
    encrypt(bytes(MAX_PLAIN), decode(BROWSER_PUBLIC), decode(SECRET), salt=bytes(16))
    with pytest.raises(ValueError, match="wrong salt size, or notification too large"):
        encrypt(bytes(MAX_PLAIN), decode(BROWSER_PUBLIC), decode(SECRET), salt=bytes(16), padding=1)
    with pytest.raises(ValueError, match="wrong salt size, or notification too large"):
        encrypt(b"", decode(BROWSER_PUBLIC), decode(SECRET), salt=bytes(15))


@pytest.mark.parametrize(
    ("public", "secret", "reason"),
    [
        (BROWSER_PUBLIC, "AAAA", "16 bytes"),
        ("", SECRET, "65 bytes"),
        ("BA" + "AA" * 42 + "A", SECRET, "isn't a valid P-256 point"),
        ("AP" + BROWSER_PUBLIC[2:], SECRET, "isn't a valid P-256 point"),
        (BROWSER_PUBLIC[:-1] + "8", SECRET, "isn't a valid P-256 point"),
        ("B" * 200, SECRET, "65 bytes"),
        ("ü", SECRET, "base64url"),
        ("B+/=", SECRET, "base64url"),
    ],
)
def test_keys_that_are_none_are_refused(public: str, secret: str, reason: str) -> None:
    """WEBMAIL-122: keys come from a browser, so they are a stranger's."""
    with pytest.raises(BadSubscription, match=reason):
        check_keys(decode(public), decode(secret))


@given(st.text(max_size=120))
def test_texts_of_strangers_are_keys_or_refused(text: str) -> None:
    """WEBMAIL-122: nothing but BadSubscription comes out."""
    for check in (lambda: check_keys(decode(text), bytes(16)), lambda: check_endpoint("https://" + text)):
        try:
            check()
        except BadSubscription:
            pass


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://push.example.net/p/JzLQ3raZJfFBR0aqvOMsLrt54w4rJUsV", "https://push.example.net"),
        ("https://Push.Example.net:443/x", "https://push.example.net"),
        ("https://push.example.net:8443/x?y", "https://push.example.net:8443"),
        ("https://[2001:db8::1]:444/", "https://[2001:db8::1]:444"),
    ],
)
def test_the_origin_of_a_push_service_is_known(url: str, origin: str) -> None:
    """WEBMAIL-122: RFC 8292 §2."""
    assert check_endpoint(url) == origin


@pytest.mark.parametrize(
    "url",
    [
        "http://push.example.net/x",
        "https://",
        "https://user:secret@push.example.net/",
        "https://push.example.net:99999/",
        "https://push.example.net/\r\nX: y",
        "https://push.example.net/a b",
        "https://bücher.example/",
        "https://push.example.net/" + "x" * 1000,
        "ftp://push.example.net/",
        "file:///etc/passwd",
        "https://[::1",
    ],
)
def test_endpoints_that_are_none_are_refused(url: str) -> None:
    """WEBMAIL-122."""
    with pytest.raises(BadSubscription):
        check_endpoint(url)


def test_a_secret_gives_one_key() -> None:
    """WEBMAIL-122: the key of a server stays the same, and differs from that of another server."""
    keys = [Vapid(make_key(secret)).public for secret in (b"a" * 24, b"a" * 24, b"b" * 24)]
    assert keys[0] == keys[1] != keys[2]
