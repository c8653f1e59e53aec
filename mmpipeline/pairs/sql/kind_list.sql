-- The kinds of pairs in the order of their slots.
SELECT kind, label, first_slot
FROM pair_kind
ORDER BY first_slot
