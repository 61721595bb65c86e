"""v2, scalable."""
