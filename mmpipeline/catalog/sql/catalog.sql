-- The catalogue's rows that are written anew: all, or the new and changed ones.
SELECT recipes.*, derived.* EXCLUDE (recipe_id)
FROM recipes JOIN derived USING (recipe_id)
ORDER BY recipes.recipe_id
