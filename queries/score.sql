-- All predictions by score bin.
-- parameters: from, to (days, included)
-- columns: kind (probability, confidence), bin, n, auto
SELECT kind, bin, sum(n) AS n, sum(CASE WHEN route = 'auto' THEN n ELSE 0 END) AS auto
FROM score
WHERE day BETWEEN $from AND $to
GROUP BY kind, bin
ORDER BY kind, bin
