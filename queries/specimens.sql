-- Texts and attributes beside what became of them, of the period and its reference. Equal rows of one hour are one, with n.
-- attributes is a JSON object, or NULL; actual is NULL for uncodable and without a label; a NULL weight is not known.
-- parameters: from, to, reference_from, reference_to (days, included)
-- columns: day, version, route, text, attributes, predicted, confidence, is_labelled (0 or 1), actual, weight, n
SELECT day, version, route, text, attributes, predicted, confidence,
       CASE WHEN counted THEN 1 ELSE 0 END AS is_labelled, CASE WHEN counted THEN actual END AS actual, weight, n
FROM specimen
WHERE day BETWEEN $from AND $to OR day BETWEEN $reference_from AND $reference_to
