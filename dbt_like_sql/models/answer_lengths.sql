-- How long chosen and rejected answers are: a gap lets a model learn length instead of truth.
-- column gap: Mean words of the chosen minus mean words of the rejected.
-- column median_ratio: Median of chosen words / rejected words, pair by pair.
-- column chosen_longer: Share of pairs whose chosen answer has more words: 0.5 teaches no length.
-- column chosen_characters: Mean characters of the chosen.
-- column pairs: Verified pairs.
-- column chosen_words: Mean words of the chosen.
-- column rejected_words: Mean words of the rejected.
-- column rejected_characters: Mean characters of the rejected.
-- check: unique recipe, adv_mode
-- check: holds chosen_longer BETWEEN 0 AND 1 AND chosen_words > 0 AND rejected_words > 0

SELECT
    recipe,
    adv_mode,
    count(*) AS pairs,
    avg(chosen_words) AS chosen_words,
    avg(rejected_words) AS rejected_words,
    avg(chosen_words - rejected_words) AS gap,
    median(chosen_words / rejected_words) AS median_ratio,
    count(*) FILTER (chosen_words > rejected_words) / count(*) AS chosen_longer,
    avg(chosen_characters) AS chosen_characters,
    avg(rejected_characters) AS rejected_characters
FROM pair_texts
GROUP BY recipe, adv_mode
ORDER BY recipe, adv_mode
