"""What the small services of the parts share: a strict HTTP server, JSON log lines, settings from the environment."""
