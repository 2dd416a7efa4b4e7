-- How quickly each role's model answers, and how often it fails.
-- column failed: Calls that ended in an error row.
-- column median_seconds: Half of the calls took less; a batch's time is shared by its rows.
-- column p95_seconds: 95 of 100 calls took less.
-- column tokens_per_second: Completion tokens an engine second.
-- column calls: Replies that were recorded, failed ones included.
-- column most_seconds: The longest call.
-- column prompt_tokens: Mean tokens of a prompt.
-- column completion_tokens: Mean tokens of a reply.
-- check: unique recipe, role, model
-- check: holds failed <= calls AND median_seconds <= p95_seconds AND p95_seconds <= most_seconds

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
    round(sum(completion_tokens) / nullif(sum(seconds), 0), 6) AS tokens_per_second
FROM calls
GROUP BY recipe, role, model
ORDER BY recipe, role, model
