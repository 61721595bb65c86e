"""Calibration: a server whose truth is scripted, measured by the chain that experiments use, and the error of it."""
