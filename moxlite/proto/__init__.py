"""Codecs and formats without I/O: octets in, values out, and back. Nothing else of moxlite is imported here.

- `smtp`, `imap`, `sasl`: protocols, both sides: no sockets, no clock, no task; a wrong peer is an exception with the
  reply to send
- `mime`: messages: scanner, structure, headers, text, composing
- `address`, `publicsuffix`: addresses and domains
- `dsn`: delivery status notifications
- `mbox`, `maildir`, `localform`, `tar`: mail in files

What is read from a peer is bounded by each reader. When to read, and what to do with it, is for the rooms above.
"""
