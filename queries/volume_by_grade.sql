-- Predictions by code at one level, route and grade of the confidence: what a code's precision leans on beside its labels.
-- parameters: from, to (days, included), level
-- columns: code, route, grade, n
WITH by_code AS (
    SELECT code, route, grade, sum(n) AS n
    FROM volume
    WHERE day BETWEEN $from AND $to
    GROUP BY code, route, grade
)
SELECT c.ancestor AS code, v.route, v.grade, sum(v.n) AS n
FROM by_code v
JOIN code c ON c.code = v.code AND c.level = $level
GROUP BY c.ancestor, v.route, v.grade
ORDER BY c.ancestor, v.route, v.grade
