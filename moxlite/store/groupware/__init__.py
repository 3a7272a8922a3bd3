"""Calendars and address books of an account: collections of resources, their changes and tombstones (DAV-1..6).

What the octets of a resource mean is computed by the caller, from `proto.cards`. No HTTP and no XML here.
"""
