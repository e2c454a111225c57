// Package store holds what the engines and the homes of state share: keys, rows, claims,
// versions, guards, errors, and the ports Secrets, Ledger and Transactions.
//
// It decides nothing. The engines (pkg/refresh, pkg/sweep) call the ports, and each home
// (pkg/homes) implements them; pkg/homes/hometest tests that each home keeps the contract.
package store
