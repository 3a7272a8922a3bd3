"""A stand-by as an enemy sees it who can read and write its storage, and accounts that are exchanged beside it."""

import shutil
from pathlib import Path
from typing import Final

import apsw
import msgspec
import pytest
import trio

from moxlite.admin.standby.following import Follower, Source
from moxlite.admin.standby.layout import HEAD, MAX_DOCUMENT, POSITIONS, READY, Head, Positions, Ready, read_ready
from moxlite.admin.standby.lease import LEASE
from moxlite.net.log import LEVELS
from moxlite.net.storage.objectstore import ObjectStore
from moxlite.proto.sshurl import parse_object_url
from tests.house import house, soon
from tests.objectstorage import Bucket, bucket
from tests.session.test_admin_standby import (
    copied,
    deliver,
    following,
    identity,
    moxlite,
    pid_of,
    program,
    quick,
    settings,
    subjects,
)

__all__ = ["bucket", "identity", "quick"]

pytestmark = [pytest.mark.served, pytest.mark.slow, pytest.mark.integration]

URL: Final = "s3://bucket/enemy"
SECRET: Final = "wJalrXUtnFEMI7K7MDENGbPxRfiCY"


def follower_of(bucket: Bucket, tmp_path: Path, identity: Path) -> Follower:
    source = Source(target=parse_object_url(URL), access=bucket.keys, program=program(), identity=identity)
    return Follower(source, tmp_path / "second")


def outside(tmp_path: Path) -> set[Path]:
    """All that is not in the follower's folder."""
    return {one for one in tmp_path.rglob("*") if tmp_path / "second" not in one.parents}


def holding(tmp_path: Path, text: str) -> list[Path]:
    """Files that hold a text."""
    return [one for one in tmp_path.rglob("*") if one.is_file() and text.encode() in one.read_bytes()]


async def test_what_an_enemy_writes_to_the_storage_is_told_and_leads_nowhere(
    tmp_path: Path, bucket: Bucket, identity: Path
) -> None:
    """STORE-186o: names outside of the folder, garbled and endless documents, numbers that no copy has, files of
    another signer: the follower tells them, writes nothing elsewhere, is not fit to take over, and goes on once what
    was there is there again.
    """
    keys = bucket.keys_file(tmp_path / "keys")
    static = settings(tmp_path, identity, URL) + f'storage_keys_file = "{keys}"\n'
    follower = follower_of(bucket, tmp_path, identity)
    async with house(tmp_path, static=static) as h, trio.open_nursery() as nursery:
        nursery.start_soon(follower.serve)
        await deliver(h, "before")
        await soon(lambda: "before" in subjects(copied(tmp_path)), "the first message is copied")
        await soon(lambda: follower.followed.current > 0 and not follower.followed.behind, "all is current")
        nursery.cancel_scope.cancel()
    good = dict(bucket.objects)
    before = outside(tmp_path)
    head, positions = f"enemy/{HEAD}", f"enemy/epoch-0001/{POSITIONS}"
    [pack] = [name for name in good if name.endswith("/files.age")]
    true = msgspec.json.decode(good[positions], type=Positions)
    lies = dict.fromkeys(("../../../etc/cron.d/x", "/etc/passwd", "accounts/../x/account.db", "queue.db/../y"), 1)
    attacks: dict[str, tuple[str, bytes]] = {
        "can't read": (head, b"[" * 100_000),
        "is larger than": (positions, b" " * (MAX_DOCUMENT + 1)),
        "is still empty": (head, msgspec.json.encode(Head(77, "enemy"))),
        "is behind": (positions, msgspec.json.encode(msgspec.structs.replace(true, databases={"queue.db": 2**62}))),
        "": (positions, msgspec.json.encode(msgspec.structs.replace(true, databases=true.databases | lies))),
        "cannot be opened": (pack, b"age-encryption.org/v1\n" + b"\0" * 1000),
    }
    for words, (name, data) in attacks.items():
        with bucket.guard:
            bucket.objects.clear()
            bucket.objects.update(good | {name: data})
        enemy = follower_of(bucket, tmp_path, identity)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(enemy.serve)
            at = enemy.followed.at
            await soon(lambda: enemy.followed.at > at, "a look")  # noqa: B023 - called in this round
            if words == "is behind":
                await soon(lambda: enemy.followed.behind == 1, words)  # noqa: B023
            elif words == "cannot be opened":
                await soon(lambda: enemy.followed.unfit != "", words)  # noqa: B023
            elif words:
                await soon(lambda: words in enemy.followed.problem, words)  # noqa: B023
            nursery.cancel_scope.cancel()
    assert outside(tmp_path) == before
    with bucket.guard:
        bucket.objects.clear()
        bucket.objects.update(good)
    again = follower_of(bucket, tmp_path, identity)
    assert await again.catch_up(120.0) == []
    assert "before" in subjects(copied(tmp_path))


