-- The pairs in the order of the pair table: along the ring, the pairs of an anchor by slot.
SELECT anchor, partner, slot
FROM slot
ORDER BY anchor, slot
