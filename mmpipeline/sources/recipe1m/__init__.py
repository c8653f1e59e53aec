"""Recipes of a folder in Recipe1M's layout: one recipe table and a list of the folder's defects.

`source` declares it, `normalise` does it.
"""
