package hesabe

// Read reads an answer as Refresh and Login do.
var Read = read
