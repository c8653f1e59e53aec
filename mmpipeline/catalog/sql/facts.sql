-- What later catalogues need to know of the recipes that were read.
CREATE TABLE facts AS
SELECT
    folded.* EXCLUDE (title, ingredients, instructions),
    contents.content_hash,
    contents.has_body,
    names.* EXCLUDE (recipe_id),
    mined.* EXCLUDE (recipe_id)
FROM folded
JOIN contents USING (recipe_id)
LEFT JOIN names USING (recipe_id)
LEFT JOIN mined USING (recipe_id)
ORDER BY recipe_id
