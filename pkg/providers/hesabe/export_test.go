package hesabe

// Read reads an answer.
var Read = rules.Read
