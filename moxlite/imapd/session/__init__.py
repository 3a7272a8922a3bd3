"""What one session is, and what all sessions of an account share; commands are in the rooms above.

- `state`: the session: who is logged in, what is selected and switched on, the buffer of responses
- `view`, `uidlist`, `named`, `messagelimit`: the selected mailbox as the client was told of it, and which messages a
  command names there
- `rights`, `seat`, `place`: what the user may do, the account in use, and whose mailbox a name means
- `sessions`, `notes`: all sessions by account, and what they share
- `context`, `output`: what a session gets from the server and from its connection
- `errors`, `progress`, `trace`: failures as responses, signs of life, transcripts

Nothing here reads a command: that is `imapd.loop`. `Watcher` and `Intake` stand for NOTIFY and APPEND.
"""
