"""Wrong keys of a stand-by: of object storage, and of the files of configuration (STORE-186)."""

from pathlib import Path

import pyrage
import pytest
import trio

from moxlite.admin.doctor.running import standby_findings
from moxlite.admin.standby import replicating
from moxlite.admin.standby.following import Follower, Source
from moxlite.admin.standby.layout import FOLLOWED, Head, StandbyState, read_document
from moxlite.admin.standby.lease import Lease, Watch, take
from moxlite.admin.standby.takingover import Candidate
from moxlite.net.storage.objectstore import ObjectStore
from moxlite.proto.sshurl import parse_object_url
from tests.house import Running, house, soon
from tests.objectstorage import Bucket, bucket
from tests.session.test_admin_standby import copied, deliver, identity, program, quick, settings, subjects
from tests.tools import moxlite_command

__all__ = ["bucket", "identity", "quick"]

pytestmark = [pytest.mark.served, pytest.mark.slow, pytest.mark.integration]

URL = "s3://bucket/keys"
REFUSED = f"{URL}: the storage service rejected the keys: server returned 403 Forbidden, InvalidAccessKeyId"


@pytest.fixture(autouse=True)
def talkative(monkeypatch: pytest.MonkeyPatch) -> None:
    """Say more often what is wrong."""
    monkeypatch.setattr(replicating, "SAY", 0.3)


def another(tmp_path: Path) -> Path:
    """A key that no configuration names."""
    file = tmp_path / "another-key.txt"
    file.write_text(f"{pyrage.x25519.Identity.generate()}\n")
    return file


def static(tmp_path: Path, identity: Path, keys: Path) -> str:
    return settings(tmp_path, identity, URL) + f'storage_keys_file = "{keys}"\n'


async def refused(*words: object) -> str:
    """What a command says that fails."""
    command = [*moxlite_command(), *map(str, words)]
    done = await trio.run_process(command, capture_stdout=True, capture_stderr=True, check=False)
    assert done.returncode in (1, 2), done
    said = (done.stdout + done.stderr).decode()
    assert "Traceback" not in said
    return said


def told(h: Running) -> str:
    """What `standby status` and the doctor say of the first machine."""
    (found,) = standby_findings(h.house.static)
    assert found.code == "standby-behind"
    return str(found.detail)


