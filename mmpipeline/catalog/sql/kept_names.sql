-- The names found earlier in recipes that are what they were.
INSERT INTO names BY NAME
SELECT
    recipe_id, page_dish, page_confidence, name_key, name, title_dish, title_confidence, title_end
FROM kept
WHERE language IN ('ko', 'en');

INSERT INTO mined BY NAME
SELECT recipe_id, mined_dish, mined_confidence, mined_name FROM kept WHERE mined_dish NOT NULL
