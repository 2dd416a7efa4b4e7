-- Places for an adversary that the questions could have, whether an attempt was made or not, by what they target:
-- questions x adversaries a question (VideoPASTA appendix A.3.1).
-- column adv_mode: Failure mode that adversaries in the slots target.
-- column queries: Questions of the category with a slot of the mode.
-- column slots: Their slots of the mode: the question's own mode first, then the others in turn.
-- check: unique recipe, shard, query_mode, query_category, adv_mode
-- check: accepted_values adv_mode (spatial, temporal, cross_frame)
-- check: holds slots >= queries AND queries > 0

WITH asked AS (
    SELECT recipe, shard, query_mode, query_category, count(*) AS queries
    FROM queries
    GROUP BY ALL
),
placed AS (
    SELECT
        asked.*,
        if(
            coalesce(made.adversary_policy, recipe_settings.adversary_policy) = 'within_query_mode',
            query_mode,
            list_prepend(
                query_mode, list_filter(['spatial', 'temporal', 'cross_frame'], lambda mode: mode <> query_mode)
            )[1 + place.slot % 3]
        ) AS adv_mode
    FROM asked
    LEFT JOIN adversary_settings AS made USING (recipe, shard)
    LEFT JOIN recipe_settings USING (recipe)
    CROSS JOIN (SELECT unnest(range(5)) AS slot) AS place
    WHERE place.slot < coalesce(made.adversaries_per_query, recipe_settings.adversaries_per_query)
)
SELECT recipe, shard, query_mode, query_category, adv_mode, any_value(queries) AS queries, sum(queries)::BIGINT AS slots
FROM placed
GROUP BY ALL
ORDER BY recipe, shard, query_mode, query_category, adv_mode
