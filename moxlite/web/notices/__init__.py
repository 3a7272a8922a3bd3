"""Web Push: devices are told of new mail (WEBMAIL-122) and alarms (DAV-50), and programs of changes (RFC 8620 §7.2).

- `rounds`: finds out for which accounts there is something to tell, and when
- `service`: for devices, and for programs that speak JMAP; what these are told is in `web.jmap.subscriptions`
- `requests`: what devices are told, and the requests to push services; loaded for the first account with a device

The devices of an account and the mail for them are in `store.people`, the codec is `proto.webpush`, the browser's side
`frontend/webmail/worker`.
"""
