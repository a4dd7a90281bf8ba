package server

import (
	"context"
	"encoding/binary"
	"errors"
	"log/slog"
	"net"
	"sync"
	"time"

	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
)

// arrivals bound gRPC's messages while they arrive, of which gRPC itself tells nobody: it
// hands over those that are whole. They count the bytes by reading the frames of HTTP/2 along
// with it, and close the connection that holds most when all hold too many, and those with a
// message that takes too long.
type arrivals struct {
	limit int64 // bytes of all connections
	log   *slog.Logger

	mu    sync.Mutex
	conns map[*arrivingConn]bool
	bytes int64 // of messages that have begun and not ended
	calls int   // open streams
}

func newArrivals(limit int64, log *slog.Logger) *arrivals {
	return &arrivals{limit: limit, log: log, conns: map[*arrivingConn]bool{}}
}

// open is how many calls there are.
func (a *arrivals) open() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.calls
}

// sweepEvery is how often arrivals look for messages that take too long.
const sweepEvery = time.Second

// run closes the connections of messages that have not arrived within a time of their first
// byte, until the context ends.
func (a *arrivals) run(ctx context.Context, within time.Duration) {
	tick := time.NewTicker(min(sweepEvery, within))
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		a.mu.Lock()
		for c := range a.conns {
			for _, s := range c.streams {
				if s.have > 0 && time.Since(s.since) > within {
					a.closeLocked(c, "a message did not arrive in time")
					break
				}
			}
		}
		a.mu.Unlock()
	}
}

// closeLocked ends a connection, whose messages gRPC then drops.
func (a *arrivals) closeLocked(c *arrivingConn, why string) {
	a.log.Warn("connection closed", "remote", c.RemoteAddr().String(), "why", why, "bytes", c.bytes)
	a.forgetLocked(c)
	go c.Conn.Close() // which may have a farewell of TLS to send
}

func (a *arrivals) forgetLocked(c *arrivingConn) {
	if !a.conns[c] {
		return
	}
	delete(a.conns, c)
	a.bytes -= c.bytes
	a.calls -= len(c.streams)
	c.bytes, c.streams = 0, nil
}

// credentials returns others whose connections are bounded; nil are those without encryption.
func (a *arrivals) credentials(of credentials.TransportCredentials) credentials.TransportCredentials {
	if of == nil {
		of = insecure.NewCredentials()
	}
	return arrivingCredentials{of, a}
}

type arrivingCredentials struct {
	credentials.TransportCredentials
	arrivals *arrivals
}

func (c arrivingCredentials) ServerHandshake(raw net.Conn) (net.Conn, credentials.AuthInfo, error) {
	conn, info, err := c.TransportCredentials.ServerHandshake(raw)
	if err != nil {
		return nil, nil, err
	}
	arriving := &arrivingConn{Conn: conn, arrivals: c.arrivals, streams: map[uint32]*arrivingStream{}}
	arriving.in.skip = len(prefaceOfHTTP2)
	c.arrivals.mu.Lock()
	defer c.arrivals.mu.Unlock()
	c.arrivals.conns[arriving] = true
	return arriving, info, nil
}

func (c arrivingCredentials) Clone() credentials.TransportCredentials {
	return arrivingCredentials{c.TransportCredentials.Clone(), c.arrivals}
}

// prefaceOfHTTP2 is what a client's bytes begin with.
const prefaceOfHTTP2 = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

// An arrivingConn is a connection of HTTP/2, read by one goroutine and written by one. What
// is not Conn is by the arrivals' lock.
type arrivingConn struct {
	net.Conn
	arrivals *arrivals
	in, out  frames
	streams  map[uint32]*arrivingStream // that are open
	last     uint32                     // stream that was opened
	bytes    int64                      // of their messages that have begun and not ended
}

// An arrivingStream is a call on the way of its messages: each a byte, its length and so many
// bytes.
type arrivingStream struct {
	header [5]byte
	have   int // of the header; 0 between messages
	left   int64
	bytes  int64 // held
	since  time.Time
}

// errArrivals is what reading says of a connection that was closed.
var errArrivals = errors.New("the messages that arrive take more memory or time than they may")

// Read is net.Conn's.
func (c *arrivingConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	a := c.arrivals
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.conns[c] {
		return 0, errors.Join(errArrivals, err)
	}
	if err != nil {
		a.forgetLocked(c) // gRPC does not read again, and does not close what has hardly begun
		return n, err
	}
	c.in.read(p[:n], c.frameIn, c.dataIn)
	for a.bytes > a.limit {
		most := c
		for other := range a.conns {
			if other.bytes > most.bytes {
				most = other
			}
		}
		a.closeLocked(most, "messages that arrive take all memory that there is for them")
		if most == c {
			return 0, errArrivals
		}
	}
	return n, err
}

