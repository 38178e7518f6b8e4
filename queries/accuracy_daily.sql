-- Right and wrong labelled rows a day, at one level.
-- parameters: from, to (days, included), level
-- columns: day, version, route, grade, weight_class, is_right (0 or 1), n, w, w2
SELECT day, version, route, grade, weight_class, CASE WHEN rank = 1 THEN 1 ELSE 0 END AS is_right, sum(n) AS n, sum(w) AS w, sum(w2) AS w2
FROM rank
WHERE day BETWEEN $from AND $to AND level = $level AND counted
GROUP BY day, version, route, grade, weight_class, CASE WHEN rank = 1 THEN 1 ELSE 0 END
ORDER BY day, version, route, grade, weight_class, is_right
