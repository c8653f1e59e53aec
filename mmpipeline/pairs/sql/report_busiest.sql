-- Report: the recipes that stand in most pairs of other anchors.
SELECT recipe.recipe_id, recipe.dish::VARCHAR AS dish, recipe.split::VARCHAR AS split, taken.pairs
FROM (
    SELECT partner, count(*) AS pairs
    FROM slot
    WHERE partner <> anchor
    GROUP BY partner
    ORDER BY pairs DESC, partner
    LIMIT 20
) AS taken
JOIN recipe ON recipe.id = taken.partner
ORDER BY taken.pairs DESC, recipe.id
