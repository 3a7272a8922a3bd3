"""What was deleted for good is in no file of the second machine, and in nothing that is restored from its target."""

from pathlib import Path

import pyrage
import pytest
import trio

from moxlite.admin.standby import following, replicating
from moxlite.admin.standby.following import Follower
from tests.house import SECONDS, STATIC, house, soon
from tests.session.test_admin_standby import following as follow, identity, moxlite, settings, source
from tests.session.test_admin_standby_pruning import short
from tests.session.test_store_erased import ERASING, erase, holding, store
from tests.tools import write_own

__all__ = ["identity", "short"]

pytestmark = [pytest.mark.served, pytest.mark.slow, pytest.mark.integration]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look more often than on a machine at rest."""
    monkeypatch.setattr(replicating, "BEAT", 0.3)
    monkeypatch.setattr(replicating, "PACK", 0.5)
    monkeypatch.setattr(following, "BEAT", 0.3)
    monkeypatch.setattr(following, "PAUSE", 0.5)


async def test_a_word_of_deleted_mail_leaves_the_second_machine(tmp_path: Path) -> None:
    """STORE-37a, 186d, 186e: the copy had it, and has it no more once it has followed; nor has what is restored from
    the target, or taken over from it, though it keeps the removed account for a time."""
    identity, second, target = tmp_path / "standby-key.txt", tmp_path / "second", str(tmp_path / "target")
    secret = pyrage.x25519.Identity.generate()
    identity.write_text(f"{secret}\n")
    standby = f'\n[standby]\ntarget = "{target}"\nencrypt_to = ["{secret.to_public()}"]\n'
    databases = {f"data/{name}.db" for name in ("accounts/mia/account", "accounts/tom/account", "queue")}
    async with house(tmp_path, static='user = "0"\n' + STATIC + ERASING + standby) as h, follow(tmp_path, identity):
        await store(h)
        await soon(lambda: {*holding(second)} >= databases, "the word in the copy")
        await erase(h)
        await soon(lambda: not {*holding(second)}, "a copy without the word")
        await soon(lambda: "tom" not in (second / "config/domains.toml").read_text(), "the configuration of now")
        signer = (second / "signer").read_text().strip()
    identified = ("--identity", str(identity), "--signer", signer)
    for command in (
        ["restore", target, "--at", "0s", "--with-config"],
        ["standby", "takeover", target, "--into", str(second), "--yes-the-other-is-down"],
    ):
        new = tmp_path / command[0]
        write_own(new / "config")
        places = ("--config-dir", str(new / "config"), "--data-dir", str(new / "data"))
        await moxlite(tmp_path, *command, *identified, *places)
        assert (new / "data/accounts/mia/account.db").exists()
        assert [*holding(new)] == []


async def forgotten(folder: Path) -> None:
    """Wait until no file below a folder has the word."""
    left: set[str] = set()
    with trio.move_on_after(SECONDS):
        while left := await trio.to_thread.run_sync(lambda: {*holding(folder)}):  # noqa: ASYNC110 - only files tell
            await trio.sleep(0.2)
    assert not left


async def test_a_word_of_deleted_mail_leaves_the_target_and_the_first_machine(
    tmp_path: Path, identity: Path, short: None
) -> None:
    """STORE-186r: the target has it for `standby.keep`, the first machine's folder of Litestream no longer, and a copy
    whose follower was away when it was deleted only until that follows again or takes over.
    """
    target, second = tmp_path / "target", tmp_path / "second"
    async with house(tmp_path, static=settings(tmp_path, identity) + ERASING) as h:
        async with follow(tmp_path, identity):
            await store(h)
            await soon(lambda: (second / "data/accounts/tom/account.db").exists(), "the copy of the account")
        await soon(lambda: {*holding(target)}, "the word in the target")
        await erase(h)
        state = h.house.static.data_dir / "standby/meta/accounts"
        await soon(lambda: [*state.glob("*")] == [state / "mia"], "nothing is kept of the removed account")
        await trio.sleep(3)  # neither the positions nor the configuration name it
        assert await Follower(source(tmp_path, identity), second).catch_up(SECONDS) == []
        assert not (second / "data/accounts/tom").exists()
        assert [*holding(second)] == []
        await forgotten(target)
    assert [*holding(h.house.static.data_dir)] == []
