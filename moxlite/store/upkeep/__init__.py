"""What is done with an account without being asked by its owner, or by an operator's command.

- `erase`, `retention`, `undelete`: content of removed messages goes after a time; until then it can come back
- `outbox`: what units owe to other files is carried over
- `check`, `checkrules`, `repairs`: whether rows agree, and making them agree
- `scrub`, `reparse`: bodies are read and stored anew; the MIME index is made anew

When these run is for `accounts`; the checks of a whole directory are `backup.verify`.
"""
