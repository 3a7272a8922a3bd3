"""Passwords that are easy to guess (STORE-102a)."""

import pytest

from moxlite.store.auth.credentials import generate_password
from moxlite.store.auth.weakpasswords import is_weak

CONTEXT = ["mia@example.org", "example.org", "mx.example.org", "mia", "Mia Gärtner", "moxlite"]


@pytest.mark.parametrize(
    "password",
    ["password", "password123", "12345678", "P@ssw0rd!", "!!Dragon2026", "aaaaaaaa", "abababab", "letmein99"],
)
def test_common_passwords_are_weak(password: str) -> None:
    """STORE-102a: also with digits and signs around them, or in place of letters."""
    assert is_weak(password, ())


@pytest.mark.parametrize(
    "password",
    ["mia@example.org", "Example2026!", "mx.example.org", "mia-gärtner-1984", "moxlite-mia", "gaexample.org"],
)
def test_words_of_the_context_are_weak(password: str) -> None:
    """STORE-102a: address, domain, host, and names, alone or together."""
    assert is_weak(password, CONTEXT)
    assert not is_weak("gate-otter-lemon", CONTEXT)


def test_good_passwords_are_taken() -> None:
    """STORE-102a: generated ones, phrases, and phrases with a word of the context or a common one."""
    for password in ("correct horse battery", "example otter lemon", "dragon under the sofa", "7gH!kq29"):
        assert not is_weak(password, CONTEXT), password
    assert not any(is_weak(generate_password(), CONTEXT) for _ in range(1000))
