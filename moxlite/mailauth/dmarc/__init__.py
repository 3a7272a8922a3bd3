"""DMARC: the policy of the owner of a From domain, and whether a message is aligned with it (RFC 9989).

`record` parses records, `discovery` finds them and the organizational domains, `evaluate` computes the result for a
message, `destinations` finds the mailboxes for aggregate reports.

Decisions about a message are not here but in `acceptance`, reports in `queue.reports`.
"""
