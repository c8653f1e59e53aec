-- The kinds of pairs, and where each lies among the slots of an anchor.
--
-- The slots are fixed, so that a pair keeps its id when the config asks for more of another kind.
CREATE TABLE pair_kind AS
SELECT
    kind, label::TINYINT AS label, first_slot::UTINYINT AS first_slot,
    last_slot::UTINYINT AS last_slot
FROM (VALUES
    ('positive_recipe', 1, 0, 0),
    ('positive_dish', 1, 1, 64),
    ('negative_both', 0, 65, 128),
    ('negative_image', 0, 129, 144),
    ('negative_text', 0, 145, 160),
    ('negative_hard', 0, 161, 224)
) AS listed (kind, label, first_slot, last_slot)
