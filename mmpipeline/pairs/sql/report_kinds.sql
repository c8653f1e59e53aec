-- Report: pairs by split and kind; a kind without pairs has a row too.
SELECT split::VARCHAR AS split, kind, label, coalesce(sum(pairs), 0)::BIGINT AS pairs
FROM (SELECT unnest(enum_range(NULL::split_name)) AS split)
CROSS JOIN pair_kind
LEFT JOIN pair_count USING (split, kind, label)
GROUP BY split, kind, label, first_slot
ORDER BY split, first_slot
