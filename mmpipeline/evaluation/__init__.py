"""Evaluation on held-out recipes, always beside raw features and chance."""

from mmpipeline.evaluation.suite.evaluate import evaluate_model

__all__ = ["evaluate_model"]
