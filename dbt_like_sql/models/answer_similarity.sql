-- How alike chosen and rejected are: nearly equal answers teach one word, unlike ones teach style.
-- column word_overlap: Mean share of common words.
-- column low_overlap: Tenth percentile of it.
-- column high_overlap: Ninetieth percentile of it.
-- column nearly_equal: Share of pairs whose answers have the same words.
-- column unlike: Share of pairs with less than a tenth of their words in common.
-- column pairs: Verified pairs.
-- column edit_similarity: Mean Jaro-Winkler similarity: 1 is equal.
-- check: unique recipe, adv_mode, adv_strategy
-- check: holds low_overlap <= high_overlap AND nearly_equal BETWEEN 0 AND 1 AND unlike BETWEEN 0 AND 1

SELECT
    recipe,
    adv_mode,
    adv_strategy,
    count(*) AS pairs,
    round(avg(word_overlap), 9) AS word_overlap,
    quantile_cont(word_overlap, 0.1) AS low_overlap,
    quantile_cont(word_overlap, 0.9) AS high_overlap,
    round(avg(edit_similarity), 9) AS edit_similarity,
    count(*) FILTER (word_overlap = 1) / count(*) AS nearly_equal,
    count(*) FILTER (word_overlap < 0.1) / count(*) AS unlike
FROM pair_texts
GROUP BY recipe, adv_mode, adv_strategy
ORDER BY recipe, adv_mode, adv_strategy
