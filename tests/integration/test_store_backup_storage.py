"""The storage of repositories: a folder of this machine, and one of another by ssh (docs/spec/store.md, STORE-184a)."""

import contextlib
import secrets
import socket
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
import trio
from hypothesis import HealthCheck, given, settings, strategies as st

import moxlite.net.storage.sftp
import moxlite.store.backup.packs
from moxlite.net.storage.sftp import SFTP, Login
from moxlite.proto.sshurl import SSHURL
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.backup.layout import Source
from moxlite.store.backup.repository import Repository, create_repository
from moxlite.store.backup.storage import Folder, Storage
from moxlite.store.backup.verify import verify
from moxlite.store.errors import BackupCancelled, BadTarget, RepositoryError, StorageFailed
from moxlite.store.options import Options
from tests.sshserver import HINDRANCE, SSHServer, make_key, ssh_server
from tests.store_fixtures import accounts
from tests.store_mail import deliver_mail, mail, put

__all__ = ["accounts", "store_options"]

pytestmark = [pytest.mark.integration, pytest.mark.slow, pytest.mark.skipif(bool(HINDRANCE), reason=HINDRANCE or "-")]

NAMES = ("packs/a.pack", "packs/b.pack", "snapshots/20261120T000000.000000Z", "repository.json")


@pytest.fixture
def store_options() -> Options:
    return Options(min_free_space=0)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SSHServer]:
    with ssh_server(tmp_path_factory.mktemp("ssh") / "server") as server:
        yield server


Make = Callable[..., SFTP]
Steps = list[tuple[str, object, bytes]]


@pytest.fixture
def far(server: SSHServer, tmp_path: Path) -> Make:
    """Makes storages of one folder on the other machine."""

    def make(port: int = server.port, **more: object) -> SFTP:
        scratch = tmp_path / f"scratch-{secrets.token_hex(4)}"
        scratch.mkdir()
        url = server.url(tmp_path / "far" / 'its "repo" [*]\'')
        url = SSHURL(url.host, url.path, url.user, port)
        return SFTP(url, scratch, **{"login": server.login, "pauses": (0.1, 0.1), **more})  # type: ignore[arg-type]

    return make


class Relay:
    """A way to the other machine that is cut after so many octets, `cuts` times."""

    def __init__(self, port: int, after: int, cuts: int) -> None:
        self.target, self.after, self.cuts = port, after, cuts
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                threading.Thread(target=self._connection, args=(client,), daemon=True).start()

    def _connection(self, client: socket.socket) -> None:
        with client, socket.create_connection(("127.0.0.1", self.target)) as host, contextlib.suppress(OSError):
            threading.Thread(target=self._copy, args=(host, client), daemon=True).start()
            sent = 0
            while data := client.recv(16384):
                sent += len(data)
                if self.cuts and sent > self.after:
                    self.cuts -= 1
                    for one in (client, host):
                        one.shutdown(socket.SHUT_RDWR)
                    return
                host.sendall(data)

    def _copy(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)


octets = st.binary(max_size=300)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("write"), st.sampled_from(NAMES), octets),
        st.tuples(st.just("add"), st.sampled_from(NAMES[:2]), octets),
        st.tuples(st.just("remove"), st.sets(st.sampled_from(NAMES)), st.just(b"")),
        st.tuples(st.just("tails"), st.integers(0, 300), st.just(b"")),
        st.tuples(st.just("fetch"), st.sampled_from(NAMES), st.just(b"")),
    ),
    max_size=6,
)


def follow(storage: Storage, todo: Steps) -> None:
    """Do some steps, and compare with what a dictionary does."""
    storage.make("packs", "snapshots")
    held: dict[str, bytes] = {}
    for step, what, data in todo:
        if step in ("write", "add") and isinstance(what, str):
            if what in held:
                continue  # an object is written once
            held[what] = data
            if step == "write":
                storage.write(what, data)
            else:
                file = storage.staging / ".made.tmp"
                file.write_bytes(data)
                storage.add(what, file)
                assert not file.exists()
        elif step == "remove" and isinstance(what, set):
            storage.remove(sorted(what & held.keys()))
            held = {name: data for name, data in held.items() if name not in what}
        elif step == "tails" and isinstance(what, int):
            wanted = {name: (min(what, len(data)), len(data)) for name, data in held.items()}
            assert dict(storage.tails(wanted)) == {name: held[name][start:] for name, (start, _) in wanted.items()}
        elif step == "fetch" and isinstance(what, str):
            for read in (storage.read, lambda name: storage.fetch(name).read_bytes()):
                if what in held:
                    assert read(what) == held[what]
                else:
                    with pytest.raises(FileNotFoundError):
                        read(what)
            storage.release(what)
    for folder in ("", "packs", "snapshots"):
        sizes = {name.rpartition("/")[2]: len(data) for name, data in held.items() if name.rpartition("/")[0] == folder}
        found = storage.list(folder)
        assert {name: size for name, size in found.items() if size is not None} == sizes
    storage.close()


