"""The commands of an SMTP session, from EHLO to DATA and AUTH. Processing of a message after its last octet is not
here.
"""
