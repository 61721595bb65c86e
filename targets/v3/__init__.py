"""v3, enterprise."""
