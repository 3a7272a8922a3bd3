"""Changes of a message's octets before an attempt, with new DKIM signatures of ours. The first signatures are made in
`submission`.

- `resigning`: signatures that are too old
- `sevenbit`: conversion for hosts without 8BITMIME
"""
