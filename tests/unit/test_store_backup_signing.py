"""Who made a backup: signatures of snapshots, by the command line, and of what a stand-by gets (STORE-184f)."""

import os
import shutil
import tempfile
import tracemalloc
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest

from moxlite.admin.standby.following import SIGNER, Follower, Source
from moxlite.admin.standby.layout import FILES, epoch_folder
from moxlite.admin.standby.pack import PackedFile, collect, open_pack, seal
from moxlite.cli import run
from moxlite.process.privileges import acting_as
from moxlite.store.backup.keys import (
    FILES_SIGNED,
    SNAPSHOT_SIGNED,
    Signature,
    Signer,
    load_signer,
    make_key,
    rotate_signer,
    signers_in,
    speakers,
)
from moxlite.store.backup.layout import NamedFile, Source as Subject
from moxlite.store.backup.packs import Entry, decode, encode, snapshot_id
from moxlite.store.backup.storage import Folder
from moxlite.store.errors import BackupError, RepositoryError
from tests.tools import write_own

pytestmark = pytest.mark.served

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def config(tmp_path: Path) -> Path:
    folder = tmp_path / "config"
    folder.mkdir()
    (tmp_path / "data" / "tmp").mkdir(parents=True)
    (tmp_path / "data" / "accounts").mkdir()
    path = folder / "moxlite.toml"
    path.write_text(
        'hostname = "mx.example.org"\ndata_dir = "../data"\nuser = "0"\n[postmaster]\naccount = "bob"\n'
        'mailbox = "Inbox"\n[listeners.local]\nips = ["127.0.0.1"]\n'
    )
    (folder / "domains.toml").write_text(
        '[domains."example.org"]\n[accounts.bob]\ndomain = "example.org"\n'
        '[accounts.bob.destinations."bob@example.org"]\n'
    )
    assert run(["--config", str(path), "store", "create", "bob"]) == 0
    return path


@pytest.fixture
def signer(tmp_path: Path) -> Signer:
    (tmp_path / "signer").mkdir()
    found, made = load_signer(tmp_path / "signer", create=True)
    assert found is not None
    assert made
    return found


class Place:
    """A repository of a server, and the commands that read it on a machine of its own."""

    def __init__(self, config: Path, capsys: Capture, *more: str) -> None:
        self.config = config
        self.capsys = capsys
        self.repo = config.parents[1] / "repo"
        self.more = more

    def moxlite(self, *words: object) -> tuple[int, str, str]:
        code = run(["--config", str(self.config), *map(str, words)])
        said = self.capsys.readouterr()
        return code, said.out, said.err

    def back_up(self) -> str:
        """What was told."""
        code, out, err = self.moxlite("backup", "--repo", self.repo)
        assert (code, out) == (0, "")
        return err

    def elsewhere(self, name: str, *words: object) -> tuple[int, str]:
        """Restore on a machine that has nothing; the code, and what was told."""
        place = self.config.parents[1] / name
        places = ("--config-dir", place / "config", "--data-dir", place / "data")
        write_own(place / "config")
        code = run(
            [
                *("--config", str(place / "config/moxlite.toml"), "restore", str(self.repo), "--with-config"),
                *map(str, (*places, *self.more, *words)),
            ]
        )
        said = self.capsys.readouterr()
        assert code == 0 or [one.name for one in place.iterdir()] == ["config-own.toml"]
        return code, said.out + said.err

    def newest(self) -> Path:
        return max((self.repo / "snapshots").iterdir())


@pytest.fixture
def place(config: Path, capsys: Capture) -> Place:
    capsys.readouterr()
    return Place(config, capsys)


