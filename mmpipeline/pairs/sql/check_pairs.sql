-- Does training get both labels: positives and all pairs of the train split.
SELECT count(*) FILTER (pair_kind.label = 1), count(*)
FROM slot
JOIN anchor ON anchor.id = slot.anchor
JOIN pair_kind ON slot.slot BETWEEN pair_kind.first_slot AND pair_kind.last_slot
WHERE anchor.split = 'train'
