"""Repositories in object storage (docs/spec/store.md, STORE-184b), with a server of S3 in this process."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from moxlite.net.storage.objectstore import ObjectStore, read_keys
from moxlite.proto.sshurl import ObjectURL, parse_object_url
from tests.objectstorage import Bucket, serving

URL = ObjectURL("s3://", "backups", "mail/one")


@pytest.fixture
def bucket() -> Iterator[Bucket]:
    with serving() as found:
        yield found


def store(bucket: Bucket, scratch: Path, **options: object) -> ObjectStore:
    arguments: dict[str, object] = {"keys": bucket.keys, "pauses": (0.01, 0.01), "owner": "mail.example"}
    return ObjectStore(URL, scratch, **{**arguments, **options})  # type: ignore[arg-type]  # options of the tests


def test_objects_are_made_listed_read_and_removed(bucket: Bucket, tmp_path: Path) -> None:
    """STORE-184b: as in a folder; a large one goes in parts and comes in pieces."""
    one = store(bucket, tmp_path)
    one.make("packs", "snapshots")
    assert one.list() == {}
    large = bytes(range(256)) * (9 << 12)  # 9 MiB
    file = one.staging / "new"
    file.write_bytes(large)
    one.add("packs/a.pack", file)
    one.write("repository.json", b"{}")
    assert not file.exists()
    assert one.list() == {"packs": None, "repository.json": 2}
    assert one.list("packs") == {"a.pack": len(large)}
    assert one.read("repository.json") == b"{}"
    assert list(one.tails({"packs/a.pack": (len(large) - 5, len(large))})) == [("packs/a.pack", large[-5:])]
    assert one.fetch("packs/a.pack").read_bytes() == large
    assert one.fetch("packs/a.pack") == one.fetch("packs/a.pack")
    one.remove(["packs/a.pack", "packs/none"])
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(FileNotFoundError):
        one.read("packs/a.pack")
    with pytest.raises(FileNotFoundError):
        one.fetch("packs/a.pack")
    assert set(bucket.objects) == {"mail/one/repository.json"}


def test_calls_are_made_again_and_end_with_words(bucket: Bucket, tmp_path: Path) -> None:
    """STORE-184b: storage that is busy, rejected the keys, or is gone; and work that is cancelled meanwhile."""
    one = store(bucket, tmp_path)
    bucket.failing = 2
    one.write("repository.json", b"{}")
    bucket.failing = 100
    with pytest.raises(ConnectionError, match="SlowDown"):
        one.read("repository.json")
    bucket.failing = 0

    def cancelled() -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        store(bucket, tmp_path, check=cancelled).read("repository.json")
    wrong = store(bucket, tmp_path, keys=bucket.keys | {"access_key_id": "AKIAOTHER"})
    with pytest.raises(PermissionError, match="rejected the keys") as caught:
        wrong.read("repository.json")
    assert "secret" not in str(caught.value)


def test_one_writer_at_a_time(bucket: Bucket, tmp_path: Path) -> None:
    """STORE-184b: another one is named; the own lock and an old one are taken over; a lost one ends the work."""
    one = store(bucket, tmp_path)
    with one.lock():
        with (
            pytest.raises(BlockingIOError, match=r"in use by mail\.example"),
            store(bucket, tmp_path, owner="other").lock(),
        ):
            pass
        with store(bucket, tmp_path).lock():  # after a crash: the same server again
            pass
    assert "mail/one/locked" not in bucket.objects
    bucket.objects["mail/one/locked"] = f"{int(time.time()) - 8000} gone.example x".encode()
    with one.lock():
        assert b"mail.example" in bucket.objects["mail/one/locked"]
        bucket.objects["mail/one/locked"] = b"1 thief x"
        held = one._lock._held
        assert held is not None
        one._lock._held = held[0], held[1] - 400
        with pytest.raises(BlockingIOError, match="took over the lock"):
            one.write("x", b"")


def test_storage_that_overwrites_is_refused(bucket: Bucket, tmp_path: Path) -> None:
    """STORE-184b: without conditional writes two servers could write at once."""
    bucket.conditions = False
    with pytest.raises(OSError, match="doesn't support conditional writes"), store(bucket, tmp_path).lock():
        pass


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("s3://backups", ObjectURL("s3://", "backups")),
        ("gs://backups/mail/", ObjectURL("gs://", "backups", "mail")),
        ("az://container/a/b", ObjectURL("az://", "container", "a/b")),
    ],
)
def test_urls_are_read(text: str, wanted: ObjectURL) -> None:
    assert parse_object_url(text) == wanted
    assert parse_object_url(str(wanted)) == wanted


@pytest.mark.parametrize("text", ["s3://", "s3:///x", "s3://Backups", "s3://b/../c", "http://b/c", "s3://bucket/a b"])
def test_wrong_urls_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"must|invalid"):
        parse_object_url(text)


def test_keys_are_read_from_lines() -> None:
    """STORE-184b: and an error does not show them."""
    assert read_keys(b'# mine\n\nAccess_Key_ID = A\nendpoint="https://s3.example"\n') == {
        "access_key_id": "A",
        "endpoint": "https://s3.example",
    }
    with pytest.raises(ValueError, match="line 2") as caught:
        read_keys(b"region = x\nsecret\n")
    assert "secret" not in str(caught.value)
    with pytest.raises(ValueError, match="isn't valid UTF-8"):
        read_keys(b"\xff\xfe")
