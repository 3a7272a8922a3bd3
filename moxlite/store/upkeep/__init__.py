"""What is done to an account without being asked, and when something is wrong with it.

- `erase`, `retention`, `undelete`: content of removed messages, messages that grow too old, and both brought back
- `outbox`: what units owe to other files is carried over
- `check`, `checkrules`, `repairs`: whether all rows agree, and making them agree
- `scrub`: whether all octets can be read, and storing them anew in another encoding
- `reparse`: the index of messages made anew after an upgrade

Each is a function or a task for one account. When they run, and for which accounts, is for `accounts`.
"""