@given(steps)
def test_a_folder_holds_objects(
    tmp_path_factory: pytest.TempPathFactory, todo: list[tuple[str, object, bytes]]
) -> None:
    """STORE-184a."""
    follow(Folder(tmp_path_factory.mktemp("near") / "repo"), todo)


@pytest.mark.nightly
@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(todo=steps)
def test_another_machine_holds_objects(
    tmp_path_factory: pytest.TempPathFactory, server: SSHServer, todo: Steps
) -> None:
    """STORE-184a: the same; nothing is left in the scratch folder."""
    folder = tmp_path_factory.mktemp("far")
    (folder / "scratch").mkdir()
    follow(SFTP(server.url(folder / "a b/repo"), folder / "scratch", login=server.login), todo)
    assert list((folder / "scratch").iterdir()) == []


@pytest.mark.nightly
def test_one_writer_holds_the_lock(far: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """STORE-184a: another is refused in words; the same server, started anew, takes over at once what it has left, and
    any other when there was no sign of life for long; the holder that lost it writes no more.
    """
    one, again, other = far(owner="mx"), far(owner="mx"), far(owner="laptop.example")
    one.make()
    with one.lock():
        with pytest.raises(BlockingIOError, match="is in use by mx, last active"), other.lock():
            pass
        with again.lock():
            assert one.list()["locked"] is None
    with other.lock():
        pass
    assert other.list() == {}
    monkeypatch.setattr(moxlite.net.storage.sftp, "SIGN", 0)
    with one.lock():
        one.write("first", b"")
        monkeypatch.setattr(moxlite.net.storage.sftp, "STALE", -1)
        with other.lock(), pytest.raises(OSError, match="another process took over the lock"):
            one.write("second", b"")
    assert list(other.list()) == ["first"]


def test_a_host_with_another_key_gets_nothing(far: Make, server: SSHServer, tmp_path: Path) -> None:
    """STORE-184a: refused in words, at once; so is a key that the other machine does not know."""
    stranger = Login(server.key.read_bytes(), (make_key(tmp_path / "stranger"),))
    with pytest.raises(PermissionError, match="doesn't match backup"):
        far(login=stranger, pauses=(600.0,)).make()
    unknown = Login((tmp_path / "stranger").read_bytes(), (server.host_key,))
    with pytest.raises(PermissionError, match="rejected the key of backup"):
        far(login=unknown, pauses=(600.0,)).make()
    assert not (tmp_path / "far").exists()


def test_a_machine_that_is_away_is_told_in_words(far: Make) -> None:
    """STORE-184a: after some tries; a call that waits ends when it is cancelled."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        with pytest.raises(ConnectionError, match="timed out waiting for"):
            far(port, patience=0.5, pauses=()).list()
        ends = iter((None, None, BackupCancelled("cancelled")))

        def check() -> None:
            if (end := next(ends)) is not None:
                raise end

        with pytest.raises(BackupCancelled):
            far(port, check=check).list()
    with pytest.raises(ConnectionError, match="Connection refused"):
        far(port).list()


def test_an_upload_goes_on_where_it_was_cut(far: Make, server: SSHServer) -> None:
    """STORE-184a."""
    relay = Relay(server.port, after=3 << 20, cuts=2)
    storage = far(relay.port)
    storage.make("packs")
    data = secrets.token_bytes(8 << 20)
    storage.write("packs/one.pack", data)
    assert relay.cuts == 0
    assert far().read("packs/one.pack") == data
    assert list(storage.list("packs")) == ["one.pack"]


def test_a_writer_that_was_cut_while_it_renewed_its_lock_keeps_it(
    far: Make, server: SSHServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STORE-184a: whether the sign of life was renewed before the cut or not; the lock is given up in the end."""
    monkeypatch.setattr(moxlite.net.storage.sftp, "SIGN", -1)
    far().make("packs")
    relay = Relay(server.port, after=1 << 20, cuts=0)
    storage = far(relay.port)
    data = secrets.token_bytes(3 << 20)
    with storage.lock():
        for number in range(2):
            relay.cuts = 2
            storage.write(f"packs/{number}.pack", data)
            assert relay.cuts == 0
        assert list(far().list("locked").values()) == [0]
    assert far().list().keys() == {"packs"}
    assert far().read("packs/1.pack") == data


@pytest.fixture
def source(tmp_path: Path) -> Source:
    config = tmp_path / "config"
    config.mkdir()
    (config / "moxlite.toml").write_text("hostname = 'mx.example'\n")
    return Source(tmp_path / "data", config, frozenset({"mia"}))


async def back_up(storage: Storage, source: Source) -> None:
    """A snapshot by a server, which cannot read the repository."""
    report = await trio.to_thread.run_sync(partial(Repository(storage, data=source.data).back_up, source))
    assert report.errors == []


@pytest.mark.nightly
async def test_a_repository_on_another_machine(
    accounts: Accounts, source: Source, far: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STORE-184a: it must be encrypted; it is filled, pruned, verified and restored; a connection that is cut for good
    ends the snapshot, and the next one removes what was left.
    """
    pyrage = pytest.importorskip("pyrage")
    monkeypatch.setattr(moxlite.store.backup.packs, "PACK_SIZE", 1 << 20)
    identity = pyrage.x25519.Identity.generate()
    (tmp_path / "identity").write_text(f"{identity}\n")
    storage = far()
    async with accounts.use("mia") as account:
        await put(account, 50)
        with pytest.raises(BadTarget, match="age-keygen -o backup-key"):
            create_repository(storage, source.data)
        create_repository(storage, source.data, recipients=(str(identity.to_public()),))
        await back_up(storage, source)
        for number in range(2):
            await deliver_mail(account, mail(number, body="\r\n".join(secrets.token_hex(32) for _ in range(1 << 15))))
        cut = far(Relay(storage.url.port, after=1 << 19, cuts=100).port)
        with pytest.raises(StorageFailed, match=r"the connection to 127\.0\.0\.1 failed"):
            await back_up(cut, source)
        left = [name for name in storage.list("packs") if name.startswith(".")]
        assert len(left) == 1
        await back_up(storage, source)
        assert not any(name.startswith(".") for name in storage.list("packs"))
    reader = Repository(storage, identity_file=tmp_path / "identity")
    assert [reader.verify(deep=deep) for deep in (False, True)] == [[], []]
    assert len(reader.ids()) == 2
    pruned = reader.prune(keep_daily=0, keep_weekly=0)
    assert len(pruned.snapshots) == 1
    assert pruned.blocks > 0
    reader = Repository(storage, identity_file=tmp_path / "identity")
    reader.extract(tmp_path / "out")
    found = verify(tmp_path / "out", deep=True)
    assert (found.problems, found.messages) == ([], 52)
    with pytest.raises(RepositoryError, match="in use"), storage.lock():
        Repository(far(), identity_file=tmp_path / "identity").prune(keep_daily=1, keep_weekly=1)
    storage.close()
    assert list(storage.staging.iterdir()) == []


@pytest.mark.nightly
def test_a_repository_that_was_not_made_to_the_end_is_made_anew(far: Make, tmp_path: Path) -> None:
    """STORE-184a: cut off before its last object; other files there are left alone."""
    pyrage = pytest.importorskip("pyrage")
    recipients = (str(pyrage.x25519.Identity.generate().to_public()),)
    storage = far()
    create_repository(storage, tmp_path, recipients=recipients)
    storage.remove(["repository.json"])
    create_repository(storage, tmp_path, recipients=recipients)
    storage.remove(["repository.json"])
    storage.write("photo.jpg", b"x")
    with pytest.raises(BadTarget, match="isn't empty"):
        create_repository(storage, tmp_path, recipients=recipients)
