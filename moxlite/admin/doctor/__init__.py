"""``moxlite doctor``: what keeps this server from its work, or will, in one graded list (ADMIN-70).

`findings` are what is found; `examine` looks at everything, by the topics of `configuration`, `machine`, `names` and
`running`; `mailtest` sends a message through the server's own ports; `nightly` does that each night and tells what has
changed; `commands` are what the running server says about itself.
"""
