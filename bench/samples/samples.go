// Package samples keeps the measurements of a benchmark in a file, one JSON object a
// line.
package samples

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// Read returns the samples of a file. A file that does not exist is empty.
func Read[T any](file string) ([]T, error) {
	f, err := os.Open(file) //nolint:gosec // the file named by -o
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	var list []T
	for lines := json.NewDecoder(f); lines.More(); {
		var one T
		if err := lines.Decode(&one); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		list = append(list, one)
	}
	return list, nil
}

// Append adds a sample to a file.
func Append[T any](file string, sample T) error {
	line, err := json.Marshal(sample)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644) //nolint:gosec // to be read by all
	if err != nil {
		return err
	}
	_, err = f.Write(append(line, '\n'))
	return errors.Join(err, f.Close())
}
