"""Arguments and results of the commands about domains, aliases and TLS keys, shared by the command line and the server.

Like `admin.requests`, this module imports nothing heavy.
"""

import msgspec

from moxlite.operations import Request


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
