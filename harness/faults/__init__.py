"""Faults, one file each; `base` says what a fault is. Experiments import them by name from their files."""
