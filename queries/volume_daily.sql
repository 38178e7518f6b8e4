-- Predictions by day and first code, of the period and its reference: what alarms look at day by day.
-- parameters: from, to, reference_from, reference_to (days, included)
-- columns: day, code, version, n
SELECT day, code, version, sum(n) AS n
FROM volume
WHERE day BETWEEN $from AND $to OR day BETWEEN $reference_from AND $reference_to
GROUP BY day, code, version
ORDER BY day, code, version
