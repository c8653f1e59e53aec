"""One crawl: lists walked, recipe pages and photos fetched, in counts."""
