"""Recipes of 만개의레시피: brought home politely and without losing a page, then parsed offline.

`crawl` fetches into a `store` (page archive, crawl state, photos), `parse` turns the store into
recipe tables and asks `page` what a page says. `source` declares it all.
"""
