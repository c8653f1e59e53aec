"""The search service: over HTTP, as pages in a browser, and on a terminal.

`api` is the application and `server` runs it; `http` bounds what comes in. `api.requests` and
`api.response_models` are what is said in either direction, `api.handlers` between them speaks to
the index; `map` draws it and `static/` holds the pages. `commands` and `terminal` are the command
line's part. Nothing is imported here: `mmpipeline --help` should not wait for a web framework.
"""
