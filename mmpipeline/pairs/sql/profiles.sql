-- What each dish is made of: the ingredients that at least $core_fraction of its recipes name.
--
-- Per language, so that a dish held in two languages is compared in both. An ingredient of more
-- than $common_fraction of the dishes (salt, water) tells none apart and is left out. Only a
-- split's own recipes count, so nothing of val or test reaches train.
CREATE TABLE profile AS
WITH line AS (
    SELECT
        split::split_name AS split, dish::dish_name AS dish, language::language_name AS language,
        unnest(list_distinct(list_transform(ingredients, lambda entry: lower(entry.name))))
            AS name
    FROM catalog
    WHERE dish IS NOT NULL AND split <> 'excluded'
        AND NOT (split = 'train' AND dish_set = 'unknown')
),
dish_size AS (
    SELECT split, dish, language, count(*) AS recipes
    FROM recipe
    WHERE dish IS NOT NULL
    GROUP BY split, dish, language
),
mention AS (
    SELECT split, dish, language, name, count(*) AS recipes
    FROM line
    GROUP BY split, dish, language, name
),
core AS (
    SELECT split, dish, language, name
    FROM mention JOIN dish_size USING (split, dish, language)
    WHERE mention.recipes >= dish_size.recipes * $core_fraction
),
dish_count AS (
    SELECT split, count(DISTINCT dish) AS dishes FROM dish_size GROUP BY split
)
SELECT split, dish, language, name
FROM core JOIN dish_count USING (split)
QUALIFY count(*) OVER (PARTITION BY split, language, name) <= greatest(2, dishes * $common_fraction)
