// Package reliability is the failure matrix of docs/evidence/reliability.md: each [Row]
// is a fault between a worker and its server, run against a server that keeps a
// ledger.
//
// The tests of this package run our worker, wired as the command line wires it,
// through each row and check what the row promises. bench/faults runs the
// workers of the SDKs through the same rows and records the verdicts.
package reliability
