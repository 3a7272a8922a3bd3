"""Accounts at DNS providers: what each provider is asked for, where the tokens are kept, jobs for the child. Blocks.

Files, in the folder ``dns`` beside moxlite.toml, for root and the service user alone (0600)::

    DOMAIN.provider    `Stored` as JSON: the token; only in encrypted backups (STORE-141a)
    DOMAIN.state       what `admin.dns.ledger` keeps
    DOMAIN.keys        what `admin.dns.rotation` keeps
    lock               held while records are changed
"""

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from moxlite.admin.dnsproviders.messages import (
    MAX_ANSWER,
    Account,
    Answer,
    Edit,
    Failed,
    Job,
    Ping,
    Read,
    Record,
    Records,
    Why,
    Write as WriteJob,
)
from moxlite.config.files import write_atomically
from moxlite.config.load import DNS_FOLDER
from moxlite.encoding import from_json, to_json
from moxlite.ownprogram import exit_words, own_program
from moxlite.process.privileges import UnknownUser, acting_as, service_user
from moxlite.proto.address import Domain
from moxlite.safefile import open_regular, replaceable

PROVIDER: Final = ".provider"
STATE: Final = ".state"
KEYS: Final = ".keys"
LOCK: Final = "lock"
MODE: Final = 0o600
"""Mode of all files: a token may change all of a domain."""

MAX_FILE: Final = 8 << 20
"""Octets of a file that is read: the ledger grows with each step that can be undone."""

SECONDS: Final = 290.0
"""Seconds for a job: more than the child gives itself."""
RFC2136: Final = "rfc2136"
KEPT: Final = (
    *("PATH", "LANG", "LC_ALL", "TZ", "TMPDIR", "PYTHONPATH", "SSL_CERT_FILE", "SSL_CERT_DIR"),
    *("HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy"),
)
"""Variables that the child gets. Others could bring in options of the library, or log-ins from a home folder."""


class ProviderQuestion(msgspec.Struct, frozen=True):
    """A question to the owner: the library's option, or ours for RFC 2136, and words. `secret`: typed unseen."""

    option: str
    words: str
    secret: bool = True


class UsableProvider(msgspec.Struct, frozen=True):
    """A provider that can be used. `rights`: what its token needs, and where it is made."""

    name: str
    title: str
    asked: tuple[ProviderQuestion, ...]
    rights: str


KNOWN: Final = {
    usable_provider.name: usable_provider
    for usable_provider in (
        UsableProvider(
            "cloudflare",
            "Cloudflare",
            (ProviderQuestion("auth_token", "API token"),),
            "My Profile → API Tokens → Create: Zone / Zone / Read and Zone / DNS / Edit for this zone",
        ),
        UsableProvider(
            "desec", "deSEC", (ProviderQuestion("auth_token", "token"),), "desec.io → Token management → Create"
        ),
        UsableProvider(
            "gandi",
            "Gandi LiveDNS",
            (ProviderQuestion("auth_token", "personal access token"),),
            "Organization → Sharing → Personal access tokens: Manage domain name technical configurations",
        ),
        UsableProvider(
            "hetzner",
            "Hetzner",
            (ProviderQuestion("auth_token", "API token"),),
            "console.hetzner.com → the zone's project → Security → API tokens: Read & Write",
        ),
        UsableProvider(
            RFC2136,
            "name server with dynamic updates and a key (RFC 2136)",
            (
                ProviderQuestion("server", "primary name server, IP[:PORT]", secret=False),
                ProviderQuestion("key", "TSIG key, [ALGORITHM:]NAME:SECRET"),
            ),
            "tsig-keygen (BIND) or keymgr -t (Knot DNS)",
        ),
    )
}
"""Providers by name."""


class Stored(msgspec.Struct, frozen=True):
    """The provider of a domain's zone, as its file has it. zone: A-labels without a final dot, "" for RFC 2136, whose
    server knows its zones. enforce: changes of our records by others are undone each night.
    """

    provider: str
    zone: str
    secrets: dict[str, str]
    enforce: bool = False

    @property
    def account(self) -> Account:
        """The account for the child."""
        return Account(self.provider, self.zone, self.secrets)


class ProviderFailed(Exception):
    """The provider did not do what it was asked for; the text is for people and has no secret."""

    def __init__(self, why: Why, text: str, retry_after: float | None = None) -> None:
        super().__init__(text)
        self.why: Final = why
        self.retry_after: Final = retry_after

    @property
    def temporary(self) -> bool:
        """Whether the same job may succeed later."""
        return self.why in ("changed", "throttled", "unreachable")


class Busy(Exception):
    """Another process changes records now."""


