"""The search service: over HTTP, as pages in a browser, and on a terminal.

`app` puts the application together and `server` runs it; `guard`, `protocol` and `work_queue` bound
what comes in; `requests` and `answers` are what is said in either direction, `asking` between them
speaks to the index; `static/` holds the pages. `commands` and `terminal` are the command line's
part. Nothing is imported here: `mmpipeline --help` should not wait for a web framework.
"""
