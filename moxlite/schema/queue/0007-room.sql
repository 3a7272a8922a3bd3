-- What each account has waiting (SMTP-115, QUEUE-90). Kept by triggers: to count it anew takes as many steps as there are
-- rows, 1 ms for each event of an account whose web server is away.
CREATE TABLE room (
    account TEXT PRIMARY KEY,           -- as in msg and hook
    messages INTEGER NOT NULL,          -- rows of msg
    message_octets INTEGER NOT NULL,
    hooks INTEGER NOT NULL,             -- rows of hook
    hook_octets INTEGER NOT NULL        -- of the payloads
) STRICT, WITHOUT ROWID;
INSERT INTO room (account, messages, message_octets, hooks, hook_octets)
SELECT account, sum(messages), sum(message_octets), sum(hooks), sum(hook_octets) FROM (
    SELECT account, 1 AS messages, size AS message_octets, 0 AS hooks, 0 AS hook_octets FROM msg
    UNION ALL SELECT account, 0, 0, 1, size FROM hook)
GROUP BY account;

CREATE TRIGGER room_of_new_msg AFTER INSERT ON msg BEGIN
    INSERT INTO room SELECT new.account, 0, 0, 0, 0 WHERE NOT EXISTS (SELECT 1 FROM room WHERE account = new.account);
    UPDATE room SET messages = messages + 1, message_octets = message_octets + new.size WHERE account = new.account;
END;
CREATE TRIGGER room_of_changed_msg AFTER UPDATE OF size ON msg BEGIN
    UPDATE room SET message_octets = message_octets + new.size - old.size WHERE account = new.account;
END;
CREATE TRIGGER room_of_gone_msg AFTER DELETE ON msg BEGIN
    UPDATE room SET messages = messages - 1, message_octets = message_octets - old.size WHERE account = old.account;
END;
CREATE TRIGGER room_of_new_hook AFTER INSERT ON hook BEGIN
    INSERT INTO room SELECT new.account, 0, 0, 0, 0 WHERE NOT EXISTS (SELECT 1 FROM room WHERE account = new.account);
    UPDATE room SET hooks = hooks + 1, hook_octets = hook_octets + new.size WHERE account = new.account;
END;
CREATE TRIGGER room_of_gone_hook AFTER DELETE ON hook BEGIN
    UPDATE room SET hooks = hooks - 1, hook_octets = hook_octets - old.size WHERE account = old.account;
END;
