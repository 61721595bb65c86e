"""From histories and verdicts to what people read."""
