-- One side for each group. Where members had one in the catalogue before, the group keeps it. Else,
-- where Recipe1M gave its members partitions, the one that must be kept cleanest wins: test, then
-- val, then train; so its test set stays whole. Groups without one take a side by hash of the seed
-- and the group's name. Groups of recipes that had different sides were taken apart before.
CREATE TABLE splits AS
WITH sides AS (
    SELECT
        members.group_id,
        min(sides_before.split) AS split_before,
        bool_or(source_partition = 'test') AS has_test,
        bool_or(source_partition = 'val') AS has_val,
        bool_or(source_partition = 'train') AS has_train,
    FROM members
    JOIN contents USING (recipe_id)
    LEFT JOIN sides_before USING (recipe_id)
    WHERE NOT is_excluded
    GROUP BY ALL
)
SELECT
    group_id,
    CASE
        WHEN split_before IS NOT NULL THEN split_before
        WHEN has_test THEN 'test'
        WHEN has_val THEN 'val'
        WHEN has_train THEN 'train'
        WHEN share_of($seed, 'split', group_id) < $test_fraction THEN 'test'
        WHEN share_of($seed, 'split', group_id) < $test_fraction + $val_fraction THEN 'val'
        ELSE 'train'
    END AS split
FROM sides
