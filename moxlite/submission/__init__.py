"""Mail of our own users on its way out: checked, completed, signed, counted and queued (SMTP-111..118).

There is one function, `submit.submit`, for whatever a user writes with: SMTP, webmail, API. Its callers translate: what
they are told into a `Letter`, and a `SubmissionRefused` into their protocol.
"""
