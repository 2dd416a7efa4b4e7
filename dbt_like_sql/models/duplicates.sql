-- What is there more than once: a repeated text weighs double in training and measures nothing new.
-- column kind: What is repeated, and within what; case and outer spaces do not count.
-- column rows: Rows that were looked at.
-- column distinct_rows: Of them, different ones.
-- column repeated: rows - distinct_rows.
-- column share: repeated / rows.
-- column example: The text that is repeated most.
-- check: unique recipe, kind
-- check: holds repeated = rows - distinct_rows AND share BETWEEN 0 AND 1
-- check: holds kind <> 'video in several shards' OR repeated = 0

WITH texts AS (
    SELECT recipe, 'question of a video' AS kind, video_id AS place, lower(trim(query)) AS text
    FROM queries WHERE error IS NULL
    UNION ALL
    SELECT recipe, 'aligned response of a video' AS kind, video_id AS place, lower(trim(response)) AS text
    FROM aligned_responses WHERE error IS NULL
    UNION ALL
    SELECT recipe, 'adversary of a question' AS kind, query_id AS place, lower(trim(response)) AS text
    FROM adversaries WHERE error IS NULL
    UNION ALL
    SELECT recipe, 'question anywhere' AS kind, '' AS place, lower(trim(query)) AS text
    FROM queries WHERE error IS NULL
    UNION ALL
    SELECT recipe, 'pair anywhere' AS kind, lower(trim(query)) AS place,
           lower(trim(chosen)) || ' / ' || lower(trim(rejected)) AS text
    FROM verified_pairs WHERE error IS NULL
    UNION ALL
    SELECT recipe, 'video in several shards' AS kind, '' AS place, video_id AS text
    FROM videos WHERE error IS NULL AND present
),
grouped AS (
    SELECT recipe, kind, place, text, count(*) AS times FROM texts GROUP BY ALL
)
SELECT
    recipe,
    kind,
    sum(times)::BIGINT AS rows,
    count(*) AS distinct_rows,
    (sum(times) - count(*))::BIGINT AS repeated,
    repeated / rows AS share,
    max_by(text, (times, text)) FILTER (times > 1) AS example
FROM grouped
GROUP BY recipe, kind
ORDER BY recipe, kind
