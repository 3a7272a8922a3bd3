"""IMAP without I/O (RFC 9051, RFC 3501 and the extensions named in each module).

- `server`: the server's decoder; `reading`, `append`: parsers of commands; `encode`: encoder of responses
- `client`: the client's decoder; `writing`: encoders of commands; `bodystructure`: parser of a message's structure
- `commands`, `responses`, `fetchitems`, `search`, `errors`: the values of both sides
- `tokens`, `seqset`, `utf7`, `url`, `threading`: tokens, number sets, mailbox names, URLs, the THREAD algorithms

Executing commands does not belong here but in `imapd`; connections of the client are in `net.imapclient`. The ENVELOPE
and BODYSTRUCTURE that the server sends are stored rows, made by `proto.mime.wire`.
"""
