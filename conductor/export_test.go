package conductor

import "time"

// WithTimeout is c with another timeout of every call but a poll.
func (c *Client) WithTimeout(d time.Duration) *Client {
	c.timeout = d
	return c
}

// NormalizeURL is for the tests of addresses.
func NormalizeURL(text string) (string, error) {
	u, err := normalizeURL(text)
	if err != nil {
		return "", err
	}
	return u.String(), nil
}
