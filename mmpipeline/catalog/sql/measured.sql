-- What the quality report counts: a few short columns a recipe.
CREATE VIEW measured AS
SELECT known.*, derived.* EXCLUDE (recipe_id, content_hash)
FROM derived JOIN (
    SELECT
        recipe_id, source, language, has_photo, title_length, ingredient_lines, instruction_lines,
        instruction_length
    FROM facts
    UNION ALL BY NAME
    SELECT
        recipe_id, source, language, has_photo, title_length, ingredient_lines, instruction_lines,
        instruction_length
    FROM kept
) AS known USING (recipe_id)
