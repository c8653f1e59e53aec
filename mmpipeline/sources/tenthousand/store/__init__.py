"""The crawl's store: SQLite tables of its state, and photo files."""
