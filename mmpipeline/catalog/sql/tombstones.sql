-- Recipes that an earlier catalogue held and the sources no longer do; they keep their side for the
-- case that they come back.
SELECT recipe_id, group_id, split, content_hash
FROM all_before
WHERE recipe_id NOT IN (SELECT recipe_id FROM contents)
ORDER BY recipe_id
