"""WebDAV, CalDAV and CardDAV over HTTP (docs/spec/dav.md §4): places, properties, methods and reports.

What XML, calendars and cards mean is in `proto.dav` and `proto.cards`; what is kept, in `store.groupware`.
"""
