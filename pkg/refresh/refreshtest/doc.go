// Package refreshtest is for tests only: models of the engine's three ports, in
// memory, and one hook through which a test decides how each port call ends.
//
// A World is everything that outlives a process: the secrets, the ledger, the provider and a clock.
// World.Engine starts a process, an engine whose port calls go through a Hook. A process that the
// hook ends does nothing more, and the next one finds the world as it was left.
package refreshtest
