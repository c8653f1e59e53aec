-- The recipes that may take part in pairs, numbered along one hash ring a split.
--
-- `place_key` is the recipe's place on the ring: half of the md5 of seed and id, so it depends on
-- nothing but the two. `id` numbers the recipes in ring order, split by split; all later tables
-- carry that number, and names are put back at the very end. `copies` names the duplicate group
-- by its first recipe.
--
-- Left out: recipes that link sides of the split, recipes with neither photo nor text, and recipes
-- of held-out dishes in train. In val and test held-out dishes take part like any other. Where
-- $dishes names some, only their recipes take part.
CREATE TABLE recipe AS
WITH described AS (
    SELECT
        recipe_id,
        split::split_name AS split,
        dish::dish_name AS dish,
        language::language_name AS language,
        group_id,
        md5_number_upper($seed || ':' || recipe_id) AS place_key,
        coalesce(images[1].sha256 IS NOT NULL, false) AS has_image,
        title IS NOT NULL OR len(ingredients) > 0 OR len(instructions) > 0 AS has_text
    FROM catalog
    WHERE split <> 'excluded'
        AND NOT (split = 'train' AND dish IS NOT NULL AND dish_set = 'unknown')
        AND (len($dishes::VARCHAR[]) = 0 OR list_contains($dishes::VARCHAR[], dish))
),
numbered AS (
    SELECT
        (row_number() OVER (ORDER BY split, place_key, recipe_id) - 1)::INTEGER AS id,
        *
    FROM described
    WHERE has_image OR has_text
),
copied AS (
    SELECT group_id, min(id) AS first_id
    FROM numbered
    GROUP BY group_id
    HAVING count(*) > 1
)
SELECT
    id, recipe_id, split, dish, language, place_key, has_image, has_text,
    has_image AND has_text AS is_whole,
    coalesce(copied.first_id, id) AS copies
FROM numbered LEFT JOIN copied USING (group_id)
ORDER BY id
