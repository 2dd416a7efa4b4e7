-- Every recorded call of a model, of any role: what it cost, when, and whether it failed.
-- view
-- column role: Who was asked; the responder's adversaries are counted apart.
-- column model: Model and revision that answered.
-- column seconds: Engine seconds, a batch's time shared by its rows.
-- column cached_tokens: Of prompt_tokens, those that were not computed again; null where the engine does not say.
-- column gpus: GPUs that worked on it; null where a server does not say.
-- check: accepted_values role (query writer, responder aligned, check of aligned, responder adversaries, verifier, benchmark)
-- check: holds seconds >= 0

SELECT recipe, shard, 'query writer' AS role, generator AS model, prompt_tokens, cached_tokens,
       completion_tokens, seconds, gpus, created_at, error
FROM queries WHERE seconds IS NOT NULL
UNION ALL
SELECT recipe, shard, 'responder aligned', responder, prompt_tokens, cached_tokens,
       completion_tokens, seconds, gpus, created_at, error
FROM aligned_responses WHERE seconds IS NOT NULL
UNION ALL
SELECT recipe, shard, 'check of aligned', checker, prompt_tokens, cached_tokens,
       completion_tokens, seconds, gpus, created_at, error
FROM aligned_checks WHERE seconds IS NOT NULL
UNION ALL
SELECT recipe, shard, 'responder adversaries', responder, prompt_tokens, cached_tokens,
       completion_tokens, seconds, gpus, created_at, error
FROM adversaries WHERE seconds IS NOT NULL
UNION ALL
SELECT recipe, shard, 'verifier', verifier, prompt_tokens, cached_tokens,
       completion_tokens, seconds, gpus, created_at, error
FROM verdicts WHERE seconds IS NOT NULL
UNION ALL
SELECT recipe, shard, 'benchmark', experiment || ' ' || model, prompt_tokens, cached_tokens,
       completion_tokens, seconds, gpus, created_at, error
FROM benchmark_answers WHERE seconds IS NOT NULL
