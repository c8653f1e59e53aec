-- What each recipe says: letters and digits of title, ingredients and steps, in lower case.
SELECT
    recipe_id,
    source_partition,
    fold(coalesce(title, '')) AS title,
    fold(array_to_string([line.text FOR line IN ingredients], ' ')) AS ingredients,
    fold(array_to_string(instructions, ' ')) AS instructions
FROM recipes
