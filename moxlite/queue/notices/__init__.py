"""Notices to senders about their mail (QUEUE-100..105). The decision that a notice is due is not here, but in `record`.

- `dsns`: delivery status notifications, stored into the senders' accounts
- `noticetext`: their text for people
- `serving`: the task that stores those which are due
"""
