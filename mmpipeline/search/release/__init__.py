"""Releases of index versions: golden queries, gate, promotion, rollback."""
