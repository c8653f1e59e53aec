"""The map of an index version: t-SNE of a sample, made once and kept."""
