package server

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
)

// TLSFiles are files in PEM.
type TLSFiles struct {
	// Certificate is the server's with those that lead to its authority, and Key its key.
	Certificate, Key string
	// ClientAuthority, where there is one, has the certificates of the authorities that
	// clients' certificates come from.
	ClientAuthority string
}

// TLS returns the configuration of a listener. It uses files that have changed for the
// connections that come afterwards; what is wrong with them is logged, and those that were
// read before stay. Clients need no certificate to connect, so that probes can; Access
// refuses them.
func TLS(files TLSFiles, log *slog.Logger) (*tls.Config, error) {
	if files.Certificate == "" || files.Key == "" {
		return nil, errors.New("TLS needs a certificate and its key")
	}
	paths := []string{files.Certificate, files.Key}
	if files.ClientAuthority != "" {
		paths = append(paths, files.ClientAuthority)
	}
	current, err := newReloaded(log, func(contents [][]byte) (*tls.Config, error) { return tlsConfig(paths, contents) }, paths...)
	if err != nil {
		return nil, err
	}
	return &tls.Config{
		MinVersion: tls.VersionTLS12, NextProtos: protocols(),
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return current.get(), nil },
		// What makes listeners asks for one of these.
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return &current.get().Certificates[0], nil },
	}, nil
}

func protocols() []string { return []string{"h2", "http/1.1"} }

func tlsConfig(paths []string, contents [][]byte) (*tls.Config, error) {
	pair, err := tls.X509KeyPair(contents[0], contents[1])
	if err != nil {
		return nil, fmt.Errorf("the certificate %s with the key %s: %w", paths[0], paths[1], err)
	}
	c := &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: protocols(), Certificates: []tls.Certificate{pair}}
	if len(contents) > 2 {
		c.ClientCAs = x509.NewCertPool()
		if !c.ClientCAs.AppendCertsFromPEM(contents[2]) {
			return nil, fmt.Errorf("%s has no certificate in PEM", paths[2])
		}
		c.ClientAuth = tls.VerifyClientCertIfGiven
	}
	return c, nil
}
