"""An IMAP client for imports, exports and tests (IMAP-136).

- `client`: one connection: commands, TLS, compression; `line`: its responses; `transport`: its octets, deadlines and
  limits
- `connect`: the choice of a mechanism; from a name to a session
- `transport`: exceptions

Which messages are imported or exported, and where they are stored, does not belong here.
"""

from moxlite.net.imapclient.client import Answer, Client
from moxlite.net.imapclient.connect import Credentials, Server, TLSMode, connect, log_in
from moxlite.net.imapclient.line import Selected
from moxlite.net.imapclient.transport import (
    BrokenServer,
    ConnectionLost,
    IMAPClientError,
    LoginFailed,
    Refused,
    TLSFailed,
    printable,
)

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