async def test_the_first_machine_with_wrong_keys_of_the_storage_goes_on(
    tmp_path: Path, bucket: Bucket, identity: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """STORE-186, STORE-186c: keys that the storage refuses, from the start or later, are told in one sentence, in the
    log once; mail goes on, and all is copied when the keys are good again.
    """
    wrong = bucket.keys_file(tmp_path / "keys", access_key_id="AKIAWRONG")
    async with house(tmp_path, static=static(tmp_path, identity, wrong)) as h:
        await soon(lambda: REFUSED in h.house.notes[0](), "the note")
        await deliver(h, "unsent")
        assert (await h.readiness())[0] == 200
        assert REFUSED in told(h)
        said = await refused("--config", tmp_path / "config/moxlite.toml", "standby", "status")
        assert f"No copies to {URL} since the server started." in said
        assert REFUSED in said
        bucket.keys_file(wrong)
        await soon(lambda: "can take over" in h.house.notes[0](), "the keys are mended")
        bucket.key = "AKIAROTATED"
        await soon(lambda: REFUSED in h.house.notes[0](), "the other keys are refused")
        await trio.sleep(2)
        lines = [one for one in caplog.records if one.message == "standby server falling behind"]
        assert len(lines) <= 4, "told when it is news"
        await deliver(h, "meanwhile")
        bucket.key = "AKIATEST"
        await soon(lambda: "can take over" in h.house.notes[0](), "all is well")
        with trio.fail_after(120):
            assert await follower(tmp_path, bucket, identity).catch_up(100) == []
        assert subjects(copied(tmp_path)) == {"unsent", "meanwhile"}


def follower(tmp_path: Path, bucket: Bucket, identity: Path | None, **other: str) -> Follower:
    source = Source(target=parse_object_url(URL), access=bucket.keys | other, program=program(), identity=identity)
    return Follower(source, tmp_path / "second")


@pytest.mark.nightly
async def test_a_second_machine_with_wrong_keys_tells_them_and_copies_what_it_can(
    tmp_path: Path, bucket: Bucket, identity: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """STORE-186b, STORE-186h: refused keys of the storage are told; with a wrong key of the configuration all mail is
    copied, `status` has exit code 1 and says why, and neither a follower nor a person takes over; commands say it, too.
    """
    keys = bucket.keys_file(tmp_path / "keys")
    wrong = bucket.keys_file(tmp_path / "wrong", access_key_id="AKIAWRONG")
    none = bucket.keys_file(tmp_path / "none", access_key_id="", secret_access_key="")
    other = another(tmp_path)
    second = tmp_path / "second"
    async with house(tmp_path, static=static(tmp_path, identity, keys)) as h, trio.open_nursery() as nursery:
        await deliver(h, "one")
        outsider = follower(tmp_path, bucket, None, access_key_id="AKIAWRONG")
        nursery.start_soon(outsider.serve)
        await soon(lambda: outsider.followed.problem == REFUSED, "the words")
        nursery.cancel_scope.cancel()
    async with house(tmp_path, static=static(tmp_path, identity, keys)) as h, trio.open_nursery() as nursery:
        await soon(lambda: "can take over" in h.house.notes[0](), "the first machine copies")
        wrongly = follower(tmp_path, bucket, other)
        nursery.start_soon(wrongly.serve)
        await soon(lambda: "one" in subjects(copied(tmp_path)), "mail is copied all the same")
        await soon(lambda: wrongly.followed.current > 0 and not wrongly.followed.behind, "all is current")
        assert f"{other} can't decrypt the first machine's configuration and keys" in wrongly.followed.problem
        assert not (second / "config").exists()
        assert f"{other} can't decrypt" in await refused("standby", "status", second)
        nursery.cancel_scope.cancel()
    assert "not taking over" in takes_no_lease(tmp_path, bucket, other, caplog)

    place = ("--config-dir", tmp_path / "new/config", "--data-dir", tmp_path / "new/data")
    take_over = ("standby", "takeover", URL, "--into", second, "--yes-the-other-is-down", *place)
    restore = ("restore", URL, "--at", "1s", "--with-config", *place)
    good = ("--storage-keys", keys)
    for command in (take_over, restore):
        assert "can't decrypt the first machine's configuration and keys" in await refused(
            *command, "--identity", other, *good
        )
        assert "No such file" in await refused(*command, "--identity", tmp_path / "missing", *good)
        assert "the storage service rejected the keys" in await refused(
            *command, "--identity", identity, "--storage-keys", wrong
        )
        assert "--identity" in await refused(*command, *good)
    assert "don't include access_key_id" in await refused(*restore, "--identity", identity, "--storage-keys", none)
    assert "nofile: No such file" in await refused(
        "standby", "follow", URL, "--into", second, "--storage-keys", "nofile"
    )
    assert not (tmp_path / "new").exists()


def takes_no_lease(tmp_path: Path, bucket: Bucket, other: Path, caplog: pytest.LogCaptureFixture) -> str:
    """What a candidate says whose configuration cannot be opened, when the lease is over."""
    followed = read_document(tmp_path / "second" / FOLLOWED, StandbyState)
    assert followed is not None
    store = ObjectStore(parse_object_url(URL), tmp_path / "second", keys=bucket.keys, pauses=(), seconds=2)
    take(store, Lease.of(Head(1, "a"), tmp_path), None)
    source = Source(target=parse_object_url(URL), access=bucket.keys, program=program(), identity=other)
    candidate = Candidate(source, tmp_path / "second", lambda: followed)
    now = [1000.0]
    candidate.watch = Watch(lambda: now[0])
    assert not candidate._look()
    now[0] += 61
    assert not candidate._look()
    return caplog.text


async def test_a_key_of_the_configuration_that_is_none_is_told(
    tmp_path: Path, bucket: Bucket, identity: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STORE-186a: the first machine cannot encrypt its configuration: mail is copied, and the status says so."""
    monkeypatch.setattr(replicating, "PACK", 0.3)
    keys = bucket.keys_file(tmp_path / "keys")
    good = static(tmp_path, identity, keys)
    async with house(tmp_path, static=good.replace('["age1', '["age1b')) as h:
        await soon(lambda: "couldn't send configuration and keys: 'age1" in h.house.notes[0](), "the words")
        await soon(lambda: "isn't an age recipient" in told(h), "the state")
        await deliver(h, "one")
        await soon(lambda: h.house.notes[0]().endswith(("0 s behind", "1 s behind", "2 s behind")), "mail is copied")
        async with trio.open_nursery() as nursery:
            second = follower(tmp_path, bucket, identity)
            nursery.start_soon(second.serve)
            await soon(lambda: "configuration and keys aren't in the target" in second.followed.problem, "the words")
            await soon(lambda: second.followed.current > 0 and not second.followed.behind, "all mail is there")
            nursery.cancel_scope.cancel()
    place = ("--config-dir", tmp_path / "new/config", "--data-dir", tmp_path / "new/data")
    words = ("standby", "takeover", URL, "--into", tmp_path / "second", "--yes-the-other-is-down", *place)
    said = await refused(*words, "--identity", identity, "--storage-keys", keys)
    assert f"copy the config folder from its backup to {tmp_path / 'second/config'}" in said
