"""moxlite: an all-in-one mail server (SMTP, IMAP, webmail) on Trio and SQLite."""

from typing import Final

__all__ = ["__version__"]

__version__: Final = "0.1.0"
