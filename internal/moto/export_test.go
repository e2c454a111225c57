package moto

// Process starts the first server of this process.
var Process = processes.all[0].address
