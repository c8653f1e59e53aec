"""Encoders of photos and texts, one a file, found by the names that a config gives."""
