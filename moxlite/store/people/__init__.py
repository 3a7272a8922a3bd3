"""People: correspondents and senders of bulk mail, gathered from messages.

- `gathering`: the background task that looks at messages which came (STORE-96); mailing lists and newsletters, with
  their messages (WEBMAIL-136a)
- `correspondents`: suggestions of people, and people whom the user knows (WEBMAIL-161)
- `templates`: messages that are written often (WEBMAIL-126)
- `invitations`: answers to invitations
- `devices`, `notices`: devices that are told of new mail, and the mail and alarms that they are told of
  (WEBMAIL-122, DAV-50)

Recipients become correspondents in `moxlite.store.mail.recipients`.
"""
