"""IMAP server (RFC 9051, RFC 3501): sessions on the store. This package exports what the composition root needs.

- `connection`: octets in and out, deadlines; the first connection loads it
- `loop`: how commands begin and end; `dispatch`: the handler of each
- `auth`, `basic`: logging in, and commands that need no mailbox
- `search` > `mailboxes` > `changes` > `fetch` > `updates` > `session`: packages, each imports only from its right
- `commands`: the operator's commands about sessions; `metrics`

- `sieve`: ManageSieve, for the Sieve scripts of an account

IMAP's syntax (`proto.imap`) and changes of stored data (`store.mail`) do not belong here.
"""

from moxlite.imapd.session.context import Context, Timeouts
from moxlite.imapd.session.sessions import Sessions

__all__ = ["Context", "Sessions", "Timeouts"]
