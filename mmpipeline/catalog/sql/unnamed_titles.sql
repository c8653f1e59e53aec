-- Titles in which the dictionary found no dish, with what their recipes are made of.
SELECT recipes.recipe_id, recipes.title, folded.ingredients
FROM names JOIN recipes USING (recipe_id) JOIN folded USING (recipe_id)
WHERE recipes.title NOT NULL AND names.title_dish IS NULL
