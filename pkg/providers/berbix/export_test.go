package berbix

// Read reads an answer as Refresh does.
var Read = read
