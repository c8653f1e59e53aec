-- Recipes that are what they were: of a source that is the same, or with an equal row.
INSERT INTO kept BY NAME
SELECT known.*
FROM known
LEFT JOIN same_doors ON same_doors.door = known.door
LEFT JOIN incoming ON incoming.recipe_id = known.recipe_id
    AND incoming.door = known.door
    AND incoming.row_hash = known.row_hash
WHERE same_doors.door IS NOT NULL OR incoming.recipe_id IS NOT NULL
