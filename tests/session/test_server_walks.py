"""The ways of messages through the packages of a running server (docs/developers/develop.md)."""

from pathlib import Path

from tests.walks import follow

MESSAGE = 6
"""Climbs of an incoming message at most."""

SUBMISSION = 12
"""Climbs of a submission to an account of the same server at most."""


async def test_the_way_of_a_message_can_be_followed_by_the_imports(tmp_path: Path) -> None:
    """develop.md: few calls lead from a lower package up into a higher one; `script/measure walk` shows them."""
    walks = await follow(tmp_path)
    found = {name: sorted(f"{caller} → {package}" for caller, package in climbs) for name, climbs in walks.items()}
    assert 0 < len(found["message"]) <= MESSAGE, found["message"]
    assert 0 < len(found["submission"]) <= SUBMISSION, found["submission"]
