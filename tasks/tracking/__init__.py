"""MLflow: runs, metrics kept while it is away, the model registry."""
