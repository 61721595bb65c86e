"""Grafana's dashboards as code: `python -m dashboards` writes generated/, which Grafana reads (docs/dashboards.md)."""
