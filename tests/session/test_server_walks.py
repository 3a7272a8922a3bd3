"""The ways of messages through the packages of a running server (docs/developers/develop.md)."""

from pathlib import Path

from tests.walks import follow

MESSAGE = 6
"""Climbs of an incoming message at most."""

SUBMISSION = 12
"""Climbs of a submission to an account of the same server at most."""

FILES = 140
"""Files on the way of an incoming message at most. The aim is 90: lower it with each merge."""


async def test_the_way_of_a_message_can_be_followed_by_the_imports(tmp_path: Path) -> None:
    """develop.md: few calls lead from a lower package up into a higher one; `script/measure walk` shows them."""
    walks = await follow(tmp_path)
    found = {name: sorted(f"{caller} → {package}" for caller, package in walk.climbs) for name, walk in walks.items()}
    assert 0 < len(found["message"]) <= MESSAGE, found["message"]
    assert 0 < len(found["submission"]) <= SUBMISSION, found["submission"]
    assert 0 < len({file for file, _ in walks["message"].functions}) <= FILES, str(walks["message"])
