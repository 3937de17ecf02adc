// Package conductortest is a Conductor server for tests.
//
// [Ledger] is the server as a state machine in memory: queues, leases, response
// timeouts, redelivery, retries and give-back. It uses an injected clock and no
// goroutines, so that it runs in a testing/synctest bubble. It implements
// worker.Server and task.Stored. Every test of the worker ends with
// [Ledger.Check].
//
// [Serve] serves a ledger over the HTTP API of the real server on a loopback
// port, with a [Plan] of faults.
//
// [Canary] finds planted secrets in any encoding.
//
// The behaviour is that of Conductor 3.32.3 on SQLite. [FirstMessage] and
// [FillOrTimeout] are the differences between queue stores.
package conductortest
