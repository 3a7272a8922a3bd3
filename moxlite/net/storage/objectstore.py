"""Objects in the storage of a provider (S3, Google Cloud Storage, Azure), by the library obstore (STORE-184b).

An object is there when its upload has ended, whole and durable: that is what such storage promises, so nothing has a
name of its own until then. Uploads of more than `PART` octets go in parts. Parts of an upload that was cut off are not
listed; the bucket's rule for unfinished uploads removes them.

One writer at a time holds the object ``locked``, which is made on condition that it does not exist, and renewed and
taken over on condition that it has not changed (conditional writes). Storage that does not honour
conditions is refused.
"""

from __future__ import annotations

import contextlib
import errno
import importlib
import os
import re
import secrets
import socket
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from moxlite.lazyimport import how_to_install
from moxlite.net.storage.locking import LOCKED, LOOK, PAUSES, SIGN, STALE, again, go_on, in_use
from moxlite.proto.sshurl import ObjectURL

if TYPE_CHECKING:
    from types import ModuleType

T = TypeVar("T")

StorageKeys = Mapping[str, str]
"""Settings of the storage by the library's names: keys, region, endpoint."""

PIECE: Final = 64 << 10
"""Octets of a file that are read at a time where uploads have a limit."""

PART: Final = 8 << 20
"""Octets of a part of an upload, and of a read."""

CALL: Final = 120.0
"""Seconds for one request."""

MAX_KEYS: Final = 64 << 10
"""Octets of a file of keys."""

MAX_ERROR: Final = 4096
"""Characters of an error of the library that are read."""

STATUS: Final = re.compile(r"status code: (\d{3}[A-Za-z ]{0,40})")
CODE: Final = re.compile(r"<Code>([A-Za-z0-9_.]{1,60})</Code>")
"""In the library's words for an answer that is no success: its status, and the storage's own word."""

METADATA: Final = "http://169.254.169.254/"
"""The library asks there for keys if it was given none."""


def read_keys(data: bytes) -> dict[str, str]:
    """Settings of a file with a line ``NAME = VALUE`` for each; lines with ``#`` are comments.

    Raises ValueError, without any of the values.
    """
    found: dict[str, str] = {}
    try:
        lines = data[:MAX_KEYS].decode().splitlines()
    except UnicodeDecodeError:
        raise ValueError("isn't valid UTF-8") from None
    for number, line in enumerate(lines, 1):
        name, equals, value = line.partition("=")
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if not equals or not name.strip().replace("_", "").isalnum():
            raise ValueError(f"expected NAME = VALUE on line {number}")
        found[name.strip().lower()] = value.strip().strip('"')
    return found