def test_a_snapshot_is_restored_by_whom_knows_its_signer(place: Place, tmp_path: Path) -> None:
    """STORE-184f: the first backup makes the key and names the signer, as `backup signer` does; a new machine
    wants it, the server itself does not; another one, and a word that names no signer, are clear errors.
    """
    (name,) = signers_in(place.back_up())
    assert place.moxlite("backup", "signer")[:2] == (0, f"{name}\n")
    assert place.back_up() == ""
    code, said = place.elsewhere("unknown")
    assert (code, f"is signed by {name}, but this machine doesn't trust any signers yet" in said) == (1, True)
    another, _ = load_signer(tmp_path, create=True)
    assert another is not None
    code, said = place.elsewhere("another", "--signer", another.public)
    assert (code, "not by a signer this machine trusts" in said) == (1, True)
    code, said = place.elsewhere("none", "--signer", "me")
    assert (code, "--signer 'me'" in said) == (2, True)
    code, said = place.elsewhere("known", "--signer", name)
    assert (code, "warning" in said) == (0, False)
    assert said.startswith(
        f"restoring: configuration to {tmp_path / 'known/config'}, data to {tmp_path / 'known/data'}\n"
    )
    code, said = place.elsewhere("whoever", "--unsigned")
    assert (code, "this backup's origin isn't verified" in said) == (0, True)
    code, out, _ = place.moxlite("backup", "restore", "--repo", place.repo, "--out", tmp_path / "out")
    assert code == 0
    code, out, _ = place.moxlite("backup", "verify", "--repo", place.repo)
    assert (code, out) == (0, f"2 snapshots signed by {name}\n{place.repo}: OK\n")


def test_an_unsigned_snapshot_is_restored_with_a_warning_alone(place: Place) -> None:
    """STORE-184f: one whose key could not be made or read; the next snapshot in its repository is signed."""
    place.back_up()
    shutil.rmtree(place.repo / "signatures")  # as a copy without the empty folder
    code, said = place.elsewhere("refused", "--signer", place.moxlite("backup", "signer")[1].strip())
    assert (code, "isn't signed" in said, "--unsigned" in said) == (1, True, True)
    code, said = place.elsewhere("taken", "--unsigned")
    assert (code, "warning: this backup's origin" in said) == (0, True)
    code, out, _ = place.moxlite("backup", "verify", "--repo", place.repo)
    assert (code, out.splitlines()[0]) == (0, "1 snapshot signed by no one")
    place.back_up()
    code, _ = place.elsewhere("signed", "--signer", place.moxlite("backup", "signer")[1].strip())
    assert code == 0
    assert place.moxlite("backup", "prune", "--repo", place.repo, "--keep-daily", 0, "--keep-weekly", 0)[0] == 0
    assert [one.name for one in (place.repo / "signatures").iterdir()] == [place.newest().name]


def test_a_changed_snapshot_is_refused(place: Place, tmp_path: Path) -> None:
    """STORE-184f: another manifest under the signature of the first; a signature of another snapshot; damage."""
    name = signers_in(place.back_up())[0]
    newest = place.newest()
    manifest = decode(newest.read_bytes())
    entry = manifest.entries[0]
    more = Entry("data/planted", entry.size, 0o4755, entry.blocks)
    newest.write_bytes(encode(msgspec.structs.replace(manifest, entries=(*manifest.entries, more))))
    code, said = place.elsewhere("changed", "--signer", name)
    assert (code, "invalid signature" in said) == (1, True)
    code, out, _ = place.moxlite("backup", "verify", "--repo", place.repo)
    assert (code, "invalid signature" in out) == (1, True)
    place.back_up()
    second = place.newest().name
    (place.repo / "signatures" / second).write_bytes((place.repo / "signatures" / newest.name).read_bytes())
    code, said = place.elsewhere("exchanged", "--signer", name)
    assert (code, "invalid signature" in said) == (1, True)
    for damage in (b"", b"{}", b"x" * 100_000):
        (place.repo / "signatures" / second).write_bytes(damage)
        code, said = place.elsewhere("damaged", "--signer", name)
        assert (code, "a signature is damaged" in said) == (1, True)


