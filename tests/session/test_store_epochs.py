"""States that clients keep, over restores, take-overs, upgrades and other changes of an account's file (STORE-145b)."""

import random
from contextlib import closing
from pathlib import Path

import apsw
import pytest
import trio

from moxlite.store.accounts.accounts import Accounts
from moxlite.store.options import Options
from moxlite.store.rows.history import epoch, epoch_mark
from moxlite.web.jmap.states import DELIVERY
from moxlite.web.jmap.table import METHODS
from tests.campaigns.epochs import EVENTS, World, play
from tests.jmap_rig import Client, pushed_states
from tests.upgrade_fixtures import names, unpack

pytestmark = [pytest.mark.served, pytest.mark.slow]

OF_CONTENT = {"Principal", "ParticipantIdentity", "Quota"}
"""Types whose states say what there is, so that an equal one is right in any epoch."""


def kinds(method: str) -> list[str]:
    """The types with a method whose states are modseqs."""
    return [
        kind for kind, _, name in (one.partition("/") for one in METHODS) if name == method and kind not in OF_CONTENT
    ]


@pytest.mark.landing("imported", "taken over")
@pytest.mark.parametrize("event", EVENTS)
async def test_six_clients_know_what_there_is(tmp_path: Path, event: str) -> None:
    """STORE-145b, STORE-197, JMAP-9, DAV-19, WEBMAIL-44, IMAP-154: with newer states than the account came back with;
    where all of it came back, they read nothing again.
    """
    await play(World(tmp_path, random.Random(5)), event)


@pytest.mark.nightly
@pytest.mark.parametrize("event", EVENTS)
async def test_states_from_before_epochs_stay_valid_until_the_first_restore(tmp_path: Path, event: str) -> None:
    """STORE-145b"""
    await play(World(tmp_path, random.Random(6)), event, old=True)


async def test_no_type_tells_changes_from_before_a_restore(tmp_path: Path) -> None:
    """STORE-145b, JMAP-9, JMAP-7b: of any type, by /changes, /queryChanges and conditions; pushes name the states of
    /get.
    """
    world = World(tmp_path, random.Random(7))
    async with world.served() as rig:
        client = Client(rig)
        await world.change(rig, 2)
        await world.back_up()
        await world.change(rig, 2)
        states = {kind: (await client.call(f"{kind}/get", ids=[]))["state"] for kind in kinds("changes")}
        results = {kind: (await client.call(f"{kind}/query"))["queryState"] for kind in kinds("queryChanges")}
        async with rig.account() as account:
            pushed = await pushed_states(rig, account)
        assert pushed.pop(DELIVERY)
        for kind, state in pushed.items():
            assert state == (await client.call(f"{kind}/get", ids=[]))["state"], kind
    await trio.to_thread.run_sync(EVENTS["restored"][0], world)
    async with world.served() as rig:
        client = Client(rig)
        for kind, state in states.items():
            assert await client.error(f"{kind}/changes", sinceState=state) == "cannotCalculateChanges", kind
            if f"{kind}/set" in METHODS:
                assert await client.error(f"{kind}/set", ifInState=state) == "stateMismatch", kind
        for kind, state in results.items():
            assert await client.error(f"{kind}/queryChanges", sinceQueryState=state) == "cannotCalculateChanges", kind


@pytest.mark.parametrize("name", names())
async def test_an_upgrade_is_in_the_same_epoch(tmp_path: Path, name: str) -> None:
    """STORE-145b: states of JMAP have the mark that they had, and tokens of DAV name what they named."""
    data = unpack(name, tmp_path / "data")
    with closing(apsw.Connection(str(data / "accounts/test2/account.db"))) as db:
        [(before,)] = db.execute("SELECT lower(hex(substr(file_id, 1, 8))) FROM state").fetchall()
        [(mark,)] = db.execute("SELECT iif(length(file_id) > 16, '-', '') FROM state").fetchall()
    accounts = Accounts(data, Options(min_free_space=0))
    async with accounts.use("test2") as account:
        expected = (before, f"{mark}{before}" if mark else "")
        assert await account.read(lambda r: (epoch(r), epoch_mark(r)), op="test") == expected
    await accounts.aclose()
