-- How many titles, copies aside, are the same but for noise, and but for their own ingredients;
-- those alone that the dictionary does not know and that end where the core does.
WITH whole AS (
    SELECT
        coalesce(group_id, recipe_id) AS copy,
        unnest(list_distinct([core, bare])) AS name,
        name = core AS is_alone
    FROM cores LEFT JOIN copy_groups USING (recipe_id)
    WHERE core <> '' AND core_is_whole
)
SELECT name, count(DISTINCT copy) AS titles, count(DISTINCT copy) FILTER (is_alone) AS alone
FROM whole
GROUP BY name
ORDER BY name
