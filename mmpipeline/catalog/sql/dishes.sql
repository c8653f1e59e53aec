-- The dishes that recipes are labelled with. A share of them is held out of training altogether;
-- which ones follows from the seed and the dish alone, so it never changes as the data grow.
CREATE TABLE dishes AS
WITH counted AS (
    SELECT dish, count(*) AS recipes, mode(name ORDER BY name) AS name FROM labels GROUP BY dish
)
SELECT
    dish,
    CASE WHEN starts_with(dish, 'ko:') THEN name ELSE known.name_ko END AS name_ko,
    CASE WHEN starts_with(dish, 'en:') THEN name ELSE known.name_en END AS name_en,
    recipes,
    CASE
        WHEN share_of($seed, 'dish', dish) < $unknown_dish_share THEN 'unknown' ELSE 'known'
    END AS dish_set
FROM counted LEFT JOIN dictionary AS known USING (dish)
ORDER BY dish
