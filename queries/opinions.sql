-- What people said of predictions that several coded, each on their own, at one level. NULL = uncodable.
-- parameters: from, to (days, included), level
-- columns: item (opinions of one prediction have the same), annotator (NULL where names are not kept), code, n (predictions)
SELECT o.item, o.annotator, c.ancestor AS code, o.n
FROM opinion o
LEFT JOIN code c ON c.code = o.code AND c.level = $level
WHERE o.day BETWEEN $from AND $to AND (o.code IS NULL OR c.code IS NOT NULL)
ORDER BY o.item, o.annotator, code
