-- How long chosen and rejected answers are, in words: a gap lets a model learn length instead of truth.
-- column gap: Mean words of the chosen minus mean words of the rejected.
-- check: unique recipe, adv_mode

SELECT
    recipe,
    adv_mode,
    count(*) AS pairs,
    avg(len(string_split_regex(trim(chosen), '\s+'))) AS chosen_words,
    avg(len(string_split_regex(trim(rejected), '\s+'))) AS rejected_words,
    chosen_words - rejected_words AS gap
FROM verified_pairs
WHERE error IS NULL
GROUP BY recipe, adv_mode
ORDER BY recipe, adv_mode
