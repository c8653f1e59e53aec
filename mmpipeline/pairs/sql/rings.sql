-- Rings to walk along, each with the classes that a walk may have to skip.
--
-- An even ring holds a split's labelled recipes, its classes are dishes: labelled anchors take
-- their partners here, because an unlabelled recipe might be of their own dish. An odd ring holds
-- all of a split's recipes, its classes are duplicate groups: for unlabelled anchors. With
-- $whole_only the rings hold only recipes with both photo and text, for swaps.
--
-- `place` counts ring after ring, and from `ring_start` along a ring; `seat` counts class after
-- class, and from `class_start` along a class; both go in ring order. `gap` is the number of
-- recipes of other classes that stand before this one on its ring.
CREATE OR REPLACE TABLE ring AS
WITH member AS (
    SELECT enum_code(split) * 2 AS ring, enum_code(dish)::INTEGER AS class, id, copies
    FROM recipe
    WHERE dish IS NOT NULL AND (is_whole OR NOT $whole_only)
    UNION ALL
    SELECT enum_code(split) * 2 + 1, copies, id, copies
    FROM recipe
    WHERE (is_whole OR NOT $whole_only)
        AND split IN (SELECT split FROM recipe WHERE dish IS NULL)
),
placed AS (
    SELECT
        ring, class, id, copies,
        (row_number() OVER (ORDER BY ring, id) - 1)::INTEGER AS place,
        (row_number() OVER (ORDER BY ring, class, id) - 1)::INTEGER AS seat
    FROM member
),
block AS (
    SELECT ring, class, min(seat) AS class_start, count(*)::INTEGER AS class_size
    FROM placed
    GROUP BY ring, class
),
circle AS (
    SELECT ring, min(place) AS ring_start, count(*)::INTEGER AS ring_size
    FROM placed
    GROUP BY ring
)
SELECT
    ring, class, id, copies, place, ring_start, ring_size, seat, class_start, class_size,
    (place - ring_start) - (seat - class_start) AS gap
FROM placed JOIN circle USING (ring) JOIN block USING (ring, class)
