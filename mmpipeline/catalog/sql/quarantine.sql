-- The defects of all sources together.
SELECT source, recipe_id, place, field, reason, detail
FROM quarantine_rows
ORDER BY source, place, recipe_id, field, reason, detail
