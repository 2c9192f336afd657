"""Figures for Prometheus and its kin. docs/metrics.md tells what each of them means."""
