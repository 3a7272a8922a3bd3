-- The triples of characters in the index, with the number of messages of each: for needles of two characters (STORE-111).
CREATE VIRTUAL TABLE vocabulary USING fts5vocab(trigram, 'row');
