package berbix

// Read reads an answer.
var Read = rules.Read
