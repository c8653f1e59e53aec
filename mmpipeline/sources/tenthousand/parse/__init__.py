"""The parse of a stored crawl into recipes, without a single request."""
