"""Where conversations are kept: one interface, the SQL once, and a database underneath it."""
