"""Calendars and address books beyond one account's file: entries with their instances, and scheduling with people.

- `entries`: what is looked up of entries
- `people`: who is a calendar user here, and by which addresses
- `carrying`: messages about events that a change owes, into calendars of this server or as mail
- `letters`: such messages as mail (iMIP)
- `ringing`: alarms of entries, as notices and mail
- `arriving`: calendars in mail that came
- `photos`: photos of contacts that are files beside a file of contacts

Rows and units are in `store.groupware`, the codecs in `proto.cards`.
"""
