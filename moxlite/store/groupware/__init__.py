"""Calendars and address books of an account: collections of resources, their changes and tombstones (DAV-1..6).

- `collection`, `resources`: what clients put, and what is looked up of it; `cards`: of cards
- `alarms`: when entries remind their owner
- `contacts`: the cards as the webmail has them (WEBMAIL-128)

What the octets of an event mean is computed by the caller, from `proto.cards`. No HTTP and no XML here.
"""
