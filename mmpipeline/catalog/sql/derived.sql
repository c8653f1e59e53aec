-- What the catalogue decides about each recipe: its label, its group and its side.
CREATE TABLE derived AS
SELECT
    contents.recipe_id,
    labels.dish,
    labels.dish_confidence::FLOAT AS dish_confidence,
    labels.dish_source,
    dishes.dish_set,
    members.group_id,
    CASE WHEN members.is_excluded THEN 'excluded' ELSE splits.split END AS split,
    contents.content_hash
FROM contents
JOIN members USING (recipe_id)
LEFT JOIN splits ON splits.group_id = members.group_id
LEFT JOIN labels USING (recipe_id)
LEFT JOIN dishes USING (dish)
