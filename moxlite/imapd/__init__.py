"""IMAP server (RFC 9051, RFC 3501): sessions on the store. The composition root needs what is named here."""

from moxlite.imapd.commands import IMAPCommands
from moxlite.imapd.connection import serve_connection
from moxlite.imapd.session.context import Context, Pace
from moxlite.imapd.session.sessions import Sessions

__all__ = ["Context", "IMAPCommands", "Pace", "Sessions", "serve_connection"]
