-- Notices of invitations, changes and answers on devices: beside alarms, which ring also in quiet hours and in open pages.
ALTER TABLE alarm_notice ADD COLUMN news INTEGER NOT NULL DEFAULT 0;
