-- Predictions by version, route, grade of the confidence and code, as the codes are: what precision and recall of a version's codes are about.
-- parameters: from, to (days, included)
-- columns: version, route, grade, code, n
SELECT version, route, grade, code, sum(n) AS n
FROM volume
WHERE day BETWEEN $from AND $to AND code IS NOT NULL
GROUP BY version, route, grade, code
