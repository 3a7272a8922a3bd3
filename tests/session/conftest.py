"""What all tests of sessions share."""

import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

import argon2
import pytest

from moxlite.store.auth import credentials
from moxlite.store.auth.authdb import AuthDB

if TYPE_CHECKING:  # others need no web server
    from tests.web_rig import Browser, Rig

CHEAP = argon2.PasswordHasher(time_cost=1, memory_cost=64, parallelism=1, type=argon2.Type.ID)


@pytest.fixture(autouse=True)
def cheap_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hash passwords at next to no cost: most tests here log in, and none is about the hash (STORE-100 has its tests in
    tests/unit).
    """
    monkeypatch.setattr(credentials, "_HASHER", CHEAP)


@pytest.fixture(autouse=True)
def without_delay(monkeypatch: pytest.MonkeyPatch) -> None:
    """Failed log-ins to the web apps cost a second, which tests of other things need not pay."""
    for name in ("moxlite.web.sessions", "moxlite.web.admin.sessions"):
        if name in sys.modules:
            monkeypatch.setattr(f"{name}.FAILURE_DELAY", 0.0)


LOGINS: Final = (
    "test_imapd_apppasswords",
    "test_imapd_auth",
    "test_web_account_devices",
    "test_web_devices",
    "test_web_factors",
    "test_web_lock",
    "test_web_login",
    "test_web_one_login",
    "test_web_provider",
    "test_web_provider_logout",
)
"""Test files about log-ins: their tests also run with auth.db in another process, unless marked `auth_here`."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run tests of log-ins with auth.db in either place (docs/decisions/031-workers.md)."""
    if metafunc.module.__name__.rpartition(".")[2] in LOGINS and "auth_place" in metafunc.fixturenames:
        marked = any(mark.name == "auth_here" for mark in metafunc.definition.iter_markers())
        metafunc.parametrize("auth_place", ["here"] if marked else ["here", "elsewhere"], indirect=True)


@pytest.fixture(autouse=True)
def auth_place(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have auth.db open in this process, or elsewhere: in another one, which is asked."""
    if getattr(request, "param", "here") == "elsewhere":
        from tests.authprocess import ElsewhereAuth

        monkeypatch.setattr(AuthDB, "open", ElsewhereAuth.open)


@pytest.fixture
async def rig(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator["Rig"]:
    """The web services of a server, with the options of `tests.web_rig.serving` in the mark `rig`."""
    from tests.web_rig import serving

    mark = request.node.get_closest_marker("rig")
    async with serving(tmp_path, **(mark.kwargs if mark else {})) as found:
        yield found


@pytest.fixture
async def browser(request: pytest.FixtureRequest, rig: "Rig") -> "Browser":
    """A browser that has logged in to the app that the mark `rig` names, the webmail if none."""
    from tests.web_rig import owner

    mark = request.node.get_closest_marker("rig")
    app = mark.kwargs.get("app", "/webmail/") if mark else "/webmail/"
    if app == "/admin/":
        return await owner(rig)
    found = rig.browser(app=app)
    await found.log_in()
    return found
