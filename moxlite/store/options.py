"""Options of the store and of accounts, as frozen structs. No configuration file is read here (keys:
docs/spec/admin.md, table `store.*`).
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, Generic, Protocol, TypeVar

import msgspec

from moxlite.store.blockmaps import BlockMaps
from moxlite.store.junkflags import JunkFlagRules, JunkParams
from moxlite.store.types import SpecialUse

SECOND: Final = 1_000_000
"""Microseconds, the unit of all times in the databases."""

DAY: Final = 86_400 * SECOND

KEPT: Final = 256
"""Number of accounts whose settings are cached, 1 kB each: more than are in use at a time."""

INITIAL_SPECIAL_USE: Final[Mapping[SpecialUse, str]] = {
    SpecialUse.ARCHIVE: "Archive",
    SpecialUse.DRAFTS: "Drafts",
    SpecialUse.JUNK: "Junk",
    SpecialUse.SENT: "Sent",
    SpecialUse.TRASH: "Trash",
}
"""Names of a new account's mailboxes with a special use (STORE-11)."""


class AccountConfig(msgspec.Struct, frozen=True):
    """Settings of one account from the configuration.

    `login_disabled` is the text for the user, "" when log-ins are allowed (STORE-8). `initial_special_use` and
    `initial_regular` name the mailboxes of a new account (STORE-11). `quota` is octets of messages, 0 for no limit
    (STORE-62). `junk_flags` are the rules by mailbox name (STORE-84), `junk_filter` the settings of the filter, None
    for none (STORE-89). `expire_after` is the age in µs at which the messages of a mailbox go (STORE-192).
    `queue_mailbox`: messages that wait in the queue are shown in a mailbox (IMAP-162).
    """

    login_disabled: str = ""
    initial_special_use: Mapping[SpecialUse, str] = msgspec.field(default_factory=lambda: INITIAL_SPECIAL_USE)
    initial_regular: tuple[str, ...] = ()
    quota: int = 0
    junk_flags: JunkFlagRules = msgspec.field(default_factory=JunkFlagRules)
    junk_filter: JunkParams | None = None
    expire_after: Mapping[str, int] = msgspec.field(default_factory=dict)
    queue_mailbox: bool = False


Snapshot = TypeVar("Snapshot")
State = TypeVar("State", covariant=True)


class Current(Protocol[State]):
    """Access to the configuration in use, of a type that the store does not know."""

    @property
    def current(self) -> State:
        """The snapshot in use."""


class AccountConfigs(Generic[Snapshot]):
    """Look-up of accounts' settings in the configuration in use, for `Options.account_config`.

    Each unit of an account looks its settings up, and the settings of accounts in use are kept until the configuration
    changes. Threads may call it.
    """

    def __init__(self, config: Current[Snapshot], make: Callable[[Snapshot, str], AccountConfig | None]) -> None:
        """`make` returns an account's settings in a snapshot, None if it has no account of this name."""
        self._config = config
        self._make = make
        self._known: tuple[Snapshot, dict[str, AccountConfig]] = config.current, {}

    def __call__(self, name: str) -> AccountConfig | None:
        """The settings of an account; None if it is not configured."""
        snapshot = self._config.current
        known_of, configs = self._known  # one read of both: another thread may replace them
        if known_of is not snapshot or len(configs) > KEPT:
            configs = {}
            self._known = snapshot, configs
        account_config = configs.get(name) or self._make(snapshot, name)
        if account_config is not None:
            configs[name] = account_config
        return account_config


def every_account(name: str) -> AccountConfig | None:
    """A configuration in which each account exists, with the defaults: for tools and tests."""
    return AccountConfig()


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of all databases and accounts of one data directory.

    - `account_config` looks an account up in the current configuration; None if it isn't configured, and so can't be
      opened or created.
    - `steady` tells whether the wall clock can be trusted to delete what is old; see `ClockTrust` (STORE-190a).
    - `min_free_space`: octets on the disk below which nothing is added (STORE-157).
    - `expunged_retention`, `expunged_kept`: tombstones older (µs), or beyond so many, are purged (STORE-27).
    - `undelete_grace`: µs for which the content of expunged messages is kept (STORE-190).
    - `check_on_close`: tests check an account whenever its last user leaves (STORE-41).
    - `migrate_without_copy`: rewrite tables even when there is no room for a copy of the file (STORE-149).
    - `search_index`: keep an index for text searches beside each account (STORE-113).
    - `vfs`: the SQLite VFS through which files are read and written; None for the system's own.
    - `schema`: the folder with the migrations of all kinds; None for that of the program.
    - `degraded` is called with the name and path of a database that becomes degraded or cannot be opened, and the error
      (STORE-158); in any thread.
    - `copied` is called with a database's path after each commit, in the writer's thread, before its callers are woken;
      it may wait. Raises NotCopied, which the callers get: the change stays (STORE-186f).
    - `replicated` tells of a database's path whether another program copies its log, and folds it (STORE-10a).
    - `permitted` is called with a database's path before each group commit, and again before its callers are woken, in
      the writer's thread. Raises NoLease or NotCopied, which the callers get (STORE-186g).
    - `blocks`: which blocks of accounts have changed since a backup.
    """

    account_config: Callable[[str], AccountConfig | None] = every_account
    steady: Callable[[], bool] = lambda: True
    min_free_space: int = 256 << 20
    expunged_retention: int = 400 * DAY
    expunged_kept: int = 200_000
    undelete_grace: int = 0
    check_on_close: bool = False
    migrate_without_copy: bool = False
    search_index: bool = False
    vfs: str | None = None
    schema: Path | None = None
    degraded: Callable[[str, Path, str], None] | None = None
    copied: Callable[[Path], None] | None = None
    replicated: Callable[[Path], bool] = lambda _: False
    permitted: Callable[[Path], None] | None = None
    blocks: BlockMaps = msgspec.field(default_factory=BlockMaps)
