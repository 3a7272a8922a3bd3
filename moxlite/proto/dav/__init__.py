"""WebDAV as values: XML in and out with bounds, filters of CalDAV and CardDAV. No I/O; the store
and HTTP are not known here.
"""
