-- The dishes in the order they are written in.
SELECT dish, name_ko, name_en, recipes, dish_set FROM dishes ORDER BY dish
