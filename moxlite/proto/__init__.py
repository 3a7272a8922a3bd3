"""Codecs and formats: octets in, values out, and back. I/O and imports of other moxlite packages do not belong here.

- `smtp`, `imap`, `sasl`: protocols, client and server side: no sockets, clocks or tasks; an error of the peer is an
  exception with the reply to send
- `mime`: messages: scanner, structure, headers, text, composing
- `http1`: what h11 leaves to its user to refuse
- `address`, `publicsuffix`: addresses and domains
- `dsn`: delivery status notifications
- `cards`: contacts and invitations, as vCards, tables and calendars
- `mbox`, `maildir`, `localform`, `tar`: mail in files

Each reader bounds its input from a peer. The packages above decide when to read and what to do with the result.
"""