// Write is net.Conn's.
func (c *arrivingConn) Write(p []byte) (int, error) {
	c.arrivals.mu.Lock()
	if c.arrivals.conns[c] {
		c.out.read(p, c.frameOut, nil)
	}
	c.arrivals.mu.Unlock()
	n, err := c.Conn.Write(p)
	if err != nil {
		c.arrivals.mu.Lock()
		defer c.arrivals.mu.Unlock()
		c.arrivals.forgetLocked(c)
	}
	return n, err
}

// Close is net.Conn's.
func (c *arrivingConn) Close() error {
	c.arrivals.mu.Lock()
	c.arrivals.forgetLocked(c)
	c.arrivals.mu.Unlock()
	return c.Conn.Close()
}

// The types and flags of frames, of RFC 9113.
const (
	frameData      = 0
	frameHeaders   = 1
	frameReset     = 3
	flagEndStream  = 1
	flagPadded     = 8
	frameHeaderLen = 9
)

// frameBytes is about what gRPC keeps of a frame of data beside its bytes.
const frameBytes = 128

func (c *arrivingConn) frameIn(f frame) {
	switch {
	case f.kind == frameHeaders && f.stream > c.last:
		c.last = f.stream
		c.streams[f.stream] = &arrivingStream{}
		c.arrivals.calls++
	case f.kind == frameReset:
		c.end(f.stream)
	case f.kind == frameData && f.length > 0:
		c.hold(c.streams[f.stream], frameBytes)
	}
	// A stream that the client has ended has its answer to come, which ends it.
}

func (c *arrivingConn) frameOut(f frame) {
	if f.kind == frameReset || f.kind == frameHeaders && f.flags&flagEndStream != 0 {
		c.end(f.stream)
	}
}

func (c *arrivingConn) end(stream uint32) {
	s, ok := c.streams[stream]
	if !ok {
		return
	}
	c.hold(s, -s.bytes)
	delete(c.streams, stream)
	c.arrivals.calls--
}

func (c *arrivingConn) hold(s *arrivingStream, bytes int64) {
	if s != nil {
		s.bytes += bytes
		c.bytes += bytes
		c.arrivals.bytes += bytes
	}
}

func (c *arrivingConn) dataIn(stream uint32, data []byte) {
	s := c.streams[stream]
	if s == nil {
		return // it has been answered
	}
	for len(data) > 0 {
		if s.have == 0 {
			s.since = time.Now()
		}
		var n int
		if s.have < len(s.header) {
			n = copy(s.header[s.have:], data)
			if s.have += n; s.have == len(s.header) {
				s.left = int64(binary.BigEndian.Uint32(s.header[1:]))
			}
		} else {
			n = int(min(s.left, int64(len(data))))
			s.left -= int64(n)
		}
		c.hold(s, int64(n))
		data = data[n:]
		if s.have == len(s.header) && s.left == 0 { // the message is gRPC's
			c.hold(s, -s.bytes)
			s.have = 0
		}
	}
}

// A frame is the header of one.
type frame struct {
	length      int
	kind, flags byte
	stream      uint32
}

// frames reads the frames of one direction of a connection, which come in any pieces.
type frames struct {
	skip    int // bytes that belong to no frame
	header  [frameHeaderLen]byte
	have    int
	at      frame
	left    int  // of its payload
	padding int  // at the end of that
	padded  bool // the first byte of the payload says how much
}

// read calls begin for each frame, and data for the pieces of what frames of data bring.
func (f *frames) read(p []byte, begin func(frame), data func(stream uint32, p []byte)) {
	n := min(f.skip, len(p))
	f.skip -= n
	p = p[n:]
	for len(p) > 0 {
		if f.have < frameHeaderLen {
			n := copy(f.header[f.have:], p)
			f.have += n
			p = p[n:]
			if f.have < frameHeaderLen {
				return
			}
			h := f.header
			f.at = frame{length: int(h[0])<<16 | int(h[1])<<8 | int(h[2]), kind: h[3], flags: h[4], stream: binary.BigEndian.Uint32(h[5:]) & (1<<31 - 1)}
			f.left, f.padding = f.at.length, 0
			f.padded = f.at.kind == frameData && f.at.flags&flagPadded != 0
			begin(f.at)
		}
		if f.padded && f.left > 0 && len(p) > 0 {
			f.padding, f.padded = int(p[0]), false
			f.left--
			p = p[1:]
		}
		n := min(f.left, len(p))
		if f.at.kind == frameData && data != nil {
			data(f.at.stream, p[:max(0, min(n, f.left-f.padding))])
		}
		f.left -= n
		p = p[n:]
		if f.left == 0 {
			f.have = 0
		}
	}
}
