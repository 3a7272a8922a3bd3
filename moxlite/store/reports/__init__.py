"""``reports.db``: reports of other servers about our domains, and the data of our own reports (AUTH-76, AUTH-81;
SMTP-103; QUEUE-120..134).

- `reportsdb`: the open file, and its background tasks
- `received`: DMARC and TLS reports from other servers
- `evaluations`: DMARC results of incoming messages, stored without delaying a reply; addresses that get no reports
- `tlsresults`: TLS results of outgoing sessions, by day

The mails with the reports are in their mailboxes, and counts are kept for three days. So a file that is missing is made
anew, and one that cannot be used costs no mail. Parsing, composing and sending reports does not belong here.
"""
