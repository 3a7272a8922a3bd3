"""Figures about the server for people: computed from what is stored, shown by the admin app.

- `disk`: octets by account
- `recorder`: daily counts and samples of the queue, stored while the server runs
- `sources`: who sends in the name of a domain, from received DMARC reports

Tables and their statements do not belong here, but into `store.reports`.
"""
