-- As assisted.sql, by week: predictions by bin of the confidence, and the labelled ones by whether the first code was right.
-- parameters: from, to (days, included)
-- columns: week (its Monday), route, fold (0 to 4), bin, what (all, right, wrong), weight_class, n, unweighted, w, w2
SELECT CAST(date_trunc('week', day) AS DATE) AS week, route, CAST(CAST(hour AS BIGINT) / 3600 % 5 AS INT) AS fold, bin,
       'all' AS what, 0 AS weight_class, sum(n) AS n, CAST(0 AS BIGINT) AS unweighted, CAST(0 AS DECIMAL(38, 9)) AS w, CAST(0 AS DECIMAL(38, 9)) AS w2
FROM score
WHERE day BETWEEN $from AND $to AND kind = 'confidence'
GROUP BY CAST(date_trunc('week', day) AS DATE), route, CAST(CAST(hour AS BIGINT) / 3600 % 5 AS INT), bin
UNION ALL
SELECT CAST(date_trunc('week', day) AS DATE) AS week, route, CAST(CAST(hour AS BIGINT) / 3600 % 5 AS INT) AS fold, bin,
       CASE WHEN "right" THEN 'right' ELSE 'wrong' END AS what, weight_class,
       sum(n) AS n, sum(unweighted) AS unweighted, CAST(sum(w) AS DECIMAL(38, 9)) AS w, CAST(sum(w2) AS DECIMAL(38, 9)) AS w2
FROM reliability
WHERE day BETWEEN $from AND $to AND kind = 'confidence' AND counted AND level = 0
GROUP BY CAST(date_trunc('week', day) AS DATE), route, CAST(CAST(hour AS BIGINT) / 3600 % 5 AS INT), bin, "right", weight_class
ORDER BY week, route, fold, bin, what, weight_class
