-- Positives of the same dish: the anchor's next $positives recipes on its dish's ring.
--
-- A class of n recipes gives n - 1 at most; a class of one gives none.
CREATE TABLE positive AS
SELECT anchor.id AS anchor, other.id AS partner, step.number AS rank
FROM anchor
JOIN ring AS own ON own.id = anchor.id AND own.ring % 2 = 0
JOIN (SELECT unnest(range(1, $positives + 1))::INTEGER AS number) AS step
    ON step.number < own.class_size
JOIN ring AS other
    ON other.seat
        = own.class_start + (own.seat - own.class_start + step.number) % own.class_size
