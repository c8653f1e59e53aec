"""Publishes the embedded recipes as an index and answers questions from it.

`publish` makes an index version, `current` points at the one that answers, `index` opens it and
answers; `query` holds what goes in and comes out; `exact` is the search itself. Nothing is
imported here: asking a question should not wait for what only publishing needs.
"""
