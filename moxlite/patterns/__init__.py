"""Patterns of users in a configuration (STORE-65), and the administrator's (WEB-36).

`proto.patterns` searches them in time linear in the text. What RE2 cannot say goes to a child process with limits:
`child` is the process, which alone searches with `regex` for users, and `process` the server's side of it. `searching`
is the door to both: it decides which one takes a pattern.
"""
