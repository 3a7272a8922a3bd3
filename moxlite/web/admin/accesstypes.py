"""Results of the admin app's calls about ways into accounts, and about mail that was removed (WEB-81). Times are µs
UTC, sizes octets; 0 is for never.
"""

import msgspec

from moxlite.store.upkeep.repairs import RemovedFrom
from moxlite.web.factorcalls.types import FactorApp, FactorKey


class AccountKey(msgspec.Struct, frozen=True, kw_only=True):
    """The key of a client certificate, and the address with which it logs in. `no_imap_preauth`: IMAP programs still
    log in by command.
    """

    fingerprint: str
    type: str
    name: str
    login_address: str
    no_imap_preauth: bool
    created: int


class AccountSecurity(msgspec.Struct, frozen=True, kw_only=True):
    """Second factors and keys of an account. `codes`: recovery codes left. `addresses`: those with which a key may log
    in. `links`: whether recovery links can be made: a listener serves the account app.
    """

    apps: list[FactorApp]
    keys: list[FactorKey]
    codes: int
    certificates: list[AccountKey]
    addresses: list[str]
    links: bool


class RecoveryLink(msgspec.Struct, frozen=True):
    """A recovery link, and its end in words, UTC."""

    url: str
    expires: str


class Recoverable(msgspec.Struct, frozen=True):
    """Removed mail that can be brought back, by mailbox. `kept`: µs for which removed mail is kept."""

    mailboxes: list[RemovedFrom]
    kept: int
