"""Deployments of prefect.yaml on a server: declared, sent, kept as an operator set them."""
