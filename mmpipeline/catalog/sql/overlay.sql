-- Where a recipe that was not read again is now decided otherwise than its segment says.
SELECT derived.*
FROM derived
JOIN kept USING (recipe_id)
JOIN held ON held.recipe_id = kept.recipe_id AND held.segment = kept.segment
WHERE derived.dish IS DISTINCT FROM held.dish
    OR derived.dish_confidence IS DISTINCT FROM held.dish_confidence
    OR derived.dish_source IS DISTINCT FROM held.dish_source
    OR derived.dish_set IS DISTINCT FROM held.dish_set
    OR derived.group_id <> held.group_id
    OR derived.split <> held.split
ORDER BY derived.recipe_id
