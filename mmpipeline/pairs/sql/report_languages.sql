-- Report: pairs by label and by the languages of anchor and right-hand text.
SELECT
    concat(left_language, '-', right_language) AS language_pair, label,
    sum(pairs)::BIGINT AS pairs
FROM pair_count
GROUP BY language_pair, label
ORDER BY language_pair, label DESC
