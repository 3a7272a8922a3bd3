"""DNSSEC validation in this process, from the root's keys down to one answer (RFC 4033..4035, 5155; AUTH-123).

- `resolver`: a `Resolver` that validates answers whose AD bit is missing or not trusted
- `chain`: from a trust anchor to the keys of a zone, and to an answer
- `denial`: proofs that a name or a record does not exist
- `questions`: queries for signatures, with bounds; `anchors`: the keys of the root

It serves the doctor, the checks of DNS records and the commands about DNS. Incoming and outgoing mail is not its
business: there a resolver nearby validates (AUTH-3), and `net.dns` asks it. All modules but `resolver` import
dnspython, so they are imported when the first answer is validated.
"""
