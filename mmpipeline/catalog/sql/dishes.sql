-- The dishes that recipes are labelled with. A share of them is held out of training altogether;
-- which ones follows from the seed and the dish alone, so it never changes as the data grow.
CREATE TABLE dishes AS
WITH counted AS (
    SELECT
        dish,
        count(*) AS recipes,
        mode(name ORDER BY name) FILTER (regexp_matches(name, '[가-힣]')) AS korean,
        mode(name ORDER BY name) FILTER (NOT regexp_matches(name, '[가-힣]')) AS english,
    FROM labels GROUP BY dish
)
SELECT
    dish,
    coalesce(known.name_ko, korean) AS name_ko,
    coalesce(known.name_en, english) AS name_en,
    recipes,
    CASE
        WHEN share_of($seed, 'dish', dish) < $unknown_dish_fraction THEN 'unknown' ELSE 'known'
    END AS dish_set
FROM counted LEFT JOIN dictionary AS known USING (dish)
ORDER BY dish
