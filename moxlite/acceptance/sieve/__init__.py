"""Sieve scripts of accounts: running them on incoming mail, and keeping them.

- `filtering`: runs the active script, as evidence for the producer `sieve`
- `keeping`: checks a script and stores it, for ManageSieve, web apps and command line; notices for the owner: answers
  being sent, errors, stopped addresses
- `converting`: rulesets written as a script
- `stored`: a script for messages that are stored already
- `commands`: commands of the control socket about scripts and the vacation form; commands that sort stored mail, by a
  script or by rules

The language is `proto.sieve`, its rows are in `store.delivery.scripts`.
"""
