"""v4, mission critical."""
