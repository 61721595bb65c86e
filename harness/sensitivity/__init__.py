"""The sensitivity test: a target loses one of its mechanisms, and something that is measured must show it."""
