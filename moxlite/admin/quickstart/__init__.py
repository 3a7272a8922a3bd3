"""``moxlite quickstart``: from a bare machine to a configuration that can be served (ADMIN-25..35, 69).

- `listeners`: the addresses of the machine; the addresses that the server will listen on; `webserver`: another web
  server on the machine
- `environment`: its hostname, DNS records and reachability; `occupied`: programs that use its ports
- `files`: the texts of the files; `make`: writes all of them, or none
- `switches`: webmail and account app for the internet

Not here: changes of an existing configuration, except for `publish`, are in `admin.accounts` and `admin.domains`.
"""
