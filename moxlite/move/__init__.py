"""A whole server that moves here (docs/spec/move.md).

- `plan`: what is to come, as values and as a file that people change; `building` collects one from a source
- `accountscsv`, `dovecot`, `mox`: sources, files of other servers
- `running`: a plan carried out, `steps` of each account, `takensettings`; `counting`: both sides counted
- `page`: links of users to print; `commands`: the operations on the control socket

Not here: copies of mail are `migration`, of calendars `groupware`; accounts and domains change by their operations.
"""
