-- On toyworld: verdicts given against verdicts deserved, as a perfect reader of the texts would decide.
-- column deserved: What the texts deserve.
-- column given: What the verifier said.
-- column good_pairs: Attempts whose chosen answer is true and whose adversary is false on target.
-- column attempts: Attempts that the oracle could judge.
-- check: unique recipe, deserved, given
-- check: not_null deserved, given

SELECT
    recipe,
    expected_verdict AS deserved,
    verdict AS given,
    count(*) AS attempts,
    count(*) FILTER (good_pair) AS good_pairs
FROM oracle_scores
WHERE error IS NULL
GROUP BY ALL
ORDER BY recipe, deserved, given
