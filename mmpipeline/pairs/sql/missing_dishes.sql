-- The dishes that the config names and the catalogue lacks.
SELECT wanted
FROM (SELECT DISTINCT unnest($dishes::VARCHAR[]) AS wanted)
WHERE wanted NOT IN (SELECT unnest(enum_range(NULL::dish_name))::VARCHAR)
ORDER BY wanted
