"""Writing mail: what a reply or forward begins with, and a draft as the octets of a message.

`reply` finds sender, recipients, subject, references and quoted text of an answer; `draft` checks what was typed and
makes the message. Both are pure: who reads originals, keeps drafts and submits them is the webmail, later the web API.
"""
