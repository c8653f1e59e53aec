"""Dish names and chatter of titles: read from pages, mined, joined across languages."""
