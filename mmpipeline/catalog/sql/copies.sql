-- Pairs (first, other) of recipes that are copies: equal content, or a photo with equal bytes.
-- A photo that more than $max_sharers recipes show is a placeholder or an advertisement.
WITH keys AS (
    SELECT recipe_id, content_hash AS key FROM contents WHERE has_body
    UNION ALL
    SELECT recipe_id, 'photo ' || unnest(photos) FROM contents
), shared AS (
    SELECT
        recipe_id,
        key,
        first_value(recipe_id) OVER (PARTITION BY key ORDER BY length(recipe_id), recipe_id) AS first,
        count(*) OVER (PARTITION BY key) AS sharers
    FROM keys
)
SELECT DISTINCT first, recipe_id AS other
FROM shared
WHERE first <> recipe_id AND (sharers <= $max_sharers OR NOT starts_with(key, 'photo '))
ORDER BY first, other
