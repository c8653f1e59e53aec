-- One side for each group. Where Recipe1M gave its members partitions, the one that must be kept
-- cleanest wins: test, then val, then train; so its test set stays whole. Groups without one take
-- a side by hash of the seed and the group's name, which growth of the data does not change.
CREATE TABLE splits AS
WITH sides AS (
    SELECT
        coalesce(copy_groups.group_id, contents.recipe_id) AS group_id,
        bool_or(source_partition = 'test') AS has_test,
        bool_or(source_partition = 'val') AS has_val,
        bool_or(source_partition = 'train') AS has_train,
    FROM contents LEFT JOIN copy_groups USING (recipe_id)
    GROUP BY ALL
)
SELECT
    group_id,
    CASE
        WHEN has_test THEN 'test'
        WHEN has_val THEN 'val'
        WHEN has_train THEN 'train'
        WHEN share_of($seed, 'split', group_id) < $test_share THEN 'test'
        WHEN share_of($seed, 'split', group_id) < $test_share + $val_share THEN 'val'
        ELSE 'train'
    END AS split
FROM sides
