// Package conductortest is a Conductor server for tests.
//
// [Ledger] is the server as a pure state machine: queues, leases, response
// timeouts, redelivery, retries and give-back, by an injected clock and without
// goroutines, so that it runs inside a testing/synctest bubble. It has the
// methods that worker.Server and task.Stored ask for. [Ledger.Check] is the one
// invariant that every test of the engine ends with.
//
// [Serve] is the same ledger behind the real server's HTTP API on a loopback
// port, with a seedable [Plan] of faults.
//
// [Canary] plants secrets and searches for them, in every encoding, wherever
// they must not be.
//
// What it does is what Conductor 3.32.3 on SQLite was seen to do; the
// differences between queue stores are [FirstMessage] and [FillOrTimeout].
package conductortest