class ObjectStore:
    """The folder of a URL. Methods block, for one thread at a time; names of objects are relative to the folder.

    Args:
      scratch: an existing folder of this machine, for what is sent and fetched; `close` leaves it empty.
      keys: settings of the storage; None: settings of the environment (``AWS_ACCESS_KEY_ID`` and so on).
      owner: word for the holder of the lock; no two writers with one word are active at the same time.
      check: called some times a second; raises what ends a call.
      pauses: seconds until a call that failed is made again.
      seconds: for one request.
      store: the store of the library, in place of one for the URL.
      upload_limit: octets a second of the files that are sent, on average over `PART`; 0: as many as the line takes.

    Raises OSError: ConnectionError for storage that does not answer, PermissionError for keys that it refuses,
      FileNotFoundError, BlockingIOError for a lock that another one holds.
    """

    folder: None = None

    def __init__(
        self,
        url: ObjectURL,
        scratch: Path,
        *,
        keys: StorageKeys | None = None,
        owner: str = "",
        check: Callable[[], None] = go_on,
        pauses: Iterable[float] = PAUSES,
        seconds: float = CALL,
        store: Any = None,
        upload_limit: int = 0,
    ) -> None:
        self.url = url
        self.staging = scratch
        self._upload_limit = upload_limit
        self._calls = _Calls(url, keys, check, pauses, seconds, store)
        self._lock = _Lock(self._calls, str(url), owner or f"{socket.gethostname()}-{secrets.token_hex(4)}")
        self._fetched: dict[str, Path] = {}

    def __str__(self) -> str:
        """The URL."""
        return str(self.url)

    # Objects

    def list(self, folder: str = "") -> dict[str, int | None]:
        """Names and sizes of all objects in a folder; None for a folder. An empty one is the same as a missing one."""
        prefix = self._calls.path(folder) + "/" if self._calls.path(folder) else None

        def look() -> dict[str, int | None]:
            found: dict[str, int | None] = {}
            listed = self._calls.library.list_with_delimiter(self._calls.store, prefix)
            for one in listed["objects"]:
                found[str(one["path"]).rpartition("/")[2]] = int(one["size"])
            for path in listed["common_prefixes"]:
                found[str(path).rstrip("/").rpartition("/")[2]] = None
            return found

        return self._calls.again(look)

    def read(self, name: str) -> bytes:
        """All octets of an object."""
        return self._calls.again(lambda: bytes(self._calls.do("get", name).bytes()))

    def tails(self, wanted: Mapping[str, tuple[int, int]]) -> Iterator[tuple[str, bytes]]:
        """The ends of objects: name, and the octets from an offset on. `wanted` has the offset and the size."""
        for name, (start, size) in wanted.items():
            yield name, self._range(name, start, size)

    def _range(self, name: str, start: int, end: int) -> bytes:
        if end <= start:
            return b""
        return self._calls.again(lambda: bytes(self._calls.do("get_range", name, start=start, end=end)))

    def fetch(self, name: str) -> Path:
        """A copy of an object on this machine, which stays until `release`."""
        if name not in self._fetched:
            local = self.staging / f"fetched-{secrets.token_hex(8)}"
            local.touch(0o600)
            try:
                self._fetch(name, local)
            except BaseException:
                local.unlink()
                raise
            self._fetched[name] = local
        return self._fetched[name]

    def _fetch(self, name: str, local: Path) -> None:
        size = self._calls.again(lambda: int(self._calls.do("head", name)["size"]))
        with local.open("wb") as file:
            while (at := file.tell()) < size:  # in pieces, so that one that fails is asked for alone
                file.write(self._range(name, at, min(size, at + PART)))

    def release(self, name: str) -> None:
        """Remove the copy of an object."""
        if (local := self._fetched.pop(name, None)) is not None:
            local.unlink()

    def add(self, name: str, file: Path) -> None:
        """Make an object of a file in `staging`, which is gone then."""
        self._lock.renew()

        def put() -> None:
            if self._upload_limit:
                self._calls.do("put", name, self._paced(file), chunk_size=PART, max_concurrency=1)
            else:
                self._calls.do("put", name, file, chunk_size=PART, max_concurrency=2)

        self._calls.again(put)
        file.unlink()

    def _paced(self, file: Path) -> Iterator[bytes]:
        """The octets of a file, as slowly as the limit says."""
        began, sent = time.monotonic(), 0
        with file.open("rb") as octets:
            while piece := octets.read(PIECE):
                sent += len(piece)
                while (left := began + sent / self._upload_limit - time.monotonic()) > 0:
                    self._calls.check()
                    time.sleep(min(left, LOOK))
                yield piece

    def write(self, name: str, data: bytes) -> None:
        """Make an object of octets."""
        self._lock.renew()
        self._calls.again(lambda: self._calls.do("put", name, data))

    def peek(self, name: str) -> tuple[str, bytes]:
        """Version and octets of an object, asked for once. The version is for `swap`."""

        def look() -> tuple[str, bytes]:
            found = self._calls.do("get", name)
            return str(found.meta["e_tag"]), bytes(found.bytes())

        return self._calls.once(look)

    def swap(self, name: str, data: bytes, version: str | None) -> str:
        """Replace an object, on condition that it has this version, or make one that is missing (None). One try;
        returns the new version. Raises BlockingIOError: the condition does not hold.
        """
        errors = self._calls.library.exceptions
        mode = "create" if version is None else {"e_tag": version}

        def put() -> str:
            try:
                return str(self._calls.do("put", name, data, mode=mode, use_multipart=False)["e_tag"])
            except (errors.AlreadyExistsError, errors.PreconditionError, errors.NotFoundError):
                raise BlockingIOError(errno.EBUSY, f"{name} was changed by another process") from None

        return self._calls.once(put)

    def remove(self, names: Iterable[str]) -> None:
        """Remove objects; those that are missing are passed. Raises PermissionError: the storage forbids it."""
        for name in names:
            self.release(name)
            try:
                self._calls.again(partial(self._calls.do, "delete", name))
            except FileNotFoundError:
                pass
            except PermissionError as error:
                text = f"{self} doesn't allow deleting objects: {error.strerror}"
                raise PermissionError(errno.EACCES, text) from None

    def make(self, *folders: str) -> None:
        """Nothing: folders are beginnings of names."""

    def clean(self, *folders: str) -> None:
        """Nothing: unfinished objects have no name."""

    def close(self) -> None:
        """Remove all copies."""
        for name in [*self._fetched]:
            self.release(name)

    def lock(self) -> AbstractContextManager[None]:
        """Hold the lock. Raises BlockingIOError: another one holds it."""
        return self._lock.held()


