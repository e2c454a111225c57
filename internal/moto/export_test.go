package moto

// Process starts the server of this process.
var Process = process
