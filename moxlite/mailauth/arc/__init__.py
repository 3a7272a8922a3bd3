"""ARC: each forwarding server adds its authentication results to a message and seals the earlier ones (RFC 8617;
AUTH-110..113).

- `verify`: reads the ARC sets of a message and checks their syntax; verifies the signatures and seals of a chain; takes
  over the results of trusted sealers
- `seal`: adds one more set

Signatures, keys and canonical forms come from `moxlite.mailauth.dkim`.
"""
