"""Faults, one file each. See `base` for what a fault is."""
