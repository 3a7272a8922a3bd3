"""Arguments and results of the commands about domains, aliases and TLS keys, shared by the command line and the server.

Like `admin.requests`, this module imports nothing heavy.
"""

import msgspec

from moxlite.operations import Request


class DomainAdd(Request, frozen=True):
    """``config domain add``: `account` gets the reports; with a `localpart` it is made."""

    domain: str
    account: str
    localpart: str = ""
    disabled: bool = False


class DomainName(Request, frozen=True):
    """``config domain rm``, ``disable``, ``enable``, ``config alias list``; "" means all domains."""

    domain: str = ""


class DomainInfo(msgspec.Struct, frozen=True):
    """A line of ``config domain list``."""

    domain: str
    disabled: bool
    reports_only: bool
    description: str


class AliasName(Request, frozen=True):
    """``config alias print``, ``rm``."""

    alias: str


class AliasMembers(Request, frozen=True):
    """``config alias add``, ``addaddr``, ``rmaddr``."""

    alias: str
    members: list[str]


class AliasChange(Request, frozen=True):
    """``config alias update``: None leaves a setting as it is."""

    alias: str
    post_public: bool | None = None
    list_members: bool | None = None
    allow_msg_from: bool | None = None


class AliasInfo(msgspec.Struct, frozen=True):
    """An alias in an answer to the administrator, with its members and permissions."""

    alias: str
    members: list[str]
    post_public: bool
    list_members: bool
    allow_msg_from: bool


class TLSKeyAdd(Request, frozen=True):
    """``config tlspubkey add``: `certificate` in PEM; `name` "" takes the certificate's."""

    address: str
    certificate: str
    name: str = ""
    no_imap_preauth: bool = False


class TLSKeyList(Request, frozen=True):
    """``config tlspubkey list``: of an account, or "" for all."""

    account: str = ""


class TLSKeyName(Request, frozen=True):
    """``config tlspubkey get``, ``rm``: by fingerprint."""

    fingerprint: str


class TLSKeyInfo(msgspec.Struct, frozen=True):
    """A key of a client certificate; `created` in words, UTC, `certificate` in PEM."""

    fingerprint: str
    account: str
    login_address: str
    name: str
    type: str
    no_imap_preauth: bool
    created: str
    certificate: str = ""
