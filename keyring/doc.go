// Package keyring holds the keys that the operator has named: which versions
// each has, which of them signs, and which of them verifiers are told.
//
//	policy.Key -> entry (one source)            entry.go: asks the source, refuses what is no key
//	  -> versions, in the order of their turn   versions.go: published, active, retired, gone
//	    -> Ring.Resolve gives the active one    ring.go
//	    -> Ring.Set gives the public ones       set.go
//
// A version is what a signature is made with from beginning to end: its kid,
// its public key and its store cannot change in between (version.go). What a
// store makes is verified before it leaves; a store that is slow or away
// keeps a quarter of the slots at most (bulkhead.go).
//
// All that depends on time follows from times that every replica sees: the
// store's own, or those in the policy file. Replicas therefore agree without
// speaking to one another.
package keyring
