-- Pairs of codes that two people gave one prediction, each on their own, at one level. NULL = uncodable.
-- parameters: from, to (days, included), level
-- columns: one, other, n (pairs), w (pairs, each prediction with m opinions counting m / 2)
SELECT a.ancestor AS one, b.ancestor AS other, sum(g.n) AS n, sum(g.w) AS w
FROM agreement g
LEFT JOIN code a ON a.code = g.one AND a.level = $level
LEFT JOIN code b ON b.code = g.other AND b.level = $level
WHERE g.day BETWEEN $from AND $to AND (g.one IS NULL OR a.code IS NOT NULL) AND (g.other IS NULL OR b.code IS NOT NULL)
GROUP BY a.ancestor, b.ancestor
ORDER BY n DESC, one, other
