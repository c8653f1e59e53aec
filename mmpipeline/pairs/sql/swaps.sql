-- Partners for swaps: the anchor's first outsiders with photo and text that are no copies of it.
--
-- Where the next outsider is whole, it is the partner of the first plain negative too: the anchor
-- meets it as a whole, with its photo only, and with its text only.
CREATE TABLE swap AS
SELECT
    anchor, partner, (row_number() OVER (PARTITION BY anchor ORDER BY step))::INTEGER AS rank
FROM outsider
WHERE NOT is_copy
QUALIFY rank <= greatest($image_swaps, $text_swaps)
