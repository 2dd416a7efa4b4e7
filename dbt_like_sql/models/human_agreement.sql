-- How far people and the verifier agree, by the mode that adversaries target; `all` is every mode together.
-- column decided: Attempts that a person decided on and the verifier had judged.
-- column agreement: Share on which both said the same.
-- column kappa: Cohen's kappa: agreement beyond what chance gives, 1 is full; null where one side always said the same.
-- column verifier_precision: Share of the verifier's accepted attempts that people accepted too.
-- column verifier_recall: Share of the attempts that people accepted which the verifier had accepted.
-- column both_accepted: Attempts that both accepted.
-- column both_rejected: Attempts that both rejected.
-- column only_person_accepted: Attempts that the person accepted and the verifier rejected.
-- column only_verifier_accepted: Attempts that the verifier accepted and the person rejected.
-- check: unique recipe, adv_mode
-- check: holds agreement BETWEEN 0 AND 1
-- check: holds both_accepted + both_rejected + only_person_accepted + only_verifier_accepted = decided

WITH judged AS (
    SELECT recipe, adv_mode, decision = 'accepted' AS person, verdict = 'accepted' AS verifier
    FROM human_decisions
    WHERE verdict IS NOT NULL
),
counted AS (
    SELECT
        recipe,
        if(grouping(adv_mode) = 1, 'all', adv_mode) AS adv_mode,
        count(*) AS decided,
        count(*) FILTER (person AND verifier) AS both_accepted,
        count(*) FILTER (NOT person AND NOT verifier) AS both_rejected,
        count(*) FILTER (person AND NOT verifier) AS only_person_accepted,
        count(*) FILTER (NOT person AND verifier) AS only_verifier_accepted
    FROM judged
    GROUP BY GROUPING SETS ((recipe, adv_mode), (recipe))
),
shared AS (
    SELECT
        *,
        (both_accepted + both_rejected) / decided AS agreement,
        (
            (both_accepted + only_person_accepted) * (both_accepted + only_verifier_accepted)
            + (both_rejected + only_verifier_accepted) * (both_rejected + only_person_accepted)
        ) / (decided * decided) AS by_chance
    FROM counted
)
SELECT
    recipe,
    adv_mode,
    decided,
    both_accepted,
    both_rejected,
    only_person_accepted,
    only_verifier_accepted,
    agreement,
    (agreement - by_chance) / nullif(1 - by_chance, 0) AS kappa,
    both_accepted / nullif(both_accepted + only_verifier_accepted, 0) AS verifier_precision,
    both_accepted / nullif(both_accepted + only_person_accepted, 0) AS verifier_recall
FROM shared
ORDER BY recipe, adv_mode
