-- Deliveries that wait for an account of this server, which could not take a message when others of it could (QUEUE-28).
-- The octets, the schedule and the envelope are those of the row in msg.
CREATE TABLE local (
    msg_id INTEGER PRIMARY KEY REFERENCES msg (id) ON DELETE CASCADE,
    key BLOB NOT NULL,                  -- of the transaction: the account performs the delivery once under it
    account TEXT NOT NULL,
    delivery BLOB NOT NULL,             -- msgpack (moxlite.store.delivery.actions.Delivery)
    UNIQUE (key, account)
) STRICT;
