"""Our reports to the owners of other domains: on TLS (RFC 8460), and on DMARC (RFC 9990); QUEUE-120..134.

- `counting`: sessions of attempts, counted into reports.db
- `tls`, `dmarc`: what is due, and one report made and handed to the queue
- `mail`: the message that a report is; `daily`: sends what is due each day
"""
