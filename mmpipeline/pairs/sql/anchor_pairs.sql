-- The pairs of one anchor, with the titles of the recipes on both sides.
SELECT
    pair.kind, pair.label, pair.rank, pair.split, pair.language_pair,
    pair.left_image, pair.left_text, pair.right_image, pair.right_text,
    coalesce(pair.left_text_dish, pair.left_image_dish) AS left_dish,
    pair.right_image_dish, pair.right_text_dish,
    left_recipe.title AS left_title,
    image_recipe.title AS right_image_title,
    text_recipe.title AS right_text_title
FROM read_parquet($pairs) AS pair
LEFT JOIN catalog AS left_recipe
    ON left_recipe.recipe_id = coalesce(pair.left_text, pair.left_image)
LEFT JOIN catalog AS image_recipe ON image_recipe.recipe_id = pair.right_image
LEFT JOIN catalog AS text_recipe ON text_recipe.recipe_id = pair.right_text
WHERE pair.left_image = $recipe_id OR pair.left_text = $recipe_id
ORDER BY pair.pair_id