async def test_the_keys_of_the_storage_are_in_no_log_and_no_file(
    tmp_path: Path, bucket: Bucket, identity: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """STORE-186o: whatever the storage answers, at the most talkative level; nor in arguments of the program, which all
    users of the machine can read.
    """
    caplog.set_level(LEVELS["traceauth"])
    keys = bucket.keys_file(tmp_path / "keys", secret_access_key=SECRET)
    static = settings(tmp_path, identity, URL) + f'storage_keys_file = "{keys}"\nlease = true\n'
    async with house(tmp_path, static=static) as h:
        await deliver(h, "before")
        await soon(lambda: any(READY not in name and "ltx" in name for name in bucket.objects), "a copy")
        arguments = await trio.Path(f"/proc/{pid_of(h)}/cmdline").read_bytes()
        for fault in ((403, "SignatureDoesNotMatch"), (500, "InternalError"), (400, "InvalidRequest")):
            bucket.refusing = fault
            await deliver(h, f"while-{fault[0]}")
            await trio.sleep(1.5)
        bucket.refusing = None
        noted = [one() for one in h.house.notes]
    assert SECRET.encode() not in arguments
    assert SECRET not in caplog.text
    assert all(SECRET not in one for one in noted)
    assert holding(tmp_path, SECRET) == [keys]
    assert all(SECRET.encode() not in data for data in bucket.objects.values())


async def test_a_sign_of_life_that_is_a_lie_takes_no_lease(tmp_path: Path, bucket: Bucket) -> None:
    """STORE-186o: an enemy who pretends to be a second machine gets no lease by that: its words are bounded,
    and the lease is only what is written on condition.
    """
    (tmp_path / "scratch").mkdir()
    storage = ObjectStore(parse_object_url(URL), tmp_path / "scratch", keys=bucket.keys, pauses=(), seconds=2)
    for data in (b"{}", b"[]", b'{"number": "x"}', b" " * (MAX_DOCUMENT + 1)):
        storage.write(READY, data)
        with pytest.raises(ValueError, match=r"can't read|larger than"):
            await trio.to_thread.run_sync(read_ready, storage)
    storage.write(READY, msgspec.json.encode(Ready(1, "x" * 100_000, "\x1b[2J", 1)))
    assert await trio.to_thread.run_sync(read_ready, storage) is not None
    assert not any(name.endswith(LEASE) for name in bucket.objects)


@pytest.mark.nightly
async def test_accounts_that_are_exchanged_are_copied_anew(tmp_path: Path, identity: Path) -> None:
    """STORE-186: in mode async an account that was recovered by `account recover` while the server was stopped, and one
    that came by `account import-full` while it runs, are on the second machine with what they have now.
    """
    static = settings(tmp_path, identity)
    async with house(tmp_path, static=static) as h, following(tmp_path, identity):
        await deliver(h, "one", "two")
        await soon(lambda: subjects(copied(tmp_path)) == {"one", "two"}, "both messages")
        await moxlite(tmp_path, "account", "export-full", "mia", str(tmp_path / "mia.db"))
        account = h.house.static.data_dir / "accounts/mia/account.db"
    await moxlite(tmp_path, "account", "recover", "mia", "--out", str(tmp_path / "recovered"))
    for end in ("", "-wal", "-shm"):
        account.with_name(f"account.db{end}").unlink(missing_ok=True)
    shutil.move(tmp_path / "recovered/accounts/mia/account.db", account)
    async with house(tmp_path, static=static) as h, following(tmp_path, identity) as follower:
        await deliver(h, "three")
        await soon(lambda: subjects(copied(tmp_path)) == {"one", "two", "three"}, "the recovered account")
        await h.house.files.accounts.remove("tom")
        await moxlite(tmp_path, "account", "import-full", "tom", str(tmp_path / "mia.db"))
        tom = tmp_path / "second/data/accounts/tom/account.db"
        await soon(lambda: subjects(tom) == {"one", "two"}, "the account that came in")
        await soon(lambda: not follower.followed.behind, "all is current")
    for one in (copied(tmp_path), tom):
        db = apsw.Connection(f"file:{one}?immutable=1", flags=apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI)
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
