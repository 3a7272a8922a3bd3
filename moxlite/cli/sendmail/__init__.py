"""``moxlite sendmail``: mail of programs on this machine, handed to a mail server by submission (QUEUE-141..144).

- `letter`: the command line, as programs write it for /usr/sbin/sendmail; the message on stdin, prepared for submission
- `settings`: the file that names the mail server and the account
- `handing`: the SMTP session with the mail server, and one with a program that speaks SMTP itself
- `command`: all of these together, and keeping the message after a failure

Not here: nothing of our own server or its configuration, which this machine need not have.
"""
