-- A recipe without a label takes the one that most of its copies have; of equally many the surer.
INSERT INTO labels
WITH votes AS (
    SELECT group_id, dish, count(*) AS votes, max(dish_confidence) AS dish_confidence
    FROM labels JOIN copy_groups USING (recipe_id)
    GROUP BY ALL
), winners AS (
    SELECT group_id, dish, dish_confidence
    FROM votes
    QUALIFY row_number() OVER (
        PARTITION BY group_id ORDER BY votes DESC, dish_confidence DESC, dish
    ) = 1
)
SELECT recipe_id, dish, dish_confidence, 'copy' AS dish_source, NULL AS name
FROM copy_groups JOIN winners USING (group_id)
WHERE recipe_id NOT IN (SELECT recipe_id FROM labels)
