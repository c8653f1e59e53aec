-- The dishes that share most ingredients with a dish, nearest first.
--
-- Nearness is the cosine of the two ingredient sets: shared / sqrt(own count * other's count).
-- Ties go by the md5 of both names, which no new recipe moves.
CREATE TABLE look_alike AS
WITH size AS (
    SELECT split, dish, count(*) AS names FROM profile GROUP BY split, dish
),
overlap AS (
    SELECT a.split, a.dish, b.dish AS other, count(*) AS shared
    FROM profile AS a
    JOIN profile AS b USING (split, language, name)
    WHERE a.dish <> b.dish
    GROUP BY a.split, a.dish, b.dish
)
SELECT
    overlap.split, overlap.dish, overlap.other,
    (row_number() OVER nearest - 1)::INTEGER AS position
FROM overlap
JOIN size AS own ON own.split = overlap.split AND own.dish = overlap.dish
JOIN size AS theirs ON theirs.split = overlap.split AND theirs.dish = overlap.other
WINDOW nearest AS (
    PARTITION BY overlap.split, overlap.dish
    ORDER BY
        shared / sqrt(own.names * theirs.names) DESC,
        md5(concat(overlap.dish, ':', overlap.other))
)
QUALIFY position < $look_alike_dishes
