-- Dishes that the dictionary lacks, and how many recipes have each.
SELECT dish, count(*) FROM labels WHERE regexp_matches(dish, '^(ko|en):') GROUP BY dish
