"""An incremental repository of snapshots: ``moxlite backup --repo DIR`` (STORE-183, STORE-184, ADMIN-73).

REPO/repository.json        format, and the recipients when it is encrypted
REPO/snapshots/TIME[-N]     the manifests (see `manifest`); sealed like the blocks. N: see `next_id`
REPO/signatures/TIME        the signatures of the manifests, as they are stored (see `signing`)
REPO/packs/NAME.pack        the blocks: see `packs`, `blocks`
REPO/names.age, identity.age  see `sealing`
REPO/lock                   one process writes at a time

A snapshot becomes visible with its manifest, after all its blocks are durable. Killed anywhere, the repository is as
it was, with blocks more that the next `prune` removes.
"""

from __future__ import annotations

import hashlib
import logging
import random
import time
from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Final

from moxlite import __version__
from moxlite.encoding import to_json
from moxlite.safefile import Tree
from moxlite.store import metrics
from moxlite.store.backup.blocks import BLOCK, Blocks
from moxlite.store.backup.copying import Cancelled, Tell, inside, lost_of, warnings_of
from moxlite.store.backup.keys import (
    NAMES,
    PROTECTED,
    SNAPSHOT_SIGNED,
    Opener,
    Signer,
    check_sealed,
    check_trusted,
    load_key,
    make_identity,
    opener_of,
    read_signature,
    sealer_of,
    speakers,
)
from moxlite.store.backup.layout import DATA, INCOMPLETE, RESTORING, SETTINGS, Report, Source, restored_mode
from moxlite.store.backup.making import Work
from moxlite.store.backup.packs import (
    FORMAT,
    PACKS,
    Entry,
    Manifest,
    PruneResult,
    RepositorySettings,
    Sample,
    SnapshotInfo,
    decode,
    encode,
    kept_ids,
    next_id,
    order_of,
    read_settings,
    time_of,
)
from moxlite.store.backup.storage import Storage, make_durable
from moxlite.store.errors import BadTarget, NoRepository, RemovalForbidden, RepositoryError

logger = logging.getLogger("moxlite.store.backup.repository")

CLOCKS: Final = 3600
"""Seconds that a time may be ahead of the clock before the clock counts as having been wrong."""

SNAPSHOTS: Final = "snapshots"
SIGNATURES: Final = "signatures"
FOLDERS: Final = (PACKS, SIGNATURES, SNAPSHOTS)
UNFINISHED: Final = frozenset({*FOLDERS, "lock", NAMES, PROTECTED})
"""Found where a repository was not made to the end, beside hidden files."""


def create_repository(
    storage: Storage, data: Path, *, recipients: tuple[str, ...] = (), passphrase: str | None = None
) -> None:
    """Make a repository in a folder that is missing or empty, encrypted with `recipients` or `passphrase`; on another
    machine it must be encrypted.

    Raises BadTarget, BackupError, OSError.
    """
    if storage.folder is None and not recipients and passphrase is None:
        raise BadTarget(
            "backups to another machine must be encrypted; create a key with `age-keygen -o backup-key.txt`, "
            'keep that file somewhere safe off this server, and use its public key: backup.encrypt_to = ["age1..."] or '
            "--encrypt-to age1..."
        )
    storage.make()
    left = storage.list()
    # repository.json comes last: files without it were left by a run that was cut off.
    foreign = [name for name in left if not name.startswith(".") and name not in UNFINISHED]
    if foreign or any(storage.list(name) for name in FOLDERS if name in left):
        raise BadTarget(f"{storage} isn't empty and isn't a backup repository")
    storage.remove(name for name in (NAMES, PROTECTED) if name in left)
    if passphrase is not None:
        recipient, protected = make_identity(passphrase)
        recipients = (*recipients, recipient)
        storage.write(PROTECTED, protected)
    names = ""
    if recipients:
        key = load_key(data, create=True)
        assert key is not None
        names = hashlib.sha256(key).hexdigest()
        storage.write(NAMES, sealer_of(recipients, key).seal(key))
    storage.make(*FOLDERS)
    storage.write(SETTINGS, to_json(RepositorySettings(FORMAT, recipients, names)))


