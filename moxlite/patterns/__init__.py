"""Patterns of users in a configuration (STORE-65), and the administrator's (WEB-36).

`proto.patterns` searches users' patterns in time linear in the text. A child process with limits compiles the
administrator's before the server does: `child` is the process, and `process` the server's side of it. `searching` is
the door to both.
"""
