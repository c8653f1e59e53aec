-- What the numbers of recipes stand for, in the order of the numbers.
SELECT
    recipe.recipe_id,
    recipe.dish::VARCHAR AS dish,
    recipe.split::VARCHAR AS split,
    recipe.language::VARCHAR AS language,
    recipe.place_key,
    recipe.has_image,
    recipe.has_text,
    coalesce(dish_weight.weight, 1)::FLOAT AS weight
FROM recipe LEFT JOIN dish_weight USING (split, dish)
ORDER BY recipe.id
