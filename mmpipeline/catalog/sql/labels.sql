-- One dish for each recipe that has one. A scraped page's own name comes first, if the dictionary
-- knows it or if it is frequent enough to be a dish of its own; then what the dictionary found in
-- the title; then Recipe1M's class, which is coarser; then a name mined from titles.
CREATE TABLE labels AS
WITH frequent AS (
    SELECT name_key FROM names
    WHERE page_dish IS NULL AND name_key IS NOT NULL
    GROUP BY name_key HAVING count(*) >= $min_dish_recipes
), given AS (
    SELECT
        names.*,
        coalesce(page_dish, frequent.name_key) AS given_dish,
        CASE WHEN page_dish IS NULL THEN name END AS given_name,
        starts_with(recipe_id, 'r1m:') AS is_class,
    FROM names LEFT JOIN frequent USING (name_key)
), chosen AS (
    SELECT
        *,
        CASE
            WHEN given_dish IS NOT NULL AND NOT is_class THEN 'page'
            WHEN title_dish IS NOT NULL THEN 'title'
            WHEN given_dish IS NOT NULL THEN 'class'
            WHEN mined_dish IS NOT NULL THEN 'mined'
        END AS dish_source
    FROM given LEFT JOIN mined USING (recipe_id)
)
SELECT
    recipe_id,
    CASE dish_source WHEN 'title' THEN title_dish WHEN 'mined' THEN mined_dish ELSE given_dish END
        AS dish,
    CASE dish_source
        WHEN 'page' THEN coalesce(page_confidence, 0.9)
        WHEN 'title' THEN title_confidence
        WHEN 'class' THEN 0.7
        ELSE mined_confidence
    END AS dish_confidence,
    dish_source,
    CASE dish_source WHEN 'title' THEN NULL WHEN 'mined' THEN mined_name ELSE given_name END AS name
FROM chosen
WHERE dish_source IS NOT NULL
