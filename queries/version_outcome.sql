-- Labelled rows by version, predicted and actual code, as the codes are.
-- parameters: from, to (days, included)
-- columns: version, predicted, actual, n, unweighted, w, w2
SELECT version, predicted, actual, sum(n) AS n, sum(unweighted) AS unweighted, sum(w) AS w, sum(w2) AS w2
FROM outcome
WHERE day BETWEEN $from AND $to AND counted AND predicted IS NOT NULL AND actual IS NOT NULL
GROUP BY version, predicted, actual
