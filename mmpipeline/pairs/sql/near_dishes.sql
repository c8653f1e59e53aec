-- The dishes nearest to a dish in an earlier model's embedding, nearest first.
--
-- In the place of `look_alikes.sql` where an embedding is given. Ties go by the md5 of both names.
CREATE TABLE look_alike AS
SELECT
    split::split_name AS split, dish::dish_name AS dish, other::dish_name AS other,
    (row_number() OVER (
        PARTITION BY split, dish
        ORDER BY cosine DESC, md5(concat(dish, ':', other))
    ) - 1)::INTEGER AS position
FROM dish_nearness
QUALIFY position < $look_alike_dishes
