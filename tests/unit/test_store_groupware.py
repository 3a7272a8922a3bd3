"""Collections and their resources in a real store: changes, tombstones, limits, checks."""

from functools import partial
from pathlib import Path

import pytest
import trio
from msgspec import UNSET

from moxlite.proto.cards.components import Instance
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.errors import LimitExceeded, OverQuota
from moxlite.store.file.transaction import Reader
from moxlite.store.groupware.collection import (
    MAX_DEAD,
    BadName,
    Collection,
    CollectionChange,
    CollectionExists,
    NoSuchCollection,
    collection_named,
    collections_of,
    create_collection,
    delete_collection,
    ensure_defaults,
    patch_collection,
    token_of,
)
from moxlite.store.groupware.resources import (
    Changes,
    NoSuchResource,
    Resource,
    ResourceFacts,
    UIDTaken,
    changes_since,
    delete_resource,
    due_expansions,
    instances_of,
    overlapping,
    put_resource,
    resource_data,
    resource_named,
    set_instances,
)
from moxlite.store.groupware.scheduling import User, move_entry
from moxlite.store.groupware.sharing import CHANGE, READ, guests_of, patch_shared_view, share_collection, shared_views
from moxlite.store.options import Options
from moxlite.store.recover.rebuild import recover
from moxlite.store.types import GroupwareChanged
from moxlite.store.upkeep.check import check_account
from moxlite.store.upkeep.erase import purge_resources
from moxlite.store.upkeep.repairs import fix_counts
from tests.store_fixtures import accounts, store_options

__all__ = ["accounts", "store_options"]


def event(uid: str, **more: object) -> ResourceFacts:
    return ResourceFacts(uid, "VEVENT", starts=1000, ends=2000, **more)  # type: ignore[arg-type]


def calendar(r: Reader, name: str = "calendar") -> Collection:
    return collection_named(r, "calendar", name)


def put(tx: AccountTx, name: str, facts: ResourceFacts, data: bytes = b"data", where: str = "calendar") -> Resource:
    return put_resource(tx, calendar(tx, where).id, name, data, facts, lambda _: None)[0]


def changes(r: Reader, since: int, limit: int = 100) -> Changes:
    return changes_since(r, calendar(r), since, limit)


async def test_the_first_collections_are_made_once_and_stay_gone(accounts: Accounts) -> None:
    """DAV-4"""
    async with accounts.use("mia") as account:
        await account.write(ensure_defaults)
        await account.write(lambda tx: delete_collection(tx, calendar(tx).id))
        await account.write(ensure_defaults)
        kinds = await account.read(
            lambda r: [[c.name for c in collections_of(r, k)] for k in ("calendar", "contact")], op="test"
        )
        assert kinds == [[], ["contacts"]]
        with pytest.raises(NoSuchCollection):
            await account.read(calendar, op="test")


async def test_octets_are_kept_and_a_change_has_its_modseq(accounts: Accounts) -> None:
    """DAV-1"""
    async with accounts.use("mia") as account:
        await account.write(ensure_defaults)
        first = await account.write(lambda tx: put(tx, "a.ics", event("1"), b"one\r\n"))
        same = await account.write(lambda tx: put(tx, "a.ics", event("1"), b"one\r\n"))
        second = await account.write(lambda tx: put(tx, "a.ics", event("1"), b"two"))
        assert same == first
        assert second.modseq > first.modseq
        assert second.createseq == first.createseq
        assert second.etag != first.etag
        assert await account.read(lambda r: resource_data(r, second.id), op="test") == b"two"
        found = await account.read(calendar, op="test")
        assert (found.total, found.size, found.modseq) == (1, 3, second.modseq)


