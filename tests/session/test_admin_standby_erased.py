"""What was deleted for good is in no file of the second machine, and in nothing that is restored from its target."""

from pathlib import Path

import pyrage
import pytest

from moxlite.admin.standby import following, replicating
from tests.house import STATIC, house, soon
from tests.session.test_admin_standby import following as follow, moxlite
from tests.session.test_store_erased import ERASING, erase, holding, store
from tests.tools import write_own

pytestmark = [pytest.mark.served, pytest.mark.slow, pytest.mark.integration]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look more often than on a machine at rest."""
    monkeypatch.setattr(replicating, "BEAT", 0.3)
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
