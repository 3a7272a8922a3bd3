"""Attempts that are due are begun, and their outcomes recorded.

- `scheduler`: begins them; `due`: which rows are due
- `turns`: the recipient domains that have an attempt under way, or wait for a full host
- `outcomes`: outcomes of attempts, in the database or kept until it takes them

One attempt is in `attempt`, its rows are in `record`; DSNs are stored by `notices`.
"""
