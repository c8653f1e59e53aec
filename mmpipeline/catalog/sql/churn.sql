-- How many rows lie outside of the first segment or have left it, and how many there are.
SELECT
    (SELECT count(*) FROM incoming)
        - (SELECT count(*) FROM kept JOIN incoming USING (recipe_id))
        + (SELECT count(*) FROM kept WHERE segment > 0)
        + (SELECT count(*) FROM base_rows)
        - (SELECT count(*) FROM kept WHERE segment = 0) AS churn,
    (SELECT count(*) FROM incoming)
        + (SELECT count(*) FROM kept)
        - (SELECT count(*) FROM kept JOIN incoming USING (recipe_id)) AS total
