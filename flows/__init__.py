"""Orchestration: one Prefect flow a file, each readable as a sentence of task calls."""
