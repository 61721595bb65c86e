-- One row per Idempotency-Key. While its request runs, the key is reserved for `owner` until `lease_until`; when the
-- turn is stored, both message ids are filled in, and the key answers with them for ever.

CREATE TABLE idempotency_keys (
    key text PRIMARY KEY,
    request_hash text NOT NULL,
    owner uuid NOT NULL,
    lease_until timestamptz NOT NULL,
    user_message_id uuid REFERENCES messages (id),
    message_id uuid UNIQUE REFERENCES messages (id)
);
