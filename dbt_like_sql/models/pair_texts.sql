-- Each pair's two answers as texts: their lengths, and how much they have in common.
-- view
-- column chosen_words: Words of the chosen answer.
-- column rejected_words: Words of the rejected answer.
-- column word_overlap: Words in both / words in either (Jaccard), without case and punctuation.
-- column edit_similarity: Jaro-Winkler similarity of the two texts: 1 is equal.
-- column chosen_characters: Characters of the chosen answer.
-- column rejected_characters: Characters of the rejected answer.
-- check: unique recipe, iteration, pair_id
-- check: refers pair_id -> adversaries.adversary_id
-- check: refers query_id -> queries.query_id
-- check: holds word_overlap BETWEEN 0 AND 1 AND edit_similarity BETWEEN 0 AND 1
-- check: holds chosen_words > 0 AND rejected_words > 0

WITH worded AS (
    SELECT
        recipe, shard, iteration, pair_id, query_id, video_id, adv_mode, adv_strategy, chosen, rejected,
        list_filter(string_split_regex(lower(chosen), '[^\p{L}\p{N}]+'), lambda word: word <> '') AS chosen_list,
        list_filter(string_split_regex(lower(rejected), '[^\p{L}\p{N}]+'), lambda word: word <> '') AS rejected_list
    FROM verified_pairs
    WHERE error IS NULL
)
SELECT
    recipe, shard, iteration, pair_id, query_id, video_id, adv_mode, adv_strategy,
    len(string_split_regex(trim(chosen), '\s+')) AS chosen_words,
    len(string_split_regex(trim(rejected), '\s+')) AS rejected_words,
    length(chosen) AS chosen_characters,
    length(rejected) AS rejected_characters,
    coalesce(
        len(list_intersect(chosen_list, rejected_list))
        / nullif(len(list_distinct(list_concat(chosen_list, rejected_list))), 0),
        0
    ) AS word_overlap,
    jaro_winkler_similarity(lower(chosen), lower(rejected)) AS edit_similarity
FROM worded
