-- A dish that two languages name apart gets one label.
UPDATE labels SET dish = joined.korean FROM joined WHERE labels.dish = joined.english
