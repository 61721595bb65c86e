"""The chat API that all versions share."""
