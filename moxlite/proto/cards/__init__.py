"""Contacts and invitations as files and mail have them. Nothing is stored or sent here.

- `contentline`: the lines of which vCards and calendars consist
- `vcard`, `contactscsv`: contacts; `contactfiles`: whichever of the two a file is
- `icalendar`: events that come by mail, and answers to them
"""
