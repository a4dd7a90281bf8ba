package server

import (
	"net"
	"sync"
	"sync/atomic"
)

// A Connections counts the connections of listeners, and closes those that are too many.
type Connections struct {
	limit   int64
	open    atomic.Int64
	refused atomic.Uint64
}

// NewConnections returns Connections of which a number may be open at a time.
func NewConnections(limit int) *Connections { return &Connections{limit: int64(limit)} }

// Listener returns one whose connections count.
func (c *Connections) Listener(l net.Listener) net.Listener { return &countedListener{l, c} }

type countedListener struct {
	net.Listener
	connections *Connections
}

// Accept is net.Listener's.
func (l *countedListener) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		c := l.connections
		if c.open.Add(1) <= c.limit {
			return &countedConn{Conn: conn, end: sync.OnceFunc(func() { c.open.Add(-1) })}, nil
		}
		c.open.Add(-1)
		c.refused.Add(1)
		_ = conn.Close()
	}
}

type countedConn struct {
	net.Conn
	end func()
}

// Close is net.Conn's.
func (c *countedConn) Close() error {
	c.end()
	return c.Conn.Close()
}
