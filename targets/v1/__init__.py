"""v1, the MVP."""
