"""The similarity index: published in versions, opened, asked, released.

`publish` makes an index version, `current` points at the one that answers, `index` opens it and
answers; `query` holds what goes in and comes out; `exact` is the search itself. Nothing is
imported here: asking a question should not wait for what only publishing needs.
"""
