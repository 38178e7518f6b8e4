-- Predictions by bin of the confidence, and the labelled ones among them by whether the first code was right, in five folds of
-- hours: what the model-assisted accuracy is made of.
-- parameters: from, to (days, included)
-- columns: version, route, level (0 = the codes as they are), fold (0 to 4), bin, what (all, right, wrong), weight_class, n, unweighted, w, w2
-- `all` is said once, at level 0.
SELECT version, route, 0 AS level, CAST(CAST(hour AS BIGINT) / 3600 % 5 AS INT) AS fold, bin, 'all' AS what, 0 AS weight_class,
       sum(n) AS n, CAST(0 AS BIGINT) AS unweighted, CAST(0 AS DECIMAL(38, 9)) AS w, CAST(0 AS DECIMAL(38, 9)) AS w2
FROM score
WHERE day BETWEEN $from AND $to AND kind = 'confidence'
GROUP BY version, route, CAST(CAST(hour AS BIGINT) / 3600 % 5 AS INT), bin
UNION ALL
SELECT version, route, level, CAST(CAST(hour AS BIGINT) / 3600 % 5 AS INT) AS fold, bin,
       CASE WHEN "right" THEN 'right' ELSE 'wrong' END AS what, weight_class,
       sum(n) AS n, sum(unweighted) AS unweighted, CAST(sum(w) AS DECIMAL(38, 9)) AS w, CAST(sum(w2) AS DECIMAL(38, 9)) AS w2
FROM reliability
WHERE day BETWEEN $from AND $to AND kind = 'confidence' AND counted
GROUP BY version, route, level, CAST(CAST(hour AS BIGINT) / 3600 % 5 AS INT), bin, "right", weight_class
ORDER BY version, route, level, fold, bin, what, weight_class
