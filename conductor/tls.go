package conductor

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"

	"conductor-jwt/internal/readfile"
)

// tlsConfig reads the files. Its errors name the setting and never the
// contents.
func tlsConfig(o Options) (*tls.Config, error) {
	config := &tls.Config{
		MinVersion:         tls.VersionTLS12,
		InsecureSkipVerify: o.Insecure, //nolint:gosec // a setting, off by default and warned of
	}
	if o.CAFile != "" {
		pem, err := readPEM(o.CAFile)
		if err != nil {
			return nil, fmt.Errorf("%w: the ca certificate: %w", ErrTLS, err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("%w: the ca certificate file holds no pem certificate", ErrTLS)
		}
	}
	if (o.CertFile == "") != (o.KeyFile == "") {
		return nil, fmt.Errorf("%w: a client certificate and its key go together; set both", ErrTLS)
	}
	if o.CertFile == "" {
		return config, nil
	}
	certificate, err := clientCertificate(o)
	if err != nil {
		return nil, err
	}
	config.Certificates = []tls.Certificate{certificate}
	return config, nil
}

func clientCertificate(o Options) (tls.Certificate, error) {
	cert, err := readPEM(o.CertFile)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("%w: the client certificate: %w", ErrTLS, err)
	}
	key, err := readPEM(o.KeyFile)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("%w: the client key: %w", ErrTLS, err)
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("%w: the client certificate and key are no pair of pem files", ErrTLS)
	}
	return pair, nil
}

// mostPEM is how long a file may be, in bytes.
const mostPEM = 1 << 20

func readPEM(file string) ([]byte, error) {
	pem, err := readfile.Shared(file, mostPEM)
	if err == nil && len(pem) > mostPEM {
		return nil, errors.New("over 1 MiB")
	}
	return pem, err
}

// stamp is how a file looked when it was read.
type stamp struct {
	info os.FileInfo
}

func stampOf(file string) stamp {
	if file == "" {
		return stamp{}
	}
	info, err := readfile.Stat(file)
	if err != nil {
		return stamp{}
	}
	return stamp{info: info}
}

func (s stamp) same(t stamp) bool {
	if s.info == nil || t.info == nil {
		return s.info == nil && t.info == nil
	}
	return os.SameFile(s.info, t.info) && s.info.Size() == t.info.Size() &&
		s.info.ModTime().Equal(t.info.ModTime())
}
