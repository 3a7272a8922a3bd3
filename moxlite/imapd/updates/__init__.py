"""Sending a client the changes made by others (RFC 9051 §7; IMAP-54..61).

- `changes`: from batches of the account's change bus to responses, as far as the command allows
- `watch`: while the client sends nothing: IDLE and NOTIFY; one change for many sessions in the same state
- `recent`: the session that shows ``\\Recent`` for a message

The state that the client knows is `session.view`. The requests of NOTIFY are in `mailboxes.notify`, with the interface
`session.state.Watcher`. Commands that change messages do not belong here.
"""
