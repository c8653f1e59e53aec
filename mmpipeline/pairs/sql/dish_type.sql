-- Dishes as a type, so that tables hold a dish as a small number.
CREATE TYPE dish_name AS ENUM (
    SELECT DISTINCT dish
    FROM catalog
    WHERE dish IS NOT NULL
    ORDER BY dish
)
