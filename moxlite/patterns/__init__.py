"""Patterns of users, whose search takes time in proportion to the text (STORE-65), and the administrator's (WEB-36).

`dialect` writes a pattern in the syntax of RE2, with the meaning that it has for the package `regex`; `linear` compiles
and searches. What RE2 cannot say goes to a child process with limits: `child` is the process, which alone searches with
`regex` for users, and `process` the server's side of it. `searching` is the door to both: it decides which one takes a
pattern.
"""
