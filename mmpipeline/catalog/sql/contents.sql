-- What each recipe says, as a hash. Parts are kept apart, so that moving a line from one to another
-- is a difference. has_body tells whether there is enough beside the title to call an equal hash a
-- copy.
CREATE TABLE contents AS
SELECT
    recipe_id,
    source_partition,
    sha256(title || chr(10) || ingredients || chr(10) || instructions) AS content_hash,
    length(ingredients) + length(instructions) >= 40 AS has_body,
    photos
FROM folded
UNION ALL BY NAME
SELECT recipe_id, source_partition, content_hash, has_body, photos FROM kept
