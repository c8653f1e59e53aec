-- Hard negatives: the anchor's next recipes on the rings of its look-alike dishes.
--
-- Look-alikes take turns: hard negative h comes from number h modulo their count. The ASOF join
-- finds the first recipe of that dish at or after the anchor's place on the ring; where none
-- follows, the walk goes on from the ring's start. Copies of the anchor are left out.
CREATE TABLE hard_negative AS
WITH block AS (
    SELECT DISTINCT ring // 2 AS split_code, class, class_start, class_size
    FROM ring
    WHERE ring % 2 = 0
),
kin AS (
    SELECT split, dish, count(*)::INTEGER AS dishes FROM look_alike GROUP BY split, dish
),
source AS (
    SELECT
        split, dish, step.number AS step, step.number // dishes AS further,
        class_start, class_size
    FROM kin
    CROSS JOIN (SELECT unnest(range($hard_negatives))::INTEGER AS number) AS step
    JOIN look_alike USING (split, dish)
    JOIN block
        ON block.split_code = enum_code(split) AND block.class = enum_code(look_alike.other)
    WHERE look_alike.position = step.number % dishes
),
wanted AS (
    SELECT
        anchor.id AS anchor, anchor.copies, step, class_start, class_size, further
    FROM anchor JOIN source USING (split, dish)
    WHERE further < class_size
),
ahead AS (
    SELECT
        wanted.*, coalesce(ring.seat, wanted.class_start) - wanted.class_start AS turn
    FROM wanted ASOF LEFT JOIN ring
        ON wanted.class_start = ring.class_start AND wanted.anchor <= ring.id
)
SELECT ahead.anchor, other.id AS partner, ahead.step + 1 AS rank
FROM ahead
JOIN ring AS other
    ON other.seat = ahead.class_start + (ahead.turn + ahead.further) % ahead.class_size
WHERE other.copies <> ahead.copies
