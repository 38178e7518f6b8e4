-- Predictions by day and latency bin (DDSketch).
-- parameters: from, to (days, included)
-- columns: day, bin, n
SELECT day, bin, sum(n) AS n
FROM latency
WHERE day BETWEEN $from AND $to
GROUP BY day, bin
ORDER BY day, bin
