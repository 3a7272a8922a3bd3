"""A session of jmaplib: `session_jmaplib.py URL USER PASSWORD`; prints what it saw as JSON."""

import json
import sys
import threading
from typing import Any

from jmap import CreationRef
from jmap.auth import BasicAuth
from jmap.client import JMAPClient
from jmap.push import EventSourceClient, Ping, WebSocketClient

url, user, password = sys.argv[1:]
found: dict[str, Any] = {}
told = {"events": threading.Event(), "websocket": threading.Event()}
ready = {name: threading.Event() for name in told}


def by_events(client: JMAPClient) -> None:
    """Listen to the event stream until a change."""
    for event in EventSourceClient(client, types=("Email", "Mailbox"), ping=5).listen():
        ready["events"].set()
        if not isinstance(event, Ping):
            told["events"].set()
            return


def by_websocket(client: JMAPClient) -> None:
    """Listen on a websocket, which answers a request, too."""
    with WebSocketClient(client) as socket:
        socket.enable_push(["Email"])
        with socket.batch() as batch:
            boxes = batch.mail.mailbox.get(ids=None)
        found["socket"] = any(one.role == "inbox" for one in boxes.result.items)
        ready["websocket"].set()
        for _ in socket.notifications():
            told["websocket"].set()
            return


with JMAPClient.connect(url, auth=BasicAuth(user, password)) as client:
    for listen in (by_events, by_websocket):
        threading.Thread(target=listen, args=(client,), daemon=True).start()
    for one in ready.values():
        one.wait(30)
    with client.batch() as batch:
        mailboxes = batch.mail.mailbox.get(ids=None)
        identities = batch.submission.identity.get(ids=None)
    boxes = {one.role: one.id for one in mailboxes.result.items}
    found["mailboxes"] = sorted(one.name for one in mailboxes.result.items)
    identity = identities.result.items[0]
    draft = {
        "mailboxIds": {boxes["drafts"]: True},
        "keywords": {"$draft": True},
        "from": [{"email": identity.email}],
        "to": [{"email": identity.email}],
        "subject": "Written by jmaplib",
        "bodyValues": {"1": {"value": "red harbour\n"}},
        "textBody": [{"partId": "1", "type": "text/plain"}],
    }
    with client.batch() as batch:
        batch.mail.email.set(create={"draft": draft})
        sent = batch.submission.email_submission.set(
            create={"send": {"identityId": identity.id, "emailId": CreationRef("draft")}},
            onSuccessUpdateEmail={
                "#send": {
                    "keywords/$draft": None,
                    f"mailboxIds/{boxes['drafts']}": None,
                    f"mailboxIds/{boxes['sent']}": True,
                }
            },
        )
    found["sent"] = bool(sent.result.created_id("send"))
    for _ in range(600):
        with client.batch() as batch:
            wish = {"inMailbox": boxes["inbox"], "subject": "jmaplib", "body": "harbour"}
            query = batch.mail.email.query(filter=wish)
            got = batch.mail.email.get(
                ids=query.ref_ids(), properties=["subject", "textBody", "bodyValues"], fetchTextBodyValues=True
            )
        if got.result.items:
            break
        threading.Event().wait(0.1)
    read = got.result.items[0]
    found["read"] = [read.subject, read.body_values[read.text_body[0].part_id].value]
    with client.batch() as batch:
        marked = batch.mail.email.set(update={read.id: {"keywords/$seen": True}})
        changes = batch.mail.email.changes(since_state=got.result.state)
    found["marked"] = read.id in (marked.result.updated or {}) and changes.result.updated == [read.id]
    found["pushed"] = [name for name, one in told.items() if one.wait(30)]
print(json.dumps(found))
