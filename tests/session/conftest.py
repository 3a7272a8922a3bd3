"""What all tests of sessions share."""

import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING

import argon2
import pytest

from moxlite.store.auth import credentials

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
