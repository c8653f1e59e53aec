-- Every pair as two numbers of recipes, before names: one row a pair.
--
-- In a swap the partner gives its photo (negative_image) or its text (negative_text) only.
CREATE TABLE slot AS
WITH chosen AS (
    SELECT id AS anchor, id AS partner, 1 AS rank, 'positive_recipe' AS kind
    FROM anchor
    WHERE is_whole
    UNION ALL
    SELECT anchor, partner, rank, 'positive_dish' FROM positive
    UNION ALL
    SELECT anchor, partner, rank, 'negative_both' FROM negative
    UNION ALL
    SELECT anchor, partner, rank, 'negative_image' FROM swap WHERE rank <= $image_swaps
    UNION ALL
    SELECT anchor, partner, rank, 'negative_text' FROM swap WHERE rank <= $text_swaps
    UNION ALL
    SELECT anchor, partner, rank, 'negative_hard' FROM hard_negative
)
SELECT anchor, partner, (first_slot + rank - 1)::UTINYINT AS slot
FROM chosen JOIN pair_kind USING (kind)
