"""Dish names and noise of titles: read from pages, mined, joined across languages."""
