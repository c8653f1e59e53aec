-- The group of every recipe, and whether it is excluded for linking groups of different sides.
CREATE TABLE members AS
SELECT
    recipe_id,
    coalesce(parted.group_id, copy_groups.group_id, recipe_id) AS group_id,
    coalesce(parted.is_excluded, false) AS is_excluded
FROM contents
LEFT JOIN copy_groups USING (recipe_id)
LEFT JOIN parted USING (recipe_id)
