// Package sweep is the engine that keeps many independent access tokens fresh
// whose refresh tokens do not rotate: Berbix transactions. A refresh done twice
// harms nothing here, so claims only save work; a row is written once, on the
// condition that the refresh token presented is still the row's.
package sweep
