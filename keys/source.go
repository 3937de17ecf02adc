package keys

import "context"

// Source is where the versions of one configured key come from: a file, an
// entry or a key of a key store. It is safe for concurrent use. The stores
// below this package each have one; package keyring reads them and decides
// which version signs.
type Source interface {
	// Versions are all that the source has and that may be used, the oldest
	// first. It fails with [ErrUnavailable] where the store could not be
	// asked, which says nothing about the keys, and with any other sentinel of
	// this package where what it holds is no key to sign with.
	Versions(ctx context.Context) ([]Key, error)
	// Timed tells whether [Key.Created] of its versions is the store's own
	// record, by which every replica decides alike. Files, folders and
	// variables have none.
	Timed() bool
	// Remote tells whether signing calls the store, rather than this process.
	Remote() bool
}

// Scheme is a kind of source by the first part of its URI, such as "file".
// URIs come from the operator's configuration, never from a task: a URI in a
// task would read files and call addresses.
type Scheme interface {
	// Open checks the URI and makes its Source, without a call to the store.
	// It fails with [ErrUnsupported] or [ErrMissing] where the URI is wrong;
	// the message may name parts of the URI, which holds no secret.
	Open(uri string) (Source, error)
}
