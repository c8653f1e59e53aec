"""The evaluation suite: held-out queries, every metric on them, the frozen set."""
