"""Our reports to the owners of other domains: on TLS (RFC 8460), and on DMARC (RFC 9990); QUEUE-120..134. Reports that
we receive are not here.

- `counting`: sessions of attempts, counted into reports.db
- `tls`, `dmarc`: selection of due reports; making a report and queueing it
- `daily`: sends the due reports each day; the message with a report
"""
