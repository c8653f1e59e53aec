-- Pairs by split, dish of the anchor, kind and languages: small, and all that the report sums up.
CREATE TABLE pair_count AS
WITH counted AS (
    SELECT
        own.split, own.dish, own.language AS left_language, other.language AS right_language,
        slot.slot, count(*) AS pairs
    FROM slot
    JOIN recipe AS own ON own.id = slot.anchor
    JOIN recipe AS other ON other.id = slot.partner
    GROUP BY ALL
)
SELECT
    counted.split, counted.dish, pair_kind.kind, pair_kind.label, counted.left_language,
    CASE WHEN pair_kind.kind = 'negative_image' THEN counted.left_language
        ELSE counted.right_language END AS right_language,
    sum(counted.pairs)::BIGINT AS pairs
FROM counted
JOIN pair_kind ON counted.slot BETWEEN pair_kind.first_slot AND pair_kind.last_slot
GROUP BY ALL
