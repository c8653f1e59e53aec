-- Report: what each dish has in each split; `positives` are pairs with another recipe of it.
WITH dish_size AS (
    SELECT split, dish, count(*) AS recipes FROM recipe WHERE dish IS NOT NULL GROUP BY split, dish
),
dish_pairs AS (
    SELECT
        split, dish, sum(pairs)::BIGINT AS pairs,
        coalesce(sum(pairs) FILTER (kind = 'positive_dish'), 0)::BIGINT AS positives,
        coalesce(sum(pairs) FILTER (kind = 'negative_hard'), 0)::BIGINT AS hard_negatives
    FROM pair_count
    WHERE dish IS NOT NULL
    GROUP BY split, dish
)
SELECT
    split::VARCHAR AS split, dish::VARCHAR AS dish, recipes,
    coalesce(pairs, 0) AS pairs,
    coalesce(positives, 0) AS positives,
    coalesce(hard_negatives, 0) AS hard_negatives
FROM dish_size LEFT JOIN dish_pairs USING (split, dish)
ORDER BY split, recipes DESC, dish
