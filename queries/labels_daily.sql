-- Labelled rows by day, route, version, predicted and actual code; of the period and its reference.
-- parameters: from, to, reference_from, reference_to (days, included)
-- columns: day, route, weight_class, version, predicted, actual, n, unweighted, w, w2
SELECT day, route, weight_class, version, predicted, actual, sum(n) AS n, sum(unweighted) AS unweighted, sum(w) AS w, sum(w2) AS w2
FROM outcome
WHERE (day BETWEEN $from AND $to OR day BETWEEN $reference_from AND $reference_to)
  AND counted AND predicted IS NOT NULL AND actual IS NOT NULL
GROUP BY day, route, weight_class, version, predicted, actual
ORDER BY day, route, weight_class, version, predicted, actual
