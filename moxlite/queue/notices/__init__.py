"""What senders are told of their mail (QUEUE-100..105).

- `dsns`: delivery status notifications, into their accounts
- `noticetext`: what people read in them
"""
