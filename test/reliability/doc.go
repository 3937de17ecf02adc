// Package reliability is the failure matrix of docs/reliability.md: what may
// happen between a worker and its server, row by row, against a server that
// keeps a ledger.
//
// A [Row] is a fault that any worker can be put through. The tests of this
// package put our own through each, wired as the command line wires it, and
// hold it to its promise; bench/faults puts the workers of the SDKs through the
// same rows and writes down what the ledger said.
package reliability
