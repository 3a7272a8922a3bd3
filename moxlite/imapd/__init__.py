"""IMAP server (RFC 9051, RFC 3501): sessions on the store. The composition root needs what is named here.

- `connection`: octets in and out, deadlines; `loop`: how commands begin and end; `dispatch`: the handler of each
- `auth`, `basic`: logging in, and commands that need no mailbox
- `search` > `mailboxes` > `changes` > `fetch` > `telling` > `session`: rooms, each imports only those right of it
- `commands`: what the operator may ask about sessions; `metrics`

Syntax is `proto.imap`; ManageSieve will live here too.
"""

from moxlite.imapd.commands import IMAPCommands
from moxlite.imapd.connection import serve_connection
from moxlite.imapd.session.context import Context, Pace
from moxlite.imapd.session.sessions import Sessions

__all__ = ["Context", "IMAPCommands", "Pace", "Sessions", "serve_connection"]
