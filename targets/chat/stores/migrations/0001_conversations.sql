-- Conversations and their messages. A position counts messages from one; it is what gives a conversation its order,
-- and its uniqueness is what makes two messages in one place impossible.
-- The files of this folder use only what PostgreSQL and SQLite have in common.

CREATE TABLE conversations (
    id uuid PRIMARY KEY,
    last_position integer NOT NULL,
    created_at timestamptz NOT NULL
);

CREATE TABLE messages (
    id uuid PRIMARY KEY,
    conversation_id uuid NOT NULL REFERENCES conversations (id),
    position integer NOT NULL,
    role text NOT NULL CHECK (role IN ('user', 'assistant')),
    content text NOT NULL,
    created_at timestamptz NOT NULL,
    provider text,
    model text,
    finish_reason text,
    input_tokens integer,
    output_tokens integer,
    UNIQUE (conversation_id, position)
);
