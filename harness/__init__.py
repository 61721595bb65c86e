"""The instrument: runs a target, breaks it on purpose under load, and judges what was recorded."""
