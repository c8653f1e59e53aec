-- Rows of shared segments that no longer hold: replaced by a later segment, or gone.
SELECT held.segment, held.recipe_id
FROM held ANTI JOIN kept USING (segment, recipe_id)
ORDER BY held.segment, held.recipe_id
