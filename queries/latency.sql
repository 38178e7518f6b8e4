-- Predictions by version and latency bin (DDSketch).
-- parameters: from, to (days, included)
-- columns: version, bin, n
SELECT version, bin, sum(n) AS n
FROM latency
WHERE day BETWEEN $from AND $to
GROUP BY version, bin
ORDER BY version, bin
