"""Attempts that are due are begun, and their outcomes recorded.

- `scheduler`: begins attempts, one for each recipient domain; domains may wait for a full host
- `due`: which rows are due; outcomes of attempts, in the database or kept until it takes them

One attempt is in `attempt`, its rows are in `record`; DSNs are stored by `notices`.
"""
