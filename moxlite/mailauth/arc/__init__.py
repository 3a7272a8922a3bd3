"""ARC: what servers on the way have found of a message, each sealing what those before it said (RFC 8617;
AUTH-110..113).

- `chain`: the sets of a message, read and checked by themselves
- `verify`: whether a chain holds, and what its sealers say
- `trust`: what a chain says to those who trust its sealers
- `seal`: one more set

Signatures, keys and canonical forms are those of `moxlite.mailauth.dkim`.
"""
