-- Members of groups whose recipes had different sides before.
WITH mixed AS (
    SELECT copy_groups.group_id
    FROM copy_groups JOIN sides_before USING (recipe_id)
    GROUP BY copy_groups.group_id HAVING count(DISTINCT split) > 1
)
SELECT
    copy_groups.recipe_id,
    copy_groups.group_id,
    sides_before.group_id AS group_before,
    sides_before.split AS split_before,
    sides_before.content_hash = contents.content_hash AS is_unchanged
FROM copy_groups
JOIN mixed ON mixed.group_id = copy_groups.group_id
JOIN contents ON contents.recipe_id = copy_groups.recipe_id
LEFT JOIN sides_before ON sides_before.recipe_id = copy_groups.recipe_id
ORDER BY copy_groups.recipe_id
