"""Mail of our own users on its way out: checked, completed, signed, counted and queued (SMTP-111..118).

SMTP, webmail and API all call `submit.submit`. They make an `OutgoingMessage` of the request, and a reply of
their protocol of a `SubmissionRefused`. `carrying` brings what accounts owe to the queue. Delivery and retries are not
here, but in `queue`.
"""
