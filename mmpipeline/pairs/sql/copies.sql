-- The recipes that have a copy in the table of recipes, each with the first one of its group.
SELECT own.recipe_id, first_copy.recipe_id AS first_recipe_id
FROM recipe AS own JOIN recipe AS first_copy ON first_copy.id = own.copies
WHERE own.copies IN (SELECT copies FROM recipe WHERE copies <> id)
ORDER BY own.id
