-- Predictions by code at every level: in the period, in the reference and in the part of the period compared with it.
-- parameters: from, to, reference_from, reference_to, current_from, current_to (days, included), reference_version
-- a reference_version is the only one in the reference and not in what is compared with it; empty: all are in both
-- columns: level, code, label, known, n, auto, reference, current
WITH by_code AS (
    SELECT code,
           sum(CASE WHEN day BETWEEN $from AND $to THEN n ELSE 0 END) AS n,
           sum(CASE WHEN day BETWEEN $from AND $to AND route = 'auto' THEN n ELSE 0 END) AS auto,
           sum(CASE WHEN day BETWEEN $reference_from AND $reference_to
                     AND ($reference_version = '' OR version = $reference_version) THEN n ELSE 0 END) AS reference,
           sum(CASE WHEN day BETWEEN $current_from AND $current_to
                     AND ($reference_version = '' OR version IS DISTINCT FROM $reference_version) THEN n ELSE 0 END) AS current
    FROM volume
    GROUP BY code
)
SELECT c.level, c.ancestor AS code, max(c.label) AS label, min(CASE WHEN c.known THEN 1 ELSE 0 END) AS known,
       sum(v.n) AS n, sum(v.auto) AS auto, sum(v.reference) AS reference, sum(v.current) AS current
FROM by_code v
JOIN code c ON c.code = v.code
GROUP BY c.level, c.ancestor
ORDER BY c.level, n DESC, c.ancestor
