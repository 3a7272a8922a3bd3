"""The walks of seven people through the webmail (docs/clicks.md), each done in a real browser."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.integration.browser import chromium
from tests.integration.conftest import panics
from tests.integration.webmail_walks import WALKS, Walk, settle_in, take, written
from tests.running import LocalServer

__all__ = ["chromium"]

pytestmark = [pytest.mark.served, pytest.mark.integration, pytest.mark.xdist_group("browser")]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServer]:
    """One server for all walks, each with an account; it must have counted no panic."""
    with LocalServer(tmp_path_factory.mktemp("walks") / "server") as found:
        settle_in(found)
        yield found
        assert panics(found) == 0, found.log()


@pytest.mark.landing("screen-reader")
@pytest.mark.parametrize(
    "walk", WALKS, ids=["parent", "pupil", "keyboard", "screen-reader", "german", "calendar", "guest"]
)
def test_a_walk_takes_the_actions_that_are_written(chromium: Browser, server: LocalServer, walk: Walk) -> None:
    """WEBMAIL-71, WEBMAIL-144, WEBMAIL-155, WEBMAIL-160, WEBMAIL-175: every step leads to what it should; what takes
    more than in Fastmail has a reason.
    """
    steps = take(chromium, server, walk)
    theirs = {step.title: "" if step.fastmail is None else str(step.fastmail) for step in steps}
    assert [(step.title, step.actions, theirs[step.title]) for step in steps] == written(walk.name)
    for step in steps:
        more = step.fastmail is not None and step.actions > step.fastmail
        assert more == (step.because != ""), f"{step.title}: {step.actions} actions, there {step.fastmail}"
