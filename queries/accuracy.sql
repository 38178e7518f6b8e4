-- Design-weighted sums of labelled rows by the rank of the truth among the candidates (0 = not among them).
-- parameters: from, to (days, included)
-- columns: version, route, level, rank, grade, weight_class, n, unweighted, w, w2
SELECT version, route, level, rank, grade, weight_class,
       sum(n) AS n, sum(unweighted) AS unweighted, sum(w) AS w, sum(w2) AS w2
FROM rank
WHERE day BETWEEN $from AND $to AND counted
GROUP BY version, route, level, rank, grade, weight_class
ORDER BY version, route, level, rank, grade, weight_class
