"""Polite HTTP: paced requests, robots.txt, capped decoding, a WARC archive."""
