"""IMAP without I/O (RFC 9051, RFC 3501 and the extensions named in each module).

- `server`: a server's decoder; `parse`, `parsemessages`, `parseextensions`, `parsesearch`, `append`: the grammar of
  commands, `parsing` what they share; `encode`: responses as octets
- `client`: a client's decoder; `write`, `writemessages`, `writeextensions`, `writesearch`, `writing`: commands as
  octets, each the mirror of its parser; `bodystructure`: a message's structure as a client reads it
- `commands`, `responses`, `fetchitems`, `search`, `errors`: the values of both sides
- `tokens`, `seqset`, `utf7`, `url`, `threading`: what they are made of

What a command does is in `imapd`; the client that connects is `net.imapclient`. ENVELOPE and BODYSTRUCTURE as the
server sends them are stored rows, made by `proto.mime.wire`.
"""
