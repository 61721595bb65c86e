"""Checks: pure functions from a history to a measurement, one file per kind of claim."""