class _Calls:
    """Calls of the library for one store: opened at the first, made again, with errors as OSError."""

    def __init__(
        self,
        url: ObjectURL,
        keys: StorageKeys | None,
        check: Callable[[], None],
        pauses: Iterable[float],
        seconds: float,
        store: Any,
    ) -> None:
        self.library = _library()
        self._seconds = seconds
        self.check = check
        self._url = url
        self._keys = keys
        self._pauses = tuple(pauses)
        self._store = store

    def do(self, verb: str, name: str, *arguments: Any, **options: Any) -> Any:
        """Call a function of the library for an object."""
        return getattr(self.library, verb)(self.store, self.path(name), *arguments, **options)

    def path(self, name: str) -> str:
        """The whole name of an object."""
        return "/".join(part for part in (self._url.prefix, name) if part)

    @property
    def store(self) -> Any:
        """The store of the library."""
        if self._store is None:
            self._store = self.library.store.from_url(
                f"{self._url.scheme}{self._url.bucket}",
                config=dict(self._keys) if self._keys is not None else None,
                client_options={
                    "timeout": f"{self._seconds:.0f}s",
                    "connect_timeout": f"{min(20, self._seconds):.0f}s",
                }
                | self._plain(),
                retry_config={"max_retries": 0},
            )
        return self._store

    def _plain(self) -> dict[str, bool]:
        """The option that allows an endpoint without TLS, if the settings name one: storage on the own network."""
        settings = self._keys if self._keys is not None else os.environ
        names = ("endpoint", "endpoint_url")
        plain = any(name.lower().endswith(names) and text.startswith("http://") for name, text in settings.items())
        return {"allow_http": True} if plain else {}

    def again(self, call: Callable[[], T]) -> T:
        """Make a call until it succeeds, or fails for another reason than the way to the storage."""

        def attempt(first: bool) -> T:
            self.check()
            return self.once(call)

        return again(attempt, self._pauses, lambda: self.check())

    def once(self, call: Callable[[], T]) -> T:
        """Make a call; the library's errors become OSError."""
        errors = self.library.exceptions
        try:
            return call()
        except (errors.NotFoundError, FileNotFoundError) as error:
            what = str(error).partition(": ")[0][:200]
            raise FileNotFoundError(errno.ENOENT, f"{what}: {_first_line(error)}") from None
        except (errors.PermissionDeniedError, errors.UnauthenticatedError) as error:
            raise PermissionError(
                errno.EACCES, f"the storage service rejected the keys: {_first_line(error)}"
            ) from None
        except (errors.UnknownConfigurationKeyError, errors.InvalidPathError, errors.NotSupportedError) as error:
            raise OSError(errno.EINVAL, _first_line(error)) from None
        except errors.BaseError as error:
            raise ConnectionError(errno.ECONNABORTED, _first_line(error)) from None


