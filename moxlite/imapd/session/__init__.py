"""State of an IMAP session, and state shared by all sessions of an account. Commands do not belong here but in the
packages that import this one.

- `state`, `context`: the session: its log-in, selected mailbox, enabled extensions, and the buffer of responses;
  interfaces of a session to the server and to its connection
- `view`, `named`, `messagelimit`: the selected mailbox in the state that the client knows, and the messages
  that a command names there
- `rights`, `place`: the user's rights, and the account behind a mailbox name
- `sessions`: all sessions by account, their shared state, and the account in use
- `errors`, `progress`, `trace`: failures as responses, keepalives, transcripts

Nothing here reads a command: `imapd.loop` does. `Watcher` and `Intake` are the interfaces of NOTIFY and APPEND.
"""
