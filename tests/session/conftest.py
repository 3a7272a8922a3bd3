"""What all tests of sessions share."""

import argon2
import pytest

from moxlite.store.auth import credentials

CHEAP = argon2.PasswordHasher(time_cost=1, memory_cost=64, parallelism=1, type=argon2.Type.ID)


@pytest.fixture(autouse=True)
def cheap_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hash passwords at next to no cost: most tests here log in, and none is about the hash (STORE-100 has its tests in
    tests/unit).
    """
    monkeypatch.setattr(credentials, "_HASHER", CHEAP)
