-- Every recipe of two catalogues side by side, and one row for each thing that became of it.
CREATE TABLE joined AS
SELECT
    recipe_id,
    coalesce(n.source, o.source) AS source,
    coalesce(n.title, o.title) AS title,
    o.recipe_id IS NULL AS is_added,
    n.recipe_id IS NULL AS is_removed,
    o.content_hash AS hash_before,
    n.content_hash AS hash_after,
    o.dish AS dish_before,
    n.dish AS dish_after,
    o.split AS split_before,
    n.split AS split_after,
    NOT (
        is_added OR is_removed OR hash_before <> hash_after
        OR dish_before IS DISTINCT FROM dish_after OR split_before <> split_after
    ) AS is_same
FROM catalog_before AS o FULL JOIN catalog_after AS n USING (recipe_id);

CREATE TABLE changes AS
SELECT 'added' AS change, recipe_id, source, title, '' AS was, coalesce(dish_after, '') AS is_now
FROM joined WHERE is_added
UNION ALL
SELECT 'removed', recipe_id, source, title, coalesce(dish_before, ''), ''
FROM joined WHERE is_removed
UNION ALL
SELECT 'changed', recipe_id, source, title, left(hash_before, 8), left(hash_after, 8)
FROM joined WHERE hash_before <> hash_after
UNION ALL
SELECT 'relabelled', recipe_id, source, title, coalesce(dish_before, 'none'), coalesce(dish_after, 'none')
FROM joined WHERE NOT is_added AND NOT is_removed AND dish_before IS DISTINCT FROM dish_after
UNION ALL
SELECT
    CASE WHEN split_after = 'excluded' THEN 'excluded' ELSE 'moved' END,
    recipe_id, source, title, split_before, split_after
FROM joined WHERE split_before <> split_after AND split_before <> 'excluded'
