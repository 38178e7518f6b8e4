-- Labelled rows by predicted and actual code at one level, by version, route and grade of the confidence. A truth coarser than the level has no say there;
-- predicted is NULL where the prediction is coarser than the level.
-- parameters: from, to (days, included), level
-- columns: version, route, grade, weight_class, predicted, actual, actual_label, n, w, w2
WITH pairs AS (
    SELECT version, route, grade, weight_class, predicted, actual, sum(n) AS n, sum(w) AS w, sum(w2) AS w2
    FROM outcome
    WHERE day BETWEEN $from AND $to AND counted AND predicted IS NOT NULL AND actual IS NOT NULL
    GROUP BY version, route, grade, weight_class, predicted, actual
)
SELECT o.version, o.route, o.grade, o.weight_class, p.ancestor AS predicted, a.ancestor AS actual, max(a.label) AS actual_label,
       sum(o.n) AS n, sum(o.w) AS w, sum(o.w2) AS w2
FROM pairs o
JOIN code a ON a.code = o.actual AND a.level = $level
LEFT JOIN code p ON p.code = o.predicted AND p.level = $level
GROUP BY o.version, o.route, o.grade, o.weight_class, p.ancestor, a.ancestor
ORDER BY n DESC, p.ancestor, a.ancestor, o.version, o.route, o.grade, o.weight_class
