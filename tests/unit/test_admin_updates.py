"""Looks for newer versions: by which keys, and what a channel that is away costs (ADMIN-60g)."""

import base64
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import trio
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from moxlite.admin import updates
from moxlite.admin.updates import UpdateError, UpdateWatch, changes_since
from moxlite.config.static import Updates
from moxlite.encoding import to_json
from moxlite.net.resolver import DNSError
from moxlite.proto.address import Domain

FIRST, NEXT, STRANGE = (Ed25519PrivateKey.generate() for _ in range(3))


def public(key: Ed25519PrivateKey) -> str:
    return base64.b64encode(key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)).decode()


def channel(next_key: Ed25519PrivateKey | None) -> Updates:
    url = "https://project.example/changes.json"
    return Updates(Domain.parse("project.example"), url, public(FIRST), None if next_key is None else public(next_key))


class Publisher:
    """The changelog of 99.1.0, signed with a key, as an HTTP client; and its record, as a resolver, if it `answers`."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        signature = base64.b64encode(key.sign(b"99.1.0\nGood things.")).decode()
        self.body = to_json({"changes": [{"version": "99.1.0", "text": "Good things.", "signature": signature}]})
        self.answers = True

    async def request(self, *_: object, **__: object) -> Any:
        await trio.lowlevel.checkpoint()
        return SimpleNamespace(status=200, cut=False, body=self.body)

    async def txt(self, name: str) -> Any:
        await trio.lowlevel.checkpoint()
        if not self.answers:
            raise DNSError(f"no answer for {name}")
        return SimpleNamespace(records=["v=UPDATES0; l=99.1.0"])


@pytest.mark.parametrize(
    ("signing", "next_key", "good"),
    [(FIRST, None, True), (FIRST, NEXT, True), (NEXT, NEXT, True), (NEXT, None, False), (STRANGE, NEXT, False)],
)
async def test_either_key_of_a_channel_signs(
    signing: Ed25519PrivateKey, next_key: Ed25519PrivateKey | None, good: bool
) -> None:
    """ADMIN-60g: so a key can be changed without an update that the lost one signs."""
    http: Any = Publisher(signing)
    if good:
        [change] = await changes_since(http, channel(next_key))
        assert change.version == "99.1.0"
    else:
        with pytest.raises(UpdateError, match="no newer version is signed"):
            await changes_since(http, channel(next_key))


async def test_a_channel_may_be_away_for_a_week(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """ADMIN-60g: a warning each day; the version is told once when the channel is back, and not again."""
    publisher: Any = Publisher(FIRST)
    day = 0

    async def sleep(_: float, *, since: float) -> None:
        nonlocal day
        await trio.lowlevel.checkpoint()
        day += 1
        publisher.answers = day > 7
        if day > 9:
            raise EndOfTest

    notices: list[str] = []

    async def notify(_: object, __: object, subject: str, text: str, **___: object) -> None:
        await trio.lowlevel.checkpoint()
        notices.append(f"{subject}: {text}")

    monkeypatch.setattr(updates, "sleep_by_both_clocks", sleep)
    monkeypatch.setattr(updates, "notify_postmaster", notify)
    config: Any = SimpleNamespace(current=SimpleNamespace(static=SimpleNamespace(data_dir=tmp_path)))
    accounts: Any = None
    watch = UpdateWatch(channel(None), config=config, accounts=accounts, resolver=publisher, http=publisher)
    with pytest.raises(EndOfTest):
        await watch.serve()
    assert [record.message for record in caplog.records].count("update check failed") == 7
    assert watch.newer == "99.1.0"
    [notice] = notices
    assert "Good things." in notice


class EndOfTest(Exception):
    """Nine days are over."""
