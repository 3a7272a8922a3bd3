"""Messages that wait for a moment: messages that are sent later, and messages that come back later (WEBMAIL-96,
WEBMAIL-125). `upkeep.outbox` looks what is due in an open account, `accounts.dues` opens closed ones in time.
"""
