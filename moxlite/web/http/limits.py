"""Deadlines and limits of connections, for all versions of HTTP (WEB-3, WEB-4)."""

from typing import Final

HEAD_TIMEOUT: Final = 30.0
"""Seconds for a request's head from its first octet; slow-loris clients end here."""

IDLE_TIMEOUT: Final = 65.0
"""Seconds between requests. Browsers drop a connection after 60 s, so the client closes first."""

BODY_TIMEOUT: Final = 60.0
"""Seconds for the next piece of a body."""

WRITE_TIMEOUT: Final = 60.0
"""Seconds for a slice of a response that makes no progress."""

LINGER_TIMEOUT: Final = 1.0
"""Seconds in which the client can read an error before our FIN becomes a RST."""

LINGER_OCTETS: Final = 4 << 20
"""Octets that a client may have in flight on a fast line; after more of them, it does not read."""

MAX_HEAD: Final = 64 * 1024
"""Octets of a request's head."""

MAX_TARGET: Final = 8 * 1024
"""Octets of a request's target."""

MAX_FIELDS: Final = 200
"""Header fields of a request."""

READ_SIZE: Final = 16 * 1024
"""Octets read at once: request heads are below 2 KiB, bodies pass through; small buffers keep idle connections
small.
"""