class _Lock:
    """The object ``locked`` of a repository."""

    def __init__(self, calls: _Calls, name: str, owner: str) -> None:
        self._calls = calls
        self._name = name  # of the repository, for people
        self._owner = owner
        self._held: tuple[str, float] | None = None  # etag of the lock that this object holds, and when it was renewed

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Hold the lock. Raises BlockingIOError: another one holds it."""
        self._calls.again(self._take)
        try:
            yield
        finally:
            self._calls.check = go_on  # also where the work was cancelled
            with contextlib.suppress(OSError):
                self._calls.once(self._give_up)
            self._held = None

    def _take(self) -> None:
        errors = self._calls.library.exceptions
        with contextlib.suppress(errors.AlreadyExistsError, errors.PreconditionError):
            made = self._calls.do("put", LOCKED, self._sign(), mode="create", use_multipart=False)
            self._hold(made)
            self._try_conditions()
            return
        found = self._calls.do("get", LOCKED)
        etag, (since, owner) = found.meta["e_tag"], _holder(bytes(found.bytes()))
        # Our own name there: an earlier try took the lock, and only its answer was lost. A lock that is taken over from
        # another is replaced on condition that it has not changed since it was read, so of two that try, one gets it.
        if owner != self._owner and time.time() - since < STALE:
            raise in_use(self._name, owner, since)
        try:
            made = self._calls.do("put", LOCKED, self._sign(), mode={"e_tag": etag}, use_multipart=False)
        except errors.PreconditionError:
            raise BlockingIOError(errno.EBUSY, f"{self._name} is in use by another process") from None
        self._hold(made)

    def _give_up(self) -> None:
        """Remove the lock, unless another one has taken it over."""
        if self._held is not None and self._calls.do("head", LOCKED)["e_tag"] == self._held[0]:
            self._calls.do("delete", LOCKED)

    def _hold(self, made: Mapping[str, Any]) -> None:
        self._held = str(made["e_tag"]), time.monotonic()

    def _try_conditions(self) -> None:
        """Refuse storage that overwrites an object where it is told to make a new one."""
        errors = self._calls.library.exceptions
        try:
            self._calls.do("put", LOCKED, self._sign(), mode="create", use_multipart=False)
        except (errors.AlreadyExistsError, errors.PreconditionError):
            return
        self._held = None
        text = (
            f"{self._name}: the storage doesn't support conditional writes, so two servers could write at the same time"
        )
        raise OSError(errno.ENOTSUP, text)

    def renew(self) -> None:
        """Give a sign of life. Raises BlockingIOError: the lock was taken over."""
        if self._held is None or time.monotonic() - self._held[1] < SIGN:
            return
        etag, _ = self._held
        errors = self._calls.library.exceptions

        def put() -> None:
            mode = {"e_tag": etag}
            try:
                self._hold(self._calls.do("put", LOCKED, self._sign(), mode=mode, use_multipart=False))
            except errors.PreconditionError:
                raise BlockingIOError(errno.EBUSY, f"{self._name}: another process took over the lock") from None

        self._calls.again(put)

    def _sign(self) -> bytes:
        return f"{int(time.time())} {self._owner} {secrets.token_hex(4)}".encode()


def _library() -> ModuleType:
    try:
        library = importlib.import_module("obstore")
        importlib.import_module("obstore.store")
    except ModuleNotFoundError:
        text = f"backups to object storage require the Python package obstore: {how_to_install('obstore')}"
        raise OSError(errno.ENOSYS, text) from None
    return library


def _holder(data: bytes) -> tuple[float, str]:
    """Time of the last sign of life, and the holder."""
    words = data[:200].decode(errors="replace").split()
    since = float(words[0]) if words and words[0].isdecimal() else 0.0
    return since, words[1] if len(words) > 1 else "?"


def _first_line(error: BaseException) -> str:
    """The library's words, without what differs at each try: logs and states tell news only."""
    text = str(error).strip()[:MAX_ERROR]
    if METADATA in text:
        return "the keys don't include access_key_id and secret_access_key"
    if (answer := STATUS.search(text)) is not None:
        code = CODE.search(text)
        return f"server returned {answer[1].strip()}" + ("" if code is None else f", {code[1]}")
    if "HTTP error: " in text:
        return "unreachable, or timed out"
    return text.splitlines()[0][:300] if text else type(error).__name__
