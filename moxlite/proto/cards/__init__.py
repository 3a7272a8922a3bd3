"""Contacts and invitations as files and mail have them. Nothing is stored or sent here.

- `contentline`: the lines of which vCards and calendars consist
- `vcard`, `contactscsv`: contacts; `contactfiles`: whichever of the two a file is
- `components`: calendars and cards as trees; `moments`, `repeating`: times and rules
- `calendarobject`, `cardobject`: entries of calendars and address books; `itip`, `received`: messages about events
- `entryfacts`, `entryreading`: what views show of an entry
- `invitation`: events that come by mail, as the webmail shows them
"""
