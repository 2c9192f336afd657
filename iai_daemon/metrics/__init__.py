"""Figures for Prometheus and its kin. docs/reference/metrics.md tells what each of them means."""
