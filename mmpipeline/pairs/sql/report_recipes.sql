-- Report: what became of the catalogue's recipes.
WITH catalogue AS (
    SELECT
        count(*) AS catalogue_recipes,
        count(*) FILTER (split = 'excluded') AS excluded,
        count(*) FILTER (split = 'train' AND dish IS NOT NULL AND dish_set = 'unknown')
            AS held_out_in_train,
        count(*) FILTER (
            len($dishes::VARCHAR[]) > 0 AND split <> 'excluded'
            AND NOT coalesce(list_contains($dishes::VARCHAR[], dish), false)
            AND NOT (split = 'train' AND dish IS NOT NULL
                AND coalesce(dish_set, '') = 'unknown')
        ) AS not_in_dish_list
    FROM catalog
)
SELECT
    catalogue_recipes,
    excluded,
    held_out_in_train,
    not_in_dish_list,
    catalogue_recipes - excluded - held_out_in_train - not_in_dish_list
        - (SELECT count(*) FROM recipe) AS without_content,
    (SELECT count(*) FROM recipe) AS recipes,
    (SELECT count(dish) FROM recipe) AS labelled,
    (SELECT count(*) FROM recipe WHERE NOT has_image) AS without_image,
    (SELECT count(*) FROM anchor) AS anchors
FROM catalogue
