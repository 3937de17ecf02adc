package conductorjar

import (
	"context"
	"fmt"
	"os"
	"time"
)

// lock locks a cache against other processes.
func lock(ctx context.Context, path string, progress func(string)) (unlock func(), err error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600) //nolint:gosec // a fixed name in the cache folder
	if err != nil {
		return nil, fmt.Errorf("cache folder: %w", err)
	}
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for reported := false; ; reported = true {
		taken, err := tryLock(file)
		if err != nil {
			_ = file.Close() // the error of the lock matters
			return nil, fmt.Errorf("lock %s: %w", path, err)
		}
		if taken {
			return func() { _ = file.Close() }, nil // releases the lock
		}
		if !reported {
			progress("waiting for another process that fetches the server")
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			_ = file.Close() // nothing was written
			return nil, ctx.Err()
		}
	}
}