async def test_changes_come_in_portions_and_tell_of_removals(accounts: Accounts) -> None:
    """DAV-2, DAV-19"""
    async with accounts.use("mia") as account:
        await account.write(ensure_defaults)
        for number in range(5):
            await account.write(partial(lambda tx, n: put(tx, f"{n}.ics", event(str(n))), n=number))
        start = await account.read(lambda r: changes(r, 0), op="test")
        assert [one.name for one in start.changes] == [f"{n}.ics" for n in range(5)]
        assert start.whole
        names, since = [], 0
        while True:
            part = await account.read(partial(changes, since=since, limit=2), op="test")
            names += [one.name for one in part.changes]
            assert len(part.changes) <= 2
            since = part.modseq
            if part.whole:
                break
        assert names == [f"{n}.ics" for n in range(5)]
        await account.write(lambda tx: delete_resource(tx, calendar(tx).id, "3.ics", lambda _: None))
        await account.write(lambda tx: put(tx, "3.ics", event("3")))
        await account.write(lambda tx: delete_resource(tx, calendar(tx).id, "3.ics", lambda _: None))
        after = await account.read(lambda r: changes(r, start.modseq), op="test")
        assert [(one.name, one.etag) for one in after.changes] == [("3.ics", None)]
        assert (await account.read(lambda r: changes(r, after.modseq), op="test")).changes == ()
        assert "3.ics" not in [one.name for one in (await account.read(lambda r: changes(r, 0), op="test")).changes]


async def test_changes_of_one_unit_stay_together(accounts: Accounts) -> None:
    """DAV-19"""
    async with accounts.use("mia") as account:
        await account.write(ensure_defaults)
        await account.write(lambda tx: [put(tx, f"{n}.ics", event(str(n))) for n in range(4)])
        await account.write(lambda tx: put(tx, "later.ics", event("later")))
        part = await account.read(lambda r: changes(r, 0, 2), op="test")
        assert len(part.changes) == 4
        assert not part.whole
        rest = await account.read(lambda r: changes(r, part.modseq, 2), op="test")
        assert [one.name for one in rest.changes] == ["later.ics"]


async def test_purged_tombstones_are_noted(accounts: Accounts) -> None:
    """DAV-2"""
    async with accounts.use("mia") as account:
        await account.write(ensure_defaults)
        await account.write(lambda tx: put(tx, "a.ics", event("1")))
        await account.write(lambda tx: delete_resource(tx, calendar(tx).id, "a.ics", lambda _: None))
        modseq = (await account.read(calendar, op="test")).modseq
        assert await account.write(lambda tx: purge_resources(tx, 10**12)) == 0
        assert await account.write(lambda tx: purge_resources(tx, -1)) == 1
        assert (await account.read(calendar, op="test")).purged == modseq


async def test_a_uid_is_once_in_a_collection(accounts: Accounts) -> None:
    """DAV-7"""
    async with accounts.use("mia") as account:
        await account.write(ensure_defaults)
        await account.write(lambda tx: create_collection(tx, Collection(0, "calendar", "work")))
        await account.write(lambda tx: put(tx, "a.ics", event("1")))
        with pytest.raises(UIDTaken) as raised:
            await account.write(lambda tx: put(tx, "b.ics", event("1")))
        assert raised.value.name == "a.ics"
        await account.write(lambda tx: put(tx, "b.ics", event("1"), where="work"))


async def test_moving_leaves_a_tombstone_and_copying_none(accounts: Accounts) -> None:
    """DAV-14"""
    async with accounts.use("mia") as account:
        await account.write(ensure_defaults)
        await account.write(lambda tx: create_collection(tx, Collection(0, "calendar", "work")))
        await account.write(lambda tx: put(tx, "a.ics", event("1"), b"octets"))
        home, work = await account.read(lambda r: (calendar(r), calendar(r, "work")), op="test")

        def move(tx: AccountTx, *, keep: bool) -> bool:
            return move_entry(tx, home, "a.ics", event("1"), (work, "b.ics"), User(frozenset()), keep=keep)

        assert await account.write(lambda tx: move(tx, keep=True))
        assert not await account.write(lambda tx: move(tx, keep=False))
        assert await account.read(lambda r: resource_named(r, home.id, "a.ics"), op="test") is None
        there = await account.read(lambda r: resource_named(r, work.id, "b.ics"), op="test")
        assert there is not None
        assert await account.read(lambda r: resource_data(r, there.id), op="test") == b"octets"
        with pytest.raises(NoSuchResource):
            await account.write(lambda tx: move(tx, keep=False))


