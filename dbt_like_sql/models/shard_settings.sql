-- How many adversaries a question gets, and of which modes, shard by shard: as its adversaries were made, else as
-- the project's settings say now.
-- column adversaries_per_query: Slots of a question.
-- column adversary_policy: one_per_mode, or within_query_mode.
-- check: unique recipe, shard
-- check: not_null adversaries_per_query, adversary_policy
-- check: accepted_values adversary_policy (one_per_mode, within_query_mode)

WITH asked AS (
    SELECT recipe, shard FROM manifests WHERE "table" = 'queries'
)
SELECT
    recipe,
    shard,
    coalesce(made.adversaries_per_query, recipe_settings.adversaries_per_query) AS adversaries_per_query,
    coalesce(made.adversary_policy, recipe_settings.adversary_policy) AS adversary_policy
FROM asked
LEFT JOIN adversary_settings AS made USING (recipe, shard)
LEFT JOIN recipe_settings USING (recipe)
ORDER BY recipe, shard
