-- Predictions an hour, busiest first.
-- parameters: from, to (days, included)
-- columns: hour (RFC 3339, UTC), n
SELECT hour, sum(n) AS n
FROM tally
WHERE what = 'predictions' AND day BETWEEN $from AND $to
GROUP BY hour
ORDER BY n DESC, hour
