-- The catalogue: every recipe with its label, its group and its side.
SELECT
    recipes.*,
    labels.dish,
    labels.dish_confidence::FLOAT AS dish_confidence,
    labels.dish_source,
    dishes.dish_set,
    splits.group_id,
    splits.split,
    contents.content_hash
FROM recipes
JOIN contents USING (recipe_id)
LEFT JOIN copy_groups USING (recipe_id)
JOIN splits ON splits.group_id = coalesce(copy_groups.group_id, recipes.recipe_id)
LEFT JOIN labels USING (recipe_id)
LEFT JOIN dishes USING (dish)
ORDER BY recipes.recipe_id