def test_a_snapshot_that_lacks_something_is_told_and_restored_with_what_it_has(place: Place, tmp_path: Path) -> None:
    """STORE-145, ADMIN-52a: `backup list` has its errors; a restore refuses it, and says the way on."""
    broken = tmp_path / "data/accounts/zoe/account.db"
    broken.parent.mkdir()
    broken.write_bytes(b"no database" * 1000)
    assert place.moxlite("backup", "--repo", place.repo)[0] == 1
    assert place.moxlite("backup", "list", "--repo", place.repo)[1].split()[-1] == "1"
    new = tmp_path / "new"
    places = ("--config-dir", new / "config", "--data-dir", new / "data")
    write_own(new / "config")
    code, _, said = place.moxlite("restore", place.repo, "--with-config", "--unsigned", *places)
    assert (code, "delete DIR/INCOMPLETE" in said) == (1, True)
    copy = tmp_path / "copy"
    assert place.moxlite("backup", "restore", "--repo", place.repo, "--out", copy, "--unsigned")[0] == 1
    (copy / "INCOMPLETE").unlink()
    assert place.moxlite("restore", copy, "--with-config", *places)[0] == 0
    assert (new / "data/accounts/bob/account.db").exists()


def test_what_a_stranger_put_into_a_snapshot_is_not_signed_with_the_next_one(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STORE-184f: an unchanged database has the blocks of the last snapshot that this server has signed; the stamps by
    which it counts as unchanged are no secret.
    """
    monkeypatch.setattr("moxlite.store.backup.copying.SETTLED", 0)
    place.back_up()
    last = place.newest()
    manifest = decode(last.read_bytes())
    good = {one.path: one.blocks for one in manifest.entries}
    file = "data/accounts/bob/account.db"
    forged = [
        msgspec.structs.replace(one, blocks=good["config/moxlite.toml"]) if one.path == file else one
        for one in manifest.entries
    ]
    later = last.with_name(snapshot_id(manifest.created + 1))
    later.write_bytes(encode(msgspec.structs.replace(manifest, entries=tuple(forged))))
    place.back_up()
    newest = decode(place.newest().read_bytes())
    assert place.newest() != later
    assert {one.path: one.blocks for one in newest.entries}[file] == good[file]


def test_an_encrypted_snapshot_that_a_stranger_made_is_refused(place: Place, tmp_path: Path) -> None:
    """STORE-184f: the recipient is public, so the owner's key opens it; the comment beside the key knows who it must be
    of. `backup init` prints both, and the key of signatures is in encrypted backups alone.
    """
    pytest.importorskip("pyrage")
    code, out, _ = place.moxlite("backup", "init", "--repo", place.repo)
    assert code == 0
    lines = [line.strip() for line in out.splitlines() if "moxlite-signer-" in line or "AGE-SECRET" in line]
    identity = tmp_path / "identity"
    identity.write_text("\n".join(lines) + "\n")
    place.more = ("--identity", str(identity))
    place.back_up()
    code, said = place.elsewhere("own")
    assert code == 0, said
    assert (tmp_path / "own/config/backup-signing.key").read_bytes() == (
        place.config.parent / "backup-signing.key"
    ).read_bytes()
    (place.config.parent / "backup-signing.key").unlink()  # as a stranger who has the place alone
    place.back_up()
    code, said = place.elsewhere("stranger")
    assert (code, "not by a signer this machine trusts" in said) == (1, True)


def test_the_key_of_signatures_is_in_no_backup_that_is_not_encrypted(place: Place, tmp_path: Path) -> None:
    """STORE-184f: whoever reads a backup cannot make one, also with `include_keys`; a damaged key ends no backup."""
    place.config.write_text(place.config.read_text() + "[backup]\ninclude_keys = true\n")
    place.back_up()
    assert place.moxlite("backup", "run", tmp_path / "full")[0] == 0
    code, _ = place.elsewhere("new", "--unsigned")
    assert code == 0
    assert not list((tmp_path / "full").rglob("*signing*"))
    assert not list((tmp_path / "new").rglob("*signing*"))
    (place.config.parent / "backup-signing.key").write_text("{}")
    assert "backups aren't signed: " in place.back_up()
    assert place.elsewhere("unsigned", "--unsigned")[0] == 0


def test_a_successor_is_believed_by_whom_knows_the_first(tmp_path: Path) -> None:
    """STORE-184f: each take-over makes a key of its own; a chain with a wrong link proves nothing."""
    first, _ = load_signer(tmp_path, create=True)
    assert first is not None
    second = rotate_signer(tmp_path)
    third = rotate_signer(tmp_path)
    last, made = load_signer(tmp_path, create=True)
    assert last is not None
    assert not made
    assert last.known[0] == third
    assert set(last.known) == {first.public, second, third}
    signature = last.sign(SNAPSHOT_SIGNED, "a", b"octets")
    assert speakers(signature, SNAPSHOT_SIGNED, "a", b"octets") == [third, second, first.public]
    stranger = Signer.unpack(last.successor().packed())
    forged = msgspec.structs.replace(stranger.sign(SNAPSHOT_SIGNED, "a", b"octets"), links=signature.links)
    wrong = [
        (forged, SNAPSHOT_SIGNED, "a", b"octets"),
        (signature, FILES_SIGNED, "a", b"octets"),
        (signature, SNAPSHOT_SIGNED, "b", b"octets"),
        (signature, SNAPSHOT_SIGNED, "a", b"other"),
        (msgspec.structs.replace(signature, links=signature.links[:1]), SNAPSHOT_SIGNED, "a", b"octets"),
        (Signature("moxlite-signer-", signature.signature), SNAPSHOT_SIGNED, "a", b"octets"),
        (Signature(signature.signer, "*"), SNAPSHOT_SIGNED, "a", b"octets"),
    ]
    for one in wrong:
        with pytest.raises(RepositoryError, match="invalid signature"):
            speakers(*one)
    assert rotate_signer(tmp_path / "without") == ""
    for text in (repr(last), repr(PackedFile(b"key", 0o600))):
        assert "key" not in text


class Target:
    """A target of a stand-by, and its follower."""

    def __init__(self, tmp_path: Path) -> None:
        identity, self.recipient = make_key()
        self.identity = tmp_path / "identity"
        self.identity.write_text(f"{identity}\n")
        self.storage = Folder(tmp_path / "target")
        self.storage.make(epoch_folder(1))
        self.folder = tmp_path / "follower"
        self.folder.mkdir()
        self.number = 0

    def send(self, signer: Signer | None) -> str:
        """Send a file with other content than before; the content."""
        self.number += 1
        files = {"config/moxlite.toml": PackedFile(f"{self.number}".encode(), 0o640)}
        self.storage.write(f"{epoch_folder(1)}/{FILES}", seal(files, (self.recipient,), signer))
        return f"{self.number}"

    def fetched(self, signers: Sequence[str] = (), *, unsigned: bool = False) -> str:
        """The content that a follower, which is started anew, has after a look."""
        source = Source(
            target=self.storage.folder,
            access=None,
            program=Path("litestream"),
            identity=self.identity,
            signers=frozenset(signers),
            unsigned=unsigned,
        )
        follower = Follower(source, self.folder)
        follower._fetch_files(self.storage, 1)
        file = self.folder / "config/moxlite.toml"
        return follower._closed or (file.read_text() if file.exists() else "")


def test_a_follower_takes_files_of_its_own_leader(tmp_path: Path, signer: Signer) -> None:
    """STORE-184f, STORE-186a: unsigned ones until the leader has signed once, then neither those nor another's; a
    successor's are taken, and from then on no files of the leader of before.
    """
    pytest.importorskip("pyrage")
    target = Target(tmp_path)
    assert target.send(None) == target.fetched()
    assert target.send(signer) == target.fetched()
    assert (target.folder / SIGNER).read_text() == f"{signer.public}\n"
    target.send(None)
    assert "isn't signed" in target.fetched()
    stranger = signer.successor().successor()
    alone = Signer.unpack(msgspec.json.encode({"key": msgspec.json.decode(stranger.packed())["key"]}))
    target.send(alone)
    assert "not by a signer this machine trusts" in target.fetched()
    successor = signer.successor()
    assert target.send(successor) == target.fetched()
    target.send(signer)
    assert "not by a signer this machine trusts" in target.fetched()
    assert target.send(None) == target.fetched(unsigned=True)


def test_a_follower_that_is_told_the_signer_takes_no_other(tmp_path: Path, signer: Signer) -> None:
    """STORE-184f: from the first look on."""
    pytest.importorskip("pyrage")
    target = Target(tmp_path)
    target.send(None)
    assert "isn't signed" in target.fetched([signer.public])
    assert not (target.folder / "config").exists()
    assert target.send(signer) == target.fetched([signer.public])


def test_a_pack_keeps_permissions_and_names_only_what_a_backup_has(tmp_path: Path, signer: Signer) -> None:
    """STORE-186a, STORE-145a."""
    pytest.importorskip("pyrage")
    target = Target(tmp_path)
    files = {"config/quickstart.log": PackedFile(b"x", 0o640), "data/key": PackedFile(b"y", 0o600)}
    octets = seal(files, (target.recipient,), signer)
    assert open_pack(octets, target.storage, target.identity) == (files, [signer.public])
    for name in ("/etc/x", "config/../../x", "other/x", "config", "config//x", "config/a\n"):
        octets = seal({name: PackedFile(b"", 0o4755)}, (target.recipient,), None)
        with pytest.raises(BackupError, match="unexpected file"):
            open_pack(octets, target.storage, target.identity)


def test_a_large_file_is_named_and_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """STORE-186a: such as a copy of a database that its owner left in the data; the server must not grow by it."""
    monkeypatch.setattr("moxlite.admin.standby.pack.MAX_FILES", 1 << 20)
    for name in ("config/moxlite.toml", "data/account.db.old"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text(name)
    os.truncate(tmp_path / "data/account.db.old", 100 << 20)
    tracemalloc.start()
    try:
        with pytest.raises(BackupError, match=r"1 MiB in total.*largest file to another folder: data/account"):
            collect(Subject(tmp_path / "data", tmp_path / "config", frozenset()))
        assert tracemalloc.get_traced_memory()[1] < 10 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as another user")
def test_a_file_that_only_root_can_read_and_the_configuration_does_not_name_is_left_out() -> None:
    """STORE-186a: a note in place of a fault that ends the sending; one that is named is a fault still."""
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "config"
        (config / "hostkeys").mkdir(parents=True)
        (Path(folder) / "data").mkdir()
        Path(folder).chmod(0o755)
        for name, mode in (
            ("moxlite.toml", 0o644),
            ("quickstart.log", 0o644),
            ("storage-keys", 0o600),
            ("hostkeys/old.pem", 0o600),
        ):
            (config / name).write_text(name)
            (config / name).chmod(mode)
        old = NamedFile(config / "hostkeys/old.pem", private=True)
        source = Subject(Path(folder) / "data", config, frozenset(), named=(old,))
        with acting_as(12345, 12345):
            files, left_out = collect(source)
        assert files == {
            "config/moxlite.toml": PackedFile(b"moxlite.toml", 0o640),
            "config/quickstart.log": PackedFile(b"quickstart.log", 0o640),
        }
        assert {line.partition(":")[0] for line in left_out} == {str(config / "storage-keys"), str(old.path)}
        named = msgspec.structs.replace(source, named=(NamedFile(config / "storage-keys"),))
        with acting_as(12345, 12345), pytest.raises(BackupError, match="storage-keys: can't be read"):
            collect(named)