class DNSFiles:
    """The folder of tokens and states. All methods raise OSError.

    For root, files belong to the service user, and root acts as that user to change them, so that it is led nowhere
    else; to read, only where the user could replace the folder (ADMIN-37).

    Args:
      config: moxlite.toml.
      user: the service user.
    """

    def __init__(self, config: Path, user: str) -> None:
        self.folder: Final = config.absolute().parent / DNS_FOLDER
        self._user = user

    def provider(self, domain: Domain) -> Stored | None:
        """The provider of a domain. Raises msgspec.DecodeError for a file that is damaged."""
        data = self._read(f"{domain.ascii}{PROVIDER}")
        return None if data is None else from_json(data, Stored)

    def providers(self) -> dict[str, Stored]:
        """All providers, by domain (A-labels); a damaged file is left out."""
        found = {}
        for name in self._names():
            if name.endswith(PROVIDER):
                domain = name.removesuffix(PROVIDER)
                with contextlib.suppress(msgspec.DecodeError):
                    stored = self.provider(Domain.parse(domain))
                    if stored is not None:
                        found[domain] = stored
        return found

    def set_provider(self, domain: Domain, stored: Stored | None) -> None:
        """Write down the provider of a domain, or remove it."""
        self._write(f"{domain.ascii}{PROVIDER}", None if stored is None else to_json(stored))

    def state(self, domain: Domain) -> bytes | None:
        """The octets of a domain's state."""
        return self._read(f"{domain.ascii}{STATE}")

    def set_state(self, domain: Domain, data: bytes) -> None:
        """Write down a domain's state; it is durable then."""
        self._write(f"{domain.ascii}{STATE}", data)

    def keys(self, domain: Domain) -> bytes | None:
        """The octets of a domain's rotation of keys."""
        return self._read(f"{domain.ascii}{KEYS}")

    def set_keys(self, domain: Domain, data: bytes) -> None:
        """Write down a domain's rotation of keys; it is durable then."""
        self._write(f"{domain.ascii}{KEYS}", data)

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """The only process that changes records, in the block. Raises Busy."""
        import fcntl  # not on Windows, where localserve loads this module

        with self._acting() as owner:
            fd = open_regular(self.folder / LOCK, os.O_RDWR | os.O_CREAT, MODE)
            if owner is not None:
                os.fchown(fd, *owner)
        try:
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise Busy("another process is updating DNS records; try again in a few minutes") from None
            yield
        finally:
            os.close(fd)

    def _read(self, name: str) -> bytes | None:
        try:
            with self._acting(make=False), os.fdopen(open_regular(self.folder / name, os.O_RDONLY), "rb") as file:
                return file.read(MAX_FILE)
        except FileNotFoundError:
            return None

    def _write(self, name: str, data: bytes | None) -> None:
        path = self.folder / name
        with self._acting(make=data is not None) as owner:
            if data is None:
                path.unlink(missing_ok=True)
            else:
                write_atomically(path, data, mode=MODE, owner=owner)

    def _names(self) -> list[str]:
        try:
            with self._acting(make=False):
                return sorted(path.name for path in self.folder.iterdir())
        except FileNotFoundError:
            return []

    @contextlib.contextmanager
    def _acting(self, *, make: bool = True) -> Iterator[tuple[int, int] | None]:
        """The owner that files get, None for that of the process."""
        try:
            ids = service_user(self._user)
        except UnknownUser:  # before the user is made; the first start gives it the files
            ids = None
        if make:
            with contextlib.suppress(FileExistsError):
                self.folder.mkdir(mode=0o750)
                if ids is not None:  # the server adds files, and replaces none of root's folders (ADMIN-37)
                    os.chown(self.folder, 0, ids[1])
                    self.folder.chmod(0o3770)
        # The whole process acts as the user, and the doctor reads beside checks that root makes. A file in the folder
        # is read through no link.
        if ids is not None and self.folder.exists() and replaceable(self.folder, itself=not make):
            with acting_as(*ids):
                yield None
        else:
            yield ids


def run(job: Job) -> Answer:
    """Have the child do a job. Raises ProviderFailed."""
    environment = {name: os.environ[name] for name in KEPT if name in os.environ}
    environment["NETRC"] = os.devnull
    try:
        done = subprocess.run(  # noqa: S603 - our own program
            own_program("dns"),
            input=to_json(job),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            timeout=SECONDS,
            check=False,
            start_new_session=True,  # a terminal's ^C ends us, and leaves a half change to the child to finish
        )
        answer: Answer = from_json(done.stdout[:MAX_ANSWER], Answer)
    except OSError as error:
        raise ProviderFailed("odd", f"can't start the provider process: {error}") from None
    except subprocess.TimeoutExpired:
        raise ProviderFailed("unreachable", f"provider timed out after {SECONDS:.0f} s") from None
    except msgspec.DecodeError:
        text = "the provider timed out" if done.returncode < 0 else "the provider process failed"
        raise ProviderFailed("unreachable", f"{text} ({exit_words(done.returncode)})") from None
    if isinstance(answer, Failed):
        raise ProviderFailed(answer.why, answer.text, answer.retry_after)
    return answer


def try_process(provider: str) -> None:
    """Start a child that loads its library for a provider, without a request. Raises ProviderFailed."""
    run(Ping(Account(provider, "", {})))


def read_zone(account: Account) -> tuple[Record, ...]:
    """All records of the zone. Raises ProviderFailed."""
    answer = run(Read(account))
    assert isinstance(answer, Records)
    return answer.records


def write_zone(account: Account, edits: tuple[Edit, ...]) -> None:
    """Change records of the zone. Raises ProviderFailed; then some may have been changed."""
    run(WriteJob(account, edits))
