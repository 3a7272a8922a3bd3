"""Octets of a message that are made anew before an attempt, with new signatures of ours.

- `resigning`: signatures that are too old
- `sevenbit`: the form for hosts without 8BITMIME
"""
