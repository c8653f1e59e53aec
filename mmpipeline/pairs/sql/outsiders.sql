-- The recipes outside the anchor's class that follow it on its ring: candidates for negatives.
--
-- Outsiders are numbered as they pass along the ring: `gap` of them stand before the anchor, so
-- the next have numbers gap, gap + 1, ... modulo their count. Outsider number t stands t +
-- (class members passed before it) places from the ring's start; those members end with the last
-- one whose gap is at most t, which the ASOF join finds. No class, however large, makes the walk
-- longer. The candidates are $candidates and as many more as the anchor has foreign copies.
CREATE OR REPLACE TABLE outsider AS
WITH wanted AS (
    SELECT
        anchor.id AS anchor, anchor.copies, class_start, ring_start,
        step.number AS step,
        (gap + step.number) % (ring_size - class_size) AS target
    FROM anchor JOIN ring ON ring.id = anchor.id AND ring.ring = anchor.ring
    JOIN (
        SELECT unnest(range($candidates + (SELECT max(foreign_copies) FROM anchor)))::INTEGER
            AS number
    ) AS step
        ON step.number < least(ring_size - class_size, $candidates + foreign_copies)
),
passed AS (
    SELECT class_start, gap, max(seat) - class_start + 1 AS members
    FROM ring
    GROUP BY class_start, gap
),
found AS (
    SELECT wanted.*, ring_start + target + coalesce(passed.members, 0) AS place
    FROM wanted ASOF LEFT JOIN passed
        ON wanted.class_start = passed.class_start AND wanted.target >= passed.gap
)
SELECT
    found.anchor, ring.id AS partner, found.step, ring.copies = found.copies AS is_copy
FROM found JOIN ring USING (place)
