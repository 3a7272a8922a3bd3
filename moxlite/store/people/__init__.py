"""People: correspondents and senders of bulk mail, gathered from messages.

- `gathering`: the background task that looks at messages which came (STORE-96)
- `suggesting`: addresses that begin like a text
- `knowing`: people whom the user knows, by a name, and whether an address is known (WEBMAIL-161)
- `contacts`, `templates`: of the user's own (WEBMAIL-126, WEBMAIL-128)
- `invitations`: events that came by mail, and answers to them (WEBMAIL-129)
- `devices`, `notices`: devices that are told of new mail, and the mail that they are told of (WEBMAIL-122)
- `senders`: mailing lists and newsletters, with their messages (WEBMAIL-136a)

Recipients become correspondents in `moxlite.store.mail.recipients`.
"""
