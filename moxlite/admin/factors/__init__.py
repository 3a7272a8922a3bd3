"""Changes of second factors and recovery links, with all their consequences (WEB-151, WEB-151a): `changes` for command
line and web apps, `commands` for the control socket, `requests` their arguments.

Checking a factor at log-in is `moxlite.logins.secondfactor`.
"""
