"""moxlite: an all-in-one mail server (SMTP, IMAP, webmail) on Trio and SQLite.

Only what puts the components together is directly in this package (`server`, `services`, `wiring`, `commands`), and
small modules that several of them share. The work of a component does not belong here but in its package
(docs/architecture.md).
"""

from typing import Final

__all__ = ["__version__"]

__version__: Final = "0.1.0"
