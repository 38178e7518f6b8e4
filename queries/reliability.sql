-- Labelled rows by version, route, class of the weight and score bin: was the first code right, and what had the score promised?
-- parameters: from, to (days, included)
-- columns: version, route, weight_class, kind (probability, confidence), bin, is_right (0 or 1), n, w, w2, wx (sum of weight x score), wxx (weight x score squared)
SELECT version, route, weight_class, kind, bin, CASE WHEN "right" THEN 1 ELSE 0 END AS is_right,
       sum(n) AS n, sum(w) AS w, sum(w2) AS w2, sum(wx) AS wx, sum(wxx) AS wxx
FROM reliability
WHERE day BETWEEN $from AND $to AND counted AND level = 0
GROUP BY version, route, weight_class, kind, bin, CASE WHEN "right" THEN 1 ELSE 0 END
ORDER BY kind, bin, version, route, weight_class, is_right
