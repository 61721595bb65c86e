"""Limits on use: how many requests a client may make, and what it is told about that."""
