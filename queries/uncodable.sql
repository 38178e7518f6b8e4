-- Labelled rows by version, route, grade of the confidence and whether a code could be given at all.
-- parameters: from, to (days, included)
-- columns: version, route, grade, weight_class, is_uncodable (0 or 1), n, unweighted, w, w2
SELECT version, route, grade, weight_class, CASE WHEN actual IS NULL THEN 1 ELSE 0 END AS is_uncodable,
       sum(n) AS n, sum(unweighted) AS unweighted, sum(w) AS w, sum(w2) AS w2
FROM outcome
WHERE day BETWEEN $from AND $to AND counted
GROUP BY version, route, grade, weight_class, CASE WHEN actual IS NULL THEN 1 ELSE 0 END
ORDER BY version, route, grade, weight_class, is_uncodable
