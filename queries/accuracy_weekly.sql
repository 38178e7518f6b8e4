-- Right and wrong labelled rows a week, by level, route and grade of the confidence.
-- parameters: from, to (days, included)
-- columns: week (its Monday), level, route, grade, weight_class, is_right (0 or 1), n, w, w2
SELECT CAST(date_trunc('week', day) AS DATE) AS week, level, route, grade, weight_class,
       CASE WHEN rank = 1 THEN 1 ELSE 0 END AS is_right, sum(n) AS n, sum(w) AS w, sum(w2) AS w2
FROM rank
WHERE day BETWEEN $from AND $to AND counted
GROUP BY CAST(date_trunc('week', day) AS DATE), level, route, grade, weight_class, CASE WHEN rank = 1 THEN 1 ELSE 0 END
ORDER BY week, level, route, grade, weight_class, is_right
