"""The SMTP server: incoming mail on port 25, submission on 587 and 465 (docs/spec/smtp.md).

The composition root makes a `Context` per service of each listener, and calls `connection.serve_connection` for each
connection; the first one loads that module.
Decisions of accounts about incoming mail are in `acceptance`, outgoing mail in `queue`, parsing of SMTP in
`proto.smtp`.
"""

from moxlite.smtpd.context import Context, Senders, Timeouts

__all__ = ["Context", "Senders", "Timeouts"]
