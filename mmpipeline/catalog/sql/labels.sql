-- One dish for each recipe that has one: the page's own name if the dictionary knows it, or if it
-- is frequent enough to be a dish of its own; else what the dictionary found in the title.
CREATE TABLE labels AS
WITH frequent AS (
    SELECT name_key FROM names
    WHERE page_dish IS NULL AND name_key IS NOT NULL
    GROUP BY name_key HAVING count(*) >= $min_dish_recipes
)
SELECT
    recipe_id,
    coalesce(page_dish, frequent.name_key, title_dish) AS dish,
    CASE
        WHEN page_dish IS NOT NULL THEN page_confidence
        WHEN frequent.name_key IS NOT NULL THEN 0.9
        ELSE title_confidence
    END AS dish_confidence,
    CASE
        WHEN page_dish IS NOT NULL OR frequent.name_key IS NOT NULL THEN 'page' ELSE 'title'
    END AS dish_source,
    CASE WHEN page_dish IS NULL AND frequent.name_key IS NOT NULL THEN name END AS name
FROM names LEFT JOIN frequent USING (name_key)
WHERE coalesce(page_dish, frequent.name_key, title_dish) IS NOT NULL
