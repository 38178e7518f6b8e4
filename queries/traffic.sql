-- Volume of the period by day, version and route.
-- parameters: from, to (days, included)
-- columns: day, version, route (auto, manual, NULL), what (predictions, errors, clipped, ...), n
SELECT day, version, route, what, sum(n) AS n
FROM tally
WHERE day BETWEEN $from AND $to
GROUP BY day, version, route, what
