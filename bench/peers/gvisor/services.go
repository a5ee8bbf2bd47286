// services.go - discard, chargen and echo, straight over netstack's endpoints: a goroutine for each
// connection, which sleeps until its endpoint says that there is something to do. netstack's copy of
// the net package (adapters/gonet) would add a lock, a deadline and a registration to each call.
package main

import (
	"bytes"
	"fmt"
	"io"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"
	"gvisor.dev/gvisor/pkg/tcpip/transport/udp"
	"gvisor.dev/gvisor/pkg/waiter"
)

const (
	echoPort    = 7
	discardPort = 9
	chargenPort = 19
	httpPort    = 80
	backlog     = 4096
	textSize    = 256 * 1024
	echoSize    = 64 * 1024
)

type conn struct {
	ep       tcpip.Endpoint
	wq       *waiter.Queue
	entry    waiter.Entry
	readable chan struct{}
}

func newConn(ep tcpip.Endpoint, wq *waiter.Queue) *conn {
	c := &conn{ep: ep, wq: wq}
	c.entry, c.readable = waiter.NewChannelEntry(waiter.ReadableEvents | waiter.EventHUp | waiter.EventErr)
	wq.EventRegister(&c.entry)
	return c
}

func (c *conn) close() {
	c.wq.EventUnregister(&c.entry)
	c.ep.Close()
}

// read waits for octets and gives them to w; false at the end.
func (c *conn) read(w io.Writer) (int, bool) {
	for {
		result, err := c.ep.Read(w, tcpip.ReadOptions{})
		if err == nil {
			c.ep.ModerateRecvBuf(result.Count)
			return result.Count, true
		}
		if _, ok := err.(*tcpip.ErrWouldBlock); !ok {
			return 0, false
		}
		<-c.readable
	}
}

// write sends all octets; false when the connection is over.
func (c *conn) write(octets []byte) bool {
	var rest bytes.Reader
	rest.Reset(octets)
	var entry waiter.Entry
	var writable chan struct{}
	for rest.Len() > 0 {
		n, err := c.ep.Write(&rest, tcpip.WriteOptions{})
		// It may have copied more than it took.
		octets = octets[n:]
		rest.Reset(octets)
		if err == nil {
			continue
		}
		if _, ok := err.(*tcpip.ErrWouldBlock); !ok {
			return false
		}
		if writable == nil {
			entry, writable = waiter.NewChannelEntry(waiter.WritableEvents | waiter.EventHUp | waiter.EventErr)
			c.wq.EventRegister(&entry)
			defer c.wq.EventUnregister(&entry)
			continue // there may be room since
		}
		<-writable
	}
	return true
}

func discard(c *conn) {
	for ok := true; ok; {
		_, ok = c.read(io.Discard)
	}
}

var text = func() []byte {
	out := make([]byte, textSize)
	for i := range out {
		out[i] = byte(' ' + i%('~'-' '+1))
	}
	return out
}()

func chargen(c *conn) {
	for c.write(text) {
	}
}

func echo(c *conn) {
	octets := make([]byte, echoSize)
	for {
		room := tcpip.SliceWriter(octets)
		n, ok := c.read(&room)
		if !ok || !c.write(octets[:n]) {
			return
		}
	}
}

// listen serves each connection to the port in a goroutine of its own.
func listen(s *stack.Stack, port uint16, serve func(*conn)) error {
	var wq waiter.Queue
	ep, err := s.NewEndpoint(tcp.ProtocolNumber, ipv4.ProtocolNumber, &wq)
	if err == nil {
		err = ep.Bind(tcpip.FullAddress{Port: port})
	}
	if err == nil {
		err = ep.Listen(backlog)
	}
	if err != nil {
		return fmt.Errorf("port %d: %s", port, err)
	}
	entry, ready := waiter.NewChannelEntry(waiter.ReadableEvents)
	wq.EventRegister(&entry)
	go func() {
		for {
			ep, wq, err := ep.Accept(nil)
			if err != nil {
				<-ready
				continue
			}
			ep.SocketOptions().SetDelayOption(false)
			go func() {
				c := newConn(ep, wq)
				serve(c)
				c.close()
			}()
		}
	}()
	return nil
}

func discardDatagrams(s *stack.Stack) error {
	var wq waiter.Queue
	ep, err := s.NewEndpoint(udp.ProtocolNumber, ipv4.ProtocolNumber, &wq)
	if err == nil {
		err = ep.Bind(tcpip.FullAddress{Port: discardPort})
	}
	if err != nil {
		return fmt.Errorf("UDP port %d: %s", discardPort, err)
	}
	entry, ready := waiter.NewChannelEntry(waiter.ReadableEvents)
	wq.EventRegister(&entry)
	go func() {
		for {
			if _, err := ep.Read(io.Discard, tcpip.ReadOptions{}); err != nil {
				<-ready
			}
		}
	}()
	return nil
}

func startServices(s *stack.Stack) error {
	for port, serve := range map[uint16]func(*conn){
		echoPort: echo, discardPort: discard, chargenPort: chargen, httpPort: serveHTTP,
	} {
		if err := listen(s, port, serve); err != nil {
			return err
		}
	}
	return discardDatagrams(s)
}
