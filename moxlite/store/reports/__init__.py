"""``reports.db``: reports of others about our domains, and what our own reports are made of (AUTH-76, AUTH-81;
SMTP-103; QUEUE-120..134).

- `reportsdb`: the file, and what it does by itself
- `received`: DMARC and TLS reports that came
- `testdata`: a row in each table
- `evaluations`: messages judged by the DMARC policies of others, written down without delaying a reply

The mails that brought the reports lie in their mailboxes; what is counted lives for three days. So a file that is
missing is made anew, and one that cannot be used costs no mail.
"""
