package conductor

import "io"

// limited is a body that ends in an error instead of going on beyond the
// limit. It lies above decompression, so a small answer that grows is cut.
type limited struct {
	io.ReadCloser
	left int64
	call string
}

func (l *limited) Read(p []byte) (int, error) {
	if int64(len(p)) > l.left+1 {
		p = p[:l.left+1]
	}
	n, err := l.ReadCloser.Read(p)
	if l.left -= int64(n); l.left < 0 {
		return 0, &Error{Class: TooLarge, Call: l.call}
	}
	return n, err
}
