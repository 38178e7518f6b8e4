-- Labelled rows by version, route, grade of the confidence, predicted and actual code, as the codes are.
-- parameters: from, to (days, included)
-- columns: version, route, grade, weight_class, predicted, actual, n, w, w2
SELECT version, route, grade, weight_class, predicted, actual, sum(n) AS n, sum(w) AS w, sum(w2) AS w2
FROM outcome
WHERE day BETWEEN $from AND $to AND counted AND predicted IS NOT NULL AND actual IS NOT NULL
GROUP BY version, route, grade, weight_class, predicted, actual
