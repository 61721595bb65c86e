"""Prometheus, Alertmanager and their rules as one image; `burn_rates.py` makes some of the rules."""
