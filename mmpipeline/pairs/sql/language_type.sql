-- Languages as a type, so that tables hold a language as a small number.
CREATE TYPE language_name AS ENUM (
    SELECT DISTINCT language
    FROM catalog
    ORDER BY language
)
