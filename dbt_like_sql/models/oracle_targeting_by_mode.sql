-- How often a judge that is not told the intended mode names it, for verified pairs (VideoPASTA appendix A.2.1).
-- column hits: Share of pairs whose intended mode the judge named.
-- column readable: Share of pairs whose intended mode a perfect reader of the texts would name.
-- column unread: Share of the judge's replies that could not be read; they count as misses.
-- column videopasta_table_8: What the paper reports, with GPT-4o as judge and on its own data.
-- column pairs: Verified pairs that were looked at.
-- check: unique recipe, adv_mode
-- check: holds hits BETWEEN 0 AND 1

SELECT
    recipe,
    adv_mode,
    count(*) AS pairs,
    count(*) FILTER (hit) / count(*) AS hits,
    count(*) FILTER (readable_mode = adv_mode) / count(*) AS readable,
    count(*) FILTER (judged_mode IS NULL) / count(*) AS unread,
    CASE adv_mode WHEN 'spatial' THEN 0.961 WHEN 'temporal' THEN 0.924 ELSE 0.883 END::DOUBLE AS videopasta_table_8
FROM oracle_targeting
WHERE error IS NULL
GROUP BY ALL
ORDER BY recipe, adv_mode
