"""Copies of one recipe: pairs found by text, and groups that no split parts."""
