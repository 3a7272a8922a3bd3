"""``moxlite sendmail``: mail of programs on this machine, handed to a mail server by submission (QUEUE-141..144).

- `flags`: the command line, as programs write it for /usr/sbin/sendmail
- `settings`: the file that says where to
- `letter`: the message on stdin, made ready
- `handing`: the SMTP session
- `command`: all of it, and what is left behind when it fails

Needs no server of ours on the machine, nor its configuration.
"""
