-- The labelled recipes, those of a split's dish together and in ring order; `cell` numbers splits'
-- dishes.
SELECT
    recipe_id, split::VARCHAR AS split, dish::VARCHAR AS dish,
    dense_rank() OVER (ORDER BY split, dish) - 1 AS cell
FROM recipe
WHERE dish IS NOT NULL
ORDER BY cell, id
