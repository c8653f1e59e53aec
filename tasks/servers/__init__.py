"""Servers that runs start: a private Prefect, MLflow behind its guard, leases on disk."""