class Repository:
    """An open repository. Methods block; they are for threads and the command line.

    Args:
      data: the data directory with the key of names, None when it is not at hand.
      identity_file, passphrase, identity: one of them for reading an encrypted one.
      trusted: signers; a snapshot that none of them has signed is not read. None: all are.

    Raises RepositoryError, BackupError, OSError.
    """

    def __init__(
        self,
        storage: Storage,
        *,
        data: Path | None = None,
        identity_file: Path | None = None,
        passphrase: str | None = None,
        identity: str | None = None,
        trusted: Collection[str] | None = None,
    ) -> None:
        self.storage = storage
        self._trusted = trusted
        settings = read_settings(storage)
        self._opener: Opener | None = None
        self._sealer = None
        if settings.recipients:
            self._opener = opener_of(storage, identity_file, passphrase, identity)
            key = None if data is None else load_key(data, create=False)
            if key is None:
                if self._opener is None:
                    raise RepositoryError(
                        "this repository is encrypted; reading it requires an identity or the server's data"
                    )
                key = self._opener.open(storage.read(NAMES))
            elif settings.names not in ("", hashlib.sha256(key).hexdigest()):
                # A restore takes the key of the repository: no block that is named by another one would come back.
                text = f"{storage} is another server's repository; set backup.target to a separate location"
                raise RepositoryError(text)
            self._sealer = sealer_of(settings.recipients, key)
        self._blocks = Blocks(storage, self._sealer, self._opener)
        # What the last snapshot of this object was, for an encrypted repository whose manifests it cannot read.
        self._last: Manifest | None = None

    @property
    def readable(self) -> bool:
        """Whether contents can be read: it is plain, or its identity is at hand."""
        return self._sealer is None or self._opener is not None

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with ExitStack() as stack:
            try:
                stack.enter_context(self.storage.lock())
            except BlockingIOError as error:
                far = self.storage.folder is None and error.strerror  # tells by which machine
                raise RepositoryError(far or f"{self.storage} is in use by another process") from None
            yield

    # Snapshots

    def ids(self) -> list[str]:
        """The names of all snapshots, the oldest first."""
        return _ids(self.storage)

    def snapshots(self) -> list[SnapshotInfo]:
        """All snapshots, the oldest first."""
        snapshot_infos = []
        for one in self.ids():
            created = time_of(one)
            if self.readable:
                manifest = self.manifest(one)
                known = len(manifest.entries), manifest.size, len(manifest.errors)
                snapshot_infos.append(SnapshotInfo(one, created, *known))
            else:
                snapshot_infos.append(SnapshotInfo(one, created))
        return snapshot_infos

    @staticmethod
    def infos(storage: Storage) -> list[SnapshotInfo]:
        """The same without any key. Raises RepositoryError, OSError."""
        try:
            return Repository(storage).snapshots()
        except NoRepository:
            raise
        except RepositoryError:
            return [SnapshotInfo(one, time_of(one)) for one in _ids(storage)]

    def manifest(self, snapshot_id: str | None = None) -> Manifest:
        """A snapshot, without an id the newest. Raises RepositoryError."""
        ids = self.ids()
        if not ids:
            raise RepositoryError(f"no snapshots in {self.storage}")
        chosen = ids[-1] if snapshot_id is None else snapshot_id
        if chosen not in ids:
            raise RepositoryError(f"snapshot not found in {self.storage}: {chosen!r}")
        data = self.storage.read(f"{SNAPSHOTS}/{chosen}")
        if self._trusted is not None:
            check_trusted(self._speakers(chosen, data), self._trusted, f"snapshot {chosen}")
        if self._sealer is not None:
            if self._opener is None:
                raise RepositoryError("this repository is encrypted; specify an identity to read it")
            data = self._opener.open(data)
        return decode(data)

    def signers(self, snapshot_id: str) -> list[str]:
        """The signer of a snapshot, then those that it has succeeded; [] for one that is not signed. Raises
        RepositoryError: its signature is wrong; OSError.
        """
        return self._speakers(snapshot_id, self.storage.read(f"{SNAPSHOTS}/{snapshot_id}"))

    def _speakers(self, snapshot_id: str, data: bytes) -> list[str]:
        try:
            signature = read_signature(self.storage.read(f"{SIGNATURES}/{snapshot_id}"))
        except (FileNotFoundError, NotADirectoryError):
            return []
        return speakers(signature, SNAPSHOT_SIGNED, snapshot_id, data)

    def back_up(
        self,
        source: Source,
        *,
        signer: Signer | None = None,
        tell: Tell = lambda _: None,
        cancelled: Cancelled = lambda: False,
    ) -> Report:
        """Add a snapshot. What cannot be copied is an error in the report and in the manifest, and the rest goes on.

        Databases of which neither file nor log was written since the last snapshot are not read again.

        Raises BadTarget, BackupCancelled, RepositoryError, OSError: there is no new snapshot.
        """
        if self.storage.folder is not None:
            inside(source, self.storage.folder)
        if (source.data / RESTORING).exists():
            raise BadTarget(f"a restore to {source.data} didn't finish; complete it first")
        began = time.perf_counter()
        created = time.time_ns() // 1000
        report = Report(warnings=warnings_of(source))
        with self._locked(), self._blocks.opened():
            self._blocks.begin()
            self.storage.make(SIGNATURES)  # programs that copy a repository may leave out empty folders
            self.storage.clean(SIGNATURES, SNAPSHOTS)
            previous, whole = self._previous()
            report.errors += lost_of(source, [] if whole is None else [entry.path for entry in whole.entries])
            before = {} if previous is None else {entry.path: entry for entry in previous.entries}
            work = Work(self._blocks, source, before, report, tell, cancelled)
            report.warnings += [f"pack {pack} is damaged" for pack in self._blocks.damaged]
            if lost := work.lost():
                report.warnings.append(
                    f"couldn't read {lost} blocks from the last snapshot, so they'll be stored again. To see"
                    f" which snapshots are damaged: moxlite backup verify --repo {self.storage} --deep"
                )
            work.databases()
            work.files(keys=source.include_keys or self._sealer is not None, encrypted=self._sealer is not None)
            self._blocks.finish()
            manifest = Manifest(
                FORMAT, created, __version__, str(source.data), tuple(work.entries), tuple(report.errors)
            )
            data = encode(manifest)
            if self._sealer is not None:
                data = self._sealer.seal(data)
            ids = self.ids()
            name = next_id(created, ids[-1] if ids else None)
            if signer is not None:
                signature = signer.sign(SNAPSHOT_SIGNED, name, data)
                self.storage.write(f"{SIGNATURES}/{name}", to_json(signature))
            self.storage.write(f"{SNAPSHOTS}/{name}", data)
        self._last = manifest
        report.stored = self._blocks.stored + len(data)
        if not report.errors:
            metrics.BACKUP_LAST_SUCCESS.set(time.time())
        logger.log(
            logging.ERROR if report.errors else logging.INFO,
            "snapshot is incomplete" if report.errors else "snapshot created",
            extra={
                "kv": {
                    "repo": str(self.storage),
                    "octets": report.octets,
                    "stored": report.stored,
                    "errors": len(report.errors),
                    "seconds": round(time.perf_counter() - began, 1),
                }
            },
        )
        return report

    def _previous(self) -> tuple[Manifest | None, Manifest | None]:
        """The last snapshot, and the last one that lacks nothing; None where it cannot be read."""
        last = self._last
        if not self.readable:
            return last, last
        for snapshot_id in reversed(self.ids()):
            try:
                manifest = self.manifest(snapshot_id)
            except RepositoryError as error:
                logger.warning("failed to read snapshot", extra={"kv": {"snapshot": snapshot_id, "err": str(error)}})
                continue
            last = last or manifest
            if not manifest.errors:
                return last, manifest
        return last, None

    # Reading

    def verify(self, *, deep: bool, tell: Tell = lambda _: None) -> list[str]:
        """Find damage: manifests that cannot be read, blocks that are missing, with `deep` also those whose octets
        do not match their name. [] when all is well. An encrypted repository needs its identity.
        """
        problems: list[str] = []
        ids = self.ids()  # first: the blocks of a snapshot that is made meanwhile would be missing
        with self._blocks.opened():
            problems += [f"pack {name} is damaged" for name in self._blocks.damaged]
            damaged = _unreadable(self._blocks, tell) if deep else set[bytes]()
            for one in ids:
                tell(one)
                try:
                    manifest = self.manifest(one)
                    self.signers(one)
                except RepositoryError as error:
                    problems.append(f"snapshot {one}: {error}")
                    continue
                problems += [f"snapshot {one}: created with an error: {error}" for error in manifest.errors]
                for entry in manifest.entries:
                    bad = sum(name in damaged or not self._blocks.whole(name) for name in entry.names())
                    if bad:
                        problems.append(f"snapshot {one}: {entry.path} has missing or damaged blocks ({bad})")
        return problems

    def set_aside(self, tell: Tell = lambda _: None) -> list[str]:
        """Read all blocks, and move damaged packs out of the way (see `Blocks.set_aside`): the next snapshot stores
        anew what the server still has of them. Returns their names. Raises RepositoryError, RemovalForbidden, OSError.
        """
        if not self.readable:
            raise RepositoryError("an identity is required to check an encrypted repository for damage")
        with self._locked(), self._blocks.opened():
            try:
                packs = self._blocks.set_aside(_unreadable(self._blocks, tell))
            except PermissionError as error:
                raise RemovalForbidden(f"{self.storage}: couldn't remove damaged packs: {error.strerror}") from None
        if packs:
            logger.warning("damaged packs moved", extra={"kv": {"repo": str(self.storage), "packs": len(packs)}})
        return packs

    def names(self, snapshot_id: str | None = None) -> list[str]:
        """The names of all files of a snapshot. Raises RepositoryError."""
        return [entry.path for entry in self.manifest(snapshot_id).entries]

    def read(self, name: str, snapshot_id: str | None = None) -> bytes:
        """The octets of a small file of a snapshot. Raises RepositoryError: among others, it has none of that name."""
        for entry in self.manifest(snapshot_id).entries:
            if entry.path == name:
                with self._blocks.opened():
                    return b"".join(self._blocks.get(one) for one in entry.names())
        raise RepositoryError(f"{name} isn't in the snapshot")

    def extract(self, target: Path, *, snapshot_id: str | None = None, tell: Tell = lambda _: None) -> list[str]:
        """Write a snapshot as a full backup to the new folder `target`. Returns a line for each thing that it lacks:
        what could not be backed up, and each file that has zeros in place of blocks that cannot be read.

        Raises BadTarget, RepositoryError, OSError.
        """
        if target.exists() and any(target.iterdir()):
            raise BadTarget(f"{target} isn't empty")
        manifest = self.manifest(snapshot_id)
        places = [entry.parts for entry in manifest.entries]  # before anything is written
        if len(set(places)) < len(places):
            raise RepositoryError("the manifest lists the same file twice")
        lacks = list(manifest.errors)
        target.mkdir(mode=0o750, parents=True, exist_ok=True)
        with self._blocks.opened(), Tree(target) as tree:
            with tree.new_file((INCOMPLETE,), 0o640):
                pass
            for entry, parts in zip(manifest.entries, places, strict=True):
                tell(entry.path)
                with tree.new_file(parts, restored_mode(entry.mode)) as file:
                    lacks += self._extract_file(entry, file)
            if lacks:
                with tree.new_file((INCOMPLETE,), 0o640, replace=True) as mark:
                    mark.write("".join(f"{line}\n" for line in lacks).encode())
        if not lacks:
            (target / INCOMPLETE).unlink()
        make_durable(target)
        return lacks

    def extract_account(self, account: str, target: Path, *, snapshot_id: str | None = None) -> None:
        """Write the database of one account to a new file. Raises RepositoryError: among others, blocks of it cannot be
        read; OSError.
        """
        path = f"data/accounts/{account}/account.db"
        for entry in self.manifest(snapshot_id).entries:
            if entry.path == path:
                target.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
                mode = restored_mode(entry.mode)
                with (
                    self._blocks.opened(),
                    Tree(target.parent) as tree,
                    tree.new_file((target.name,), mode) as file,
                ):
                    lacks = self._extract_file(entry, file)
                if lacks:
                    raise RepositoryError(lacks[0])
                return
        raise RepositoryError(f"account not found in the snapshot: {account!r}")

    def _extract_file(self, entry: Entry, file: BinaryIO) -> list[str]:
        """Write a file, with zeros in place of blocks that cannot be read; returns a line about them, if any."""
        names, bad = entry.names(), list[RepositoryError]()
        for name in names:
            try:
                file.write(self._blocks.get(name))
            except RepositoryError as error:
                bad.append(error)
                file.write(bytes(min(BLOCK, max(0, entry.size - file.tell()))))
        account = entry.parts[2] if entry.parts[:2] == (DATA, "accounts") and len(entry.parts) > 3 else ""
        what = f"account {account} ({entry.path})" if account else entry.path
        if bad:
            salvage = f". To recover its other mail: moxlite account recover {account} --file FILE" if account else ""
            return [
                (
                    f"{what}: {len(bad)} of {len(names)} blocks can't be read and were replaced by zeros"
                    f" ({bad[0]}){salvage}"
                )
            ]
        if file.tell() != entry.size:
            return [f"{what} has {file.tell()} bytes, expected {entry.size}"]
        return []

    # Samples

    def sample(self, chosen: random.Random) -> Sample:
        """Read some blocks of a pack that `chosen` chooses, and compare them with their names. Without the identity of
        an encrypted repository their beginnings are looked at: age alone tells whether they are whole.

        Raises RepositoryError: the newest snapshot cannot be read back; OSError.
        """
        ids = self.ids()
        if not ids:
            raise RepositoryError(f"no snapshots in {self.storage}")
        needed = list[bytes]()
        if self.readable:
            needed = [name for entry in self.manifest(ids[-1]).entries for name in entry.names()]
        else:
            check_sealed(self.storage.read(f"{SNAPSHOTS}/{ids[-1]}"), f"snapshot {ids[-1]}")
        with self._blocks.opened():
            if self._blocks.damaged:
                raise RepositoryError(f"pack {self._blocks.damaged[0]} is damaged")
            missing = sum(not self._blocks.whole(name) for name in needed)
            if missing:
                raise RepositoryError(f"snapshot {ids[-1]} has missing blocks ({missing})")
            ahead = max(ids, key=time_of)
            soon = (time.time() + CLOCKS) * 1e6
            return Sample(ids[-1], *self._blocks.sample(chosen, needed), ahead=ahead if time_of(ahead) > soon else "")

    # Removing

    def prune(self, *, keep_daily: int, keep_weekly: int) -> PruneResult:
        """Remove all snapshots but the newest one of each of so many days and weeks that have any (see `kept_ids`),
        then the blocks that none needs. Raises RepositoryError, RemovalForbidden, OSError.
        """
        if not self.readable:
            raise RepositoryError("an identity is required to prune an encrypted repository")
        with self._locked(), self._blocks.opened():
            ids = self.ids()
            partial = set()
            for snapshot_id in ids:
                with suppress(RepositoryError):  # told below if it is to stay
                    manifest = self.manifest(snapshot_id)
                    whole = all(self._blocks.whole(name) for entry in manifest.entries for name in entry.names())
                    if manifest.errors or not whole:
                        partial.add(snapshot_id)
            kept = kept_ids(ids, partial, keep_daily=keep_daily, keep_weekly=keep_weekly)
            # Before anything goes, all that stays must be readable: else its blocks would go, too.
            for snapshot_id in ids:
                if snapshot_id in kept:
                    self._blocks.index.use(
                        name for entry in self.manifest(snapshot_id).entries for name in entry.names()
                    )
            removed = [snapshot_id for snapshot_id in ids if snapshot_id not in kept]
            signed: Collection[str] = ()
            with suppress(FileNotFoundError):  # as in `back_up`: a copy may have no such folder
                signed = self.storage.list(SIGNATURES)
            try:
                self.storage.remove(f"{SNAPSHOTS}/{snapshot_id}" for snapshot_id in removed)
                self.storage.remove(f"{SIGNATURES}/{snapshot_id}" for snapshot_id in removed if snapshot_id in signed)
                blocks, octets = self._blocks.sweep()
            except PermissionError as error:
                noun = "snapshot" if len(removed) == 1 else "snapshots"
                why = f"couldn't remove {len(removed)} old {noun}: {error.strerror}"
                raise RemovalForbidden(f"{self.storage}: {why}") from None
        logger.info(
            "repository pruned", extra={"kv": {"repo": str(self.storage), "snapshots": len(removed), "blocks": blocks}}
        )
        return PruneResult(removed, blocks, octets)


def _ids(storage: Storage) -> list[str]:
    found = storage.list(SNAPSHOTS).items()
    return sorted((name for name, size in found if size is not None and not name.startswith(".")), key=order_of)


def _unreadable(blocks: Blocks, tell: Tell) -> set[bytes]:
    """All blocks that cannot be read. They are read pack by pack, whether a snapshot needs them or not."""
    tell(PACKS)
    bad = set[bytes]()
    for name in blocks.names():
        try:
            blocks.get(name)
        except RepositoryError:
            bad.add(name)
    return bad
