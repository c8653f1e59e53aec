"""The similarity index: published in versions, opened, asked, released.

`publish` makes an index version, `release` lets it answer, `current` points at the one that does,
`index` opens it and answers through `ask`; `query` goes in and `results` come out; `vectors` is the
search itself. Nothing is imported here: asking a question should not wait for what only
publishing needs.
"""
