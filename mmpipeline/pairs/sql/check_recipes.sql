-- Is there something to pair: recipes, different ids, dishes, and labelled recipes.
SELECT count(*), count(DISTINCT recipe_id), count(DISTINCT dish), count(dish)
FROM recipe
