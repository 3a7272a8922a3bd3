-- Devices of Apple's Mail are no longer pushed to: their certificates are issued no more.
DROP TABLE apple_push;
