"""Caches of recent context: one interface, Redis for real, memory for development and tests."""
