-- Report: pairs that the config asks for and the catalogue cannot give, by kind.
--
-- Only anchors that can have a kind count: labelled ones for pairs by dish, whole ones for swaps.
WITH wanted AS (
    SELECT 'positive_dish' AS kind, count(dish) * $positives AS wanted FROM anchor
    UNION ALL
    SELECT 'negative_both', count(*) * $negatives FROM anchor
    UNION ALL
    SELECT 'negative_image', count(*) FILTER (is_whole) * $image_swaps FROM anchor
    UNION ALL
    SELECT 'negative_text', count(*) FILTER (is_whole) * $text_swaps FROM anchor
    UNION ALL
    SELECT 'negative_hard', count(dish) * $hard_negatives FROM anchor
),
made AS (
    SELECT kind, sum(pairs)::BIGINT AS made FROM pair_count GROUP BY kind
)
SELECT kind, wanted, coalesce(made, 0) AS made, wanted - coalesce(made, 0) AS missing
FROM wanted LEFT JOIN made USING (kind)
ORDER BY kind
