"""Streaming readers of Recipe1M's JSON: blocks by Arrow, the rest exactly."""
