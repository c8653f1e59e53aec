-- Titles to learn noise from, with what their recipes are made of and the dish that the dictionary
-- found. So many are enough; which ones follows from their ids, so that the order does not matter.
SELECT recipes.title, folded.ingredients, names.title_dish, names.title_end
FROM names JOIN recipes USING (recipe_id) JOIN folded USING (recipe_id)
WHERE recipes.title NOT NULL
ORDER BY md5(recipe_id)
LIMIT 100000
