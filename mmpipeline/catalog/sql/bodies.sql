-- The words of each recipe that has enough of them to be compared.
SELECT recipe_id, trim(title || ' ' || ingredients || ' ' || instructions) AS body
FROM folded
WHERE length(ingredients) + length(instructions) >= 40
