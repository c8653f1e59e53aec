-- How much an anchor weighs, by dish: the sampling weight that evens out the classes.
--
-- Anchors of a dish with n anchors weigh n ^ -$class_balance, scaled to a mean of 1 over the
-- split's labelled anchors. Unlabelled anchors weigh 1. The sum is taken in a fixed order: added
-- up in another one it could differ in its last digit.
CREATE TABLE dish_weight AS
WITH dish_size AS (
    SELECT split, dish, count(*) AS anchors
    FROM anchor
    WHERE dish IS NOT NULL
    GROUP BY split, dish
),
scale AS (
    SELECT
        split,
        sum(anchors) / sum(anchors * pow(anchors, -$class_balance) ORDER BY dish) AS factor
    FROM dish_size
    GROUP BY split
)
SELECT split, dish, (pow(anchors, -$class_balance) * factor)::FLOAT AS weight
FROM dish_size JOIN scale USING (split)
