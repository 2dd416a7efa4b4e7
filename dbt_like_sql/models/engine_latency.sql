-- How quickly each role's model answers, and how often it fails.
-- column failed: Calls that ended in an error row.
-- column median_seconds: Half of the calls took less; a batch's time is shared by its rows.
-- column p95_seconds: 95 of 100 calls took less.
-- column tokens_per_second: Completion tokens an engine second.
-- column calls: Replies that were recorded, failed ones included.
-- column most_seconds: The longest call.
-- column prompt_tokens: Mean tokens of a prompt.
-- column completion_tokens: Mean tokens of a reply.
-- column cached_share: Of the prompts' tokens, the share that was not computed again because an earlier prompt began alike; null where no engine says.
-- check: unique recipe, role, model
-- check: holds failed <= calls AND median_seconds <= p95_seconds AND p95_seconds <= most_seconds
-- check: holds cached_share IS NULL OR cached_share BETWEEN 0 AND 1

SELECT
    recipe,
    role,
    model,
    count(*) AS calls,
    count(*) FILTER (error IS NOT NULL) AS failed,
    quantile_cont(seconds, 0.5) AS median_seconds,
    quantile_cont(seconds, 0.95) AS p95_seconds,
    max(seconds) AS most_seconds,
    avg(prompt_tokens) AS prompt_tokens,
    avg(completion_tokens) AS completion_tokens,
    round(sum(completion_tokens) / nullif(sum(seconds), 0), 6) AS tokens_per_second,
    sum(cached_tokens) / nullif(sum(calls.prompt_tokens) FILTER (cached_tokens IS NOT NULL), 0) AS cached_share
FROM calls
GROUP BY recipe, role, model
ORDER BY recipe, role, model
