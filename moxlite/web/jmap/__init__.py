"""JMAP Core and Mail for programs (RFC 8620, RFC 8621; docs/spec/jmap.md).

- `protocol`: a request as JSON, its method calls, result references, errors and limits
- `methods`: what a method gets and may return, and the table of all methods
- `standard`: the forms that the types share: /get, /changes, /query, /set
- `mailboxes`, `emails`, `bodies`, `emailqueries`, `emailchanges`, `emailset`, `threads`, `identities`, `submissions`,
  `vacation`, `blobs`: the types
- `app`: session, calls, uploads, downloads; `push`: changes by event stream and websocket

All data are the store's own: the state of a type is a modseq, changes come from the change bus, and IMAP and the
webmail see at once what is changed here. Nothing is kept for a client between two requests.
"""
