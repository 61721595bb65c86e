"""The load generator: a seeded plan of arrivals, kept by Locust whatever the target does."""
