"""만개의레시피 (www.10000recipe.com): list pages, recipe pages of all generations, JSON-LD.

Pages come in as bytes or text and go out as records; nothing here fetches or stores. The site
has changed its markup several times and still serves old recipes in their old form, so every
field is looked for by its own class or id and never by its position.
"""
