"""Two-step log-in in the web apps (WEB-151): the second step, security keys (WebAuthn), QR codes.

- `steps`: the second step of a log-in, and the factor of a confirmation; challenges and begun set-ups, in memory
- `keys`: the ceremonies of WebAuthn, by the package ``webauthn``, imported at the first use
- `qr`: QR codes

The API calls are in `web.logincalls` and `web.factorcalls`. Checking a factor and counting guesses is
`logins.secondfactor`; stored factors are in `store.auth.factors`.
"""
