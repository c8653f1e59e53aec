"""Stages as Prefect tasks: read, call one library function, write an artifact, report."""