async def test_instances_are_kept_for_a_stretch_and_fall_due(accounts: Accounts) -> None:
    """DAV-9"""
    async with accounts.use("mia") as account:
        await account.write(ensure_defaults)
        instances = tuple(Instance(n * 100, n * 100 + 10, str(n), 0) for n in range(10))
        facts = ResourceFacts("1", "VEVENT", starts=0, ends=None, expanded=(0, 1000), instances=instances)
        one = await account.write(lambda tx: put(tx, "a.ics", facts))
        assert await account.read(lambda r: instances_of(r, one.id, 305, 400, 9), op="test") == [instances[3]]
        assert await account.read(lambda r: due_expansions(r, 1001, 9), op="test") == [one]
        await account.write(lambda tx: set_instances(tx, one, (0, 2000), (Instance(1500, 1600, "x", 0),)))
        assert await account.read(lambda r: due_expansions(r, 1001, 9), op="test") == []
        assert [i.recurrence for i in await account.read(lambda r: instances_of(r, one.id, 0, 9999, 9), op="test")] == [
            "x"
        ]
        names = await account.read(
            lambda r: overlapping(r, one.collection_id, ("VEVENT",), 5000, 6000, 0, 9), op="test"
        )
        assert [found.name for found in names] == ["a.ics"]
        await account.write(lambda tx: put(tx, "a.ics", event("1"), b"plain"))
        assert await account.read(lambda r: instances_of(r, one.id, 0, 9999, 9), op="test") == []


async def test_subscribers_hear_of_collections_live_and_from_the_log(accounts: Accounts) -> None:
    """DAV-3"""
    async with accounts.use("mia") as account:
        _, cursor = await account.subscribe()
        await account.write(ensure_defaults)
        live = [one for one in (await cursor.take()).events if isinstance(one, GroupwareChanged)]
        assert [one.kind for one in live] == ["calendar", "contact", "calendar"]
        cursor.close()
        number = (await account.read(calendar, op="test")).id
        await account.write(lambda tx: delete_collection(tx, number))
        _, late = await account.subscribe(since=live[-1].modseq)
        found = [one for one in (await late.take()).events if isinstance(one, GroupwareChanged)]
        assert [(one.kind, one.collection_id) for one in found] == [("calendar", number)]
        late.close()


async def test_limits_and_names(accounts: Accounts, monkeypatch: pytest.MonkeyPatch) -> None:
    """DAV-5, DAV-12"""
    async with accounts.use("mia") as account:
        await account.write(ensure_defaults)
        for name in ("..", "a/b", "", "x" * 201, "a\x00b"):
            with pytest.raises(BadName):
                await account.write(partial(lambda tx, n: create_collection(tx, Collection(0, "calendar", n)), n=name))
        with pytest.raises(CollectionExists):
            await account.write(lambda tx: create_collection(tx, Collection(0, "calendar", "calendar")))
        monkeypatch.setattr("moxlite.store.groupware.collection.MAX_COLLECTIONS", 2)
        with pytest.raises(LimitExceeded):
            await account.write(lambda tx: create_collection(tx, Collection(0, "calendar", "more")))
        monkeypatch.setattr("moxlite.store.groupware.resources.MAX_RESOURCES", 1)
        await account.write(lambda tx: put(tx, "a.ics", event("1")))
        with pytest.raises(LimitExceeded):
            await account.write(lambda tx: put(tx, "b.ics", event("2")))
        dead = CollectionChange(dead={f"{n}": "x" for n in range(MAX_DEAD + 1)})
        with pytest.raises(LimitExceeded):
            await account.write(lambda tx: patch_collection(tx, calendar(tx), dead))


async def test_entries_count_for_the_quota(accounts: Accounts, monkeypatch: pytest.MonkeyPatch) -> None:
    """DAV-5, STORE-62"""
    async with accounts.use("mia") as account:
        await account.write(ensure_defaults)
        used = await account.read(lambda r: r.value("SELECT total_size FROM state"), op="test")
        monkeypatch.setattr(type(account.config), "quota", used + 100)
        await account.write(lambda tx: put(tx, "a.ics", event("1"), b"x" * 90))
        with pytest.raises(OverQuota):
            await account.write(lambda tx: put(tx, "b.ics", event("2"), b"x" * 20))
        await account.write(lambda tx: put(tx, "a.ics", event("1"), b"x" * 70))


