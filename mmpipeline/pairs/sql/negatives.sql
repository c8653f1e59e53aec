-- Negatives: the anchor's first $negatives outsiders that are neither copies of it nor already
-- its hard negatives.
--
-- Few candidates fall out, so the rest are not counted anew: a rank is the step less the
-- candidates that fell out before it.
CREATE TABLE negative AS
WITH out AS (
    SELECT anchor, step FROM outsider WHERE is_copy
    UNION
    SELECT anchor, step FROM outsider JOIN hard_negative USING (anchor, partner)
),
out_steps AS (
    SELECT anchor, list(step) AS steps FROM out GROUP BY anchor
)
SELECT
    anchor, partner,
    (step + 1 - len(coalesce(list_filter(steps, lambda other: other < step), [])))::INTEGER
        AS rank
FROM outsider LEFT JOIN out_steps USING (anchor)
WHERE rank <= $negatives AND NOT coalesce(list_contains(steps, step), false)
