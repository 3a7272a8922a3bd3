-- How many messages of an address came before one: of those that did not come by SMTP, what was gathered tells.
CREATE INDEX gathered_correspondent ON gathered (correspondent_id, received) WHERE correspondent_id > 0;
