"""TOTP: the vectors of the RFCs, and which codes are taken."""

from urllib.parse import parse_qs, urlsplit

import pyotp
import pytest
from hypothesis import given, strategies as st

from moxlite.proto.totp import hotp, matching_step, new_secret, secret_text, totp_uri

SECRET = b"12345678901234567890"


@pytest.mark.parametrize(
    ("counter", "code"),
    list(
        enumerate(["755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489"])
    ),
)
def test_hotp_gives_the_codes_of_rfc_4226(counter: int, code: str) -> None:
    """WEB-151: RFC 4226 appendix D."""
    assert hotp(SECRET, counter) == code


@pytest.mark.parametrize(
    ("seconds", "sha1", "sha256", "sha512"),
    [
        (59, "94287082", "46119246", "90693936"),
        (1111111109, "07081804", "68084774", "25091201"),
        (1111111111, "14050471", "67062674", "99943326"),
        (1234567890, "89005924", "91819424", "93441116"),
        (2000000000, "69279037", "90698825", "38618901"),
        (20000000000, "65353130", "77737706", "47863826"),
    ],
)
def test_totp_gives_the_codes_of_rfc_6238(seconds: int, sha1: str, sha256: str, sha512: str) -> None:
    """WEB-151: RFC 6238 appendix B, with secrets of the size of each hash."""
    for digest, size, code in (("sha1", 20, sha1), ("sha256", 32, sha256), ("sha512", 64, sha512)):
        secret = (SECRET * 4)[:size]
        assert hotp(secret, seconds // 30, digits=8, digest=digest) == code


@given(st.binary(min_size=20, max_size=20), st.integers(min_value=90, max_value=1 << 33), st.integers(-3, 3))
def test_a_code_is_taken_one_step_early_or_late_but_not_two(secret: bytes, now: int, steps: int) -> None:
    """WEB-151: RFC 6238 §5.2; the codes are computed by another program."""
    code = pyotp.TOTP(secret_text(secret)).at(now + steps * 30)
    near = {pyotp.TOTP(secret_text(secret)).at(now + one * 30): now // 30 + one for one in (-1, 0, 1)}
    assert matching_step(secret, code, now=now, after=0) == near.get(code)


def test_a_code_is_refused_after_its_step_was_used() -> None:
    """WEB-151: RFC 6238 §5.2; older codes, too."""
    now = 1_800_000_000
    code = hotp(SECRET, now // 30)
    assert matching_step(SECRET, code, now=now, after=now // 30 - 1) == now // 30
    assert matching_step(SECRET, code, now=now, after=now // 30) is None
    assert matching_step(SECRET, hotp(SECRET, now // 30 - 1), now=now, after=now // 30) is None


def test_other_texts_are_no_codes() -> None:
    """WEB-151."""
    for text in ("", "１２３４５６", "755224 ", "\ud800", "7" * 10_000):
        assert matching_step(SECRET, text, now=59, after=0) is None


def test_the_address_for_apps_has_issuer_account_and_secret() -> None:
    """WEB-151: what is written in it is read back by another program."""
    secret = new_secret()
    uri = totp_uri(secret, issuer="mail.example.org", label="mia lou@bücher.example")
    app = pyotp.parse_uri(uri)
    assert isinstance(app, pyotp.TOTP)
    assert (app.secret, app.issuer, app.name) == (secret_text(secret), "mail.example.org", "mia lou@bücher.example")
    assert parse_qs(urlsplit(uri).query)["period"] == ["30"]
