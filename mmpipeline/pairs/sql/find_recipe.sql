-- The one recipe of a catalogue that an id means.
SELECT title, dish, dish_set, split
FROM catalog
WHERE recipe_id = $recipe_id
