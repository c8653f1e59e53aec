-- What each recipe says: letters and digits of title, ingredients and steps, in lower case; beside
-- them what is known of the whole row.
SELECT
    recipe_id,
    door,
    row_hash,
    source,
    source_partition,
    language,
    fold(coalesce(title, '')) AS title,
    fold(array_to_string([line.text FOR line IN ingredients], ' ')) AS ingredients,
    fold(array_to_string(instructions, ' ')) AS instructions,
    list_sort(list_distinct([image.sha256 FOR image IN images IF image.sha256 IS NOT NULL]))
        AS photos,
    len([image FOR image IN images IF image.path IS NOT NULL]) > 0 AS has_photo,
    length(title) AS title_length,
    len(ingredients) AS ingredient_lines,
    len(instructions) AS instruction_lines,
    length(array_to_string(instructions, ' ')) AS instruction_length
FROM recipes