async def test_a_check_finds_what_is_wrong_and_counts_are_repaired(accounts: Accounts) -> None:
    """DAV-6, STORE-40"""
    async with accounts.use("mia") as account:
        await account.write(ensure_defaults)
        await account.write(lambda tx: put(tx, "a.ics", event("1")))
        assert await account.read(lambda r: check_account(r, deep=True), op="test") == []

        def damage(tx: AccountTx) -> None:
            tx.execute("UPDATE collection SET total = 7 WHERE name = 'calendar'")
            tx.execute("UPDATE resource_data SET data = x'00112233'")

        await account.write(damage)
        kinds = [one.about for one in await account.read(lambda r: check_account(r, deep=True), op="test")]
        assert kinds == ["counts", "resource"]
        assert await account.write(fix_counts) == ["calendar: counts 7/4 are now 1/4"]
        await account.write(lambda tx: tx.execute("UPDATE resource_data SET data = CAST('data' AS BLOB)"))


async def test_tokens_name_file_and_collection(accounts: Accounts) -> None:
    """DAV-19"""
    async with accounts.use("mia") as account, accounts.use("tom") as other:
        tokens = []
        for one in (account, other):
            await one.write(ensure_defaults)
            tokens.append(await one.read(lambda r: token_of(r, calendar(r), 3), op="test"))
        assert tokens[0] != tokens[1]
        assert tokens[0].startswith("urn:moxlite:sync:")


async def test_a_recovered_account_has_its_entries(tmp_path: Path) -> None:
    """DAV-6, STORE-188"""
    accounts = Accounts(tmp_path / "data", Options(min_free_space=0))
    async with accounts.use("mia") as account:
        await account.write(ensure_defaults)
        facts = event("1", addresses=("a@b.example",), expanded=(0, 10), instances=(Instance(1, 2, "x", 0),))
        await account.write(lambda tx: put(tx, "a.ics", facts, b"octets" * 5000))
        await account.write(lambda tx: put(tx, "b.ics", event("2")))
        await account.write(lambda tx: tx.execute("DELETE FROM resource_data WHERE data = CAST('data' AS BLOB)"))
    await accounts.aclose()
    source = accounts.path("mia") / "account.db"
    out = tmp_path / "out"
    done = await trio.to_thread.run_sync(recover, "mia", source, out)
    assert done.losses == ["the content of entry 'b.ics'"]
    again = Accounts(out, Options(check_on_close=True, min_free_space=0))
    async with again.use("mia") as account:
        one = await account.read(lambda r: resource_named(r, calendar(r).id, "a.ics"), op="test")
        assert one is not None
        assert await account.read(lambda r: resource_data(r, one.id), op="test") == b"octets" * 5000
        assert (one.expanded_from, one.expanded_to) == (0, 0)
        assert (await account.read(calendar, op="test")).total == 1
    await again.aclose()


async def test_at_their_limits_shares_and_views_can_still_be_changed(
    accounts: Accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DAV-41, DAV-47: rights of a guest can be taken back, and a colour changed, where no further one can be added."""
    monkeypatch.setattr("moxlite.store.groupware.sharing.MAX_GUESTS", 2)
    monkeypatch.setattr("moxlite.store.groupware.sharing.MAX_VIEWS", 1)

    def share(tx: AccountTx, guest: str, rights: str) -> None:
        share_collection(tx, calendar(tx), guest, rights)

    async with accounts.use("mia") as account:
        await account.write(ensure_defaults)
        for guest, rights in (("ann", CHANGE), ("bob", READ), ("ann", READ)):
            await account.write(partial(share, guest=guest, rights=rights))
        assert await account.read(lambda r: guests_of(r, calendar(r)), op="test") == [("ann", False), ("bob", False)]
        with pytest.raises(LimitExceeded):
            await account.write(partial(share, guest="cid", rights=READ))
        for hidden in (False, True):
            view = CollectionChange(colour="#459C40" if hidden else UNSET, hidden=hidden)
            await account.write(partial(patch_shared_view, owner="tom", collection_id=1, change=view))
        await account.write(partial(patch_shared_view, owner="tom", collection_id=1, change=CollectionChange()))
        assert await account.read(shared_views, op="test") == {("tom", 1): ("#459C40", True)}
        with pytest.raises(LimitExceeded):
            await account.write(partial(patch_shared_view, owner="tom", collection_id=2, change=view))
