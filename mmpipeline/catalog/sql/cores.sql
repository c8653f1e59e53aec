-- How many titles, copies aside, are the same but for chatter; those alone that the dictionary does
-- not know and that end where the core does.
SELECT core, count(DISTINCT coalesce(group_id, recipe_id)) AS titles
FROM names LEFT JOIN copy_groups USING (recipe_id)
WHERE core <> '' AND core_is_whole
GROUP BY core
ORDER BY core
