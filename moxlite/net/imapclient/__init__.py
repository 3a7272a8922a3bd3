"""An IMAP client for imports, exports and tests (IMAP-136).

- `client`: one connection: commands, TLS, compression; `line`: its responses; `transport`: its octets,
  deadlines and limits
- `login`: the choice of a mechanism
- `connect`: from a name to a session
- `errors`: exceptions

Which messages are imported or exported, and where they are stored, does not belong here.
"""

from moxlite.net.imapclient.client import Answer, Client
from moxlite.net.imapclient.connect import Server, TLSMode, connect
from moxlite.net.imapclient.errors import (
    BrokenServer,
    ConnectionLost,
    IMAPClientError,
    LoginFailed,
    Refused,
    TLSFailed,
    printable,
)
from moxlite.net.imapclient.line import Selected
from moxlite.net.imapclient.login import Credentials, log_in

__all__ = [
    "Answer",
    "BrokenServer",
    "Client",
    "ConnectionLost",
    "Credentials",
    "IMAPClientError",
    "LoginFailed",
    "Refused",
    "Selected",
    "Server",
    "TLSFailed",
    "TLSMode",
    "connect",
    "log_in",
    "printable",
]
