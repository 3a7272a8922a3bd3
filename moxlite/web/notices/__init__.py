"""Web Push: devices are told of new mail (WEBMAIL-122).

- `service`: finds out for which accounts there is something to tell, and when
- `telling`: the requests to push services; loaded for the first account with a device

The devices of an account and the mail for them are in `store.people`, the codec is `proto.webpush`, the browser's side
`frontend/webmail/worker`.
"""
