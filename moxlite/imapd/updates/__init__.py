"""Telling a client what others have changed (RFC 9051 §7; IMAP-54..61).

- `changes`: from batches of the account's change bus to responses, as far as the command allows
- `watch`: while the client says nothing: IDLE and NOTIFY
- `repeat`: the same change for many sessions that knew the same
- `recent`: which session shows ``\\Recent``
- `flagwire`: flags and attributes of mailboxes on the wire

What the client has been told so far is `session.view`; what NOTIFY asks for is `mailboxes.notify`, seen here as
`session.state.Watcher`. No command changes anything from here.
"""
