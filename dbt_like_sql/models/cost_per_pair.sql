-- What each role spent, and what that is for one verified pair.
-- column role: Who spent it; the responder's adversaries are counted apart.
-- column calls: Replies that were recorded; rows that were replaced since are not counted.
-- column seconds: Engine seconds, a batch's time shared by its rows.
-- check: unique recipe, role
-- check: holds calls >= 0 AND coalesce(seconds, 0) >= 0

WITH spent AS (
    SELECT recipe, 'query writer' AS role, prompt_tokens, completion_tokens, seconds FROM queries
    UNION ALL
    SELECT recipe, 'responder, aligned' AS role, prompt_tokens, completion_tokens, seconds FROM aligned_responses
    UNION ALL
    SELECT recipe, 'check of aligned' AS role, prompt_tokens, completion_tokens, seconds FROM aligned_checks
    UNION ALL
    SELECT recipe, 'responder, adversaries' AS role, prompt_tokens, completion_tokens, seconds FROM adversaries
    UNION ALL
    SELECT recipe, 'verifier' AS role, prompt_tokens, completion_tokens, seconds FROM verdicts WHERE seconds IS NOT NULL
),
accepted AS (
    SELECT recipe, count(*) AS pairs FROM verified_pairs WHERE error IS NULL GROUP BY recipe
)
SELECT
    spent.recipe,
    role,
    count(*) AS calls,
    sum(prompt_tokens)::BIGINT AS prompt_tokens,
    sum(completion_tokens)::BIGINT AS completion_tokens,
    round(sum(seconds), 6) AS seconds,
    any_value(pairs) AS pairs,
    sum(prompt_tokens + completion_tokens) / nullif(any_value(pairs), 0) AS tokens_per_pair,
    round(sum(seconds) / nullif(any_value(pairs), 0), 6) AS seconds_per_pair
FROM spent
LEFT JOIN accepted ON accepted.recipe = spent.recipe
GROUP BY spent.recipe, role
ORDER BY spent.recipe, role
