-- The recipes that pairs start from: those with at least one positive.
--
-- A positive is the own photo beside the own text, or another recipe of the dish in the split.
-- $max_anchors_per_dish keeps the first ones along the dish's ring.
-- `foreign_copies`: copies of the recipe under another dish, which negatives skip; 64 at most, so
-- that a group of thousands costs no square.
-- `ring`: the ring on which the anchor finds its partners.
CREATE TABLE anchor AS
WITH candidate AS (
    SELECT
        recipe.id, recipe.split, recipe.dish, recipe.copies, recipe.is_whole,
        row_number() OVER (PARTITION BY recipe.split, recipe.dish ORDER BY recipe.id) AS number
    FROM recipe LEFT JOIN ring ON ring.id = recipe.id AND ring.ring % 2 = 0
    WHERE recipe.is_whole OR ring.class_size > 1
),
copied AS (
    SELECT copies, split, dish, count(*) AS members
    FROM recipe
    WHERE copies IN (SELECT copies FROM recipe WHERE copies <> id)
    GROUP BY copies, split, dish
),
foreign_copied AS (
    SELECT own.copies, own.split, own.dish, least(sum(other.members), 64)::INTEGER AS foreign_copies
    FROM copied AS own JOIN copied AS other USING (copies, split)
    WHERE other.dish <> own.dish
    GROUP BY own.copies, own.split, own.dish
)
SELECT
    id, split, dish, copies, is_whole,
    coalesce(foreign_copies, 0) AS foreign_copies,
    enum_code(split) * 2 + (dish IS NULL)::INTEGER AS ring
FROM candidate LEFT JOIN foreign_copied USING (copies, split, dish)
WHERE dish IS NULL OR number <= $max_anchors_per_dish
ORDER BY id
