"""Messages out and in: FETCH, APPEND, REPLACE, CATENATE.

- `fetch`: the command; `fetchrows`: from stored rows alone, `fetchbody`: from the message itself, `fetchgroups`:
  several bodies ahead of the client
- `incoming`: messages while they come; `append`: once all have come; `catenate`: made of parts of others

Rows hold ENVELOPE, BODYSTRUCTURE and header octets ready for the wire: nothing is parsed here when a client reads.
Copies between mailboxes (`changes`) and searches (`search`) do not belong here.
"""
