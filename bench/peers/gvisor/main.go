// gvisor_server - gVisor's netstack as a contestant of scripts/bench: the services of `tapio serve`
// over its endpoints and a TAP.
//
//	gvisor_server --dev tapN --addr 10.9.N.2/24 [--offload on|off]
//
// Prints "ready" and serves until it is killed. The interface's other end (up, and an address) is the
// caller's to make, before or after. What is tuned, and why: ../README.md.
package main

import (
	"flag"
	"fmt"
	"net"
	"os"
	"runtime/debug"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/network/arp"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"
	"gvisor.dev/gvisor/pkg/tcpip/transport/udp"
)

const (
	nic            = 1
	bufferMin      = 4 << 10
	bufferDefault  = 1 << 20
	bufferMax      = 8 << 20
	bufferMaxPlain = 1 << 20 // what the TAP's queue of 1000 frames of 1500 octets bears
	gcPercent      = 400
)

func die(err error) {
	fmt.Fprintln(os.Stderr, "gvisor_server:", err)
	os.Exit(1)
}

func usage() {
	fmt.Fprintln(os.Stderr, "usage: gvisor_server --dev TAP --addr ADDR/BITS [--offload on|off]")
	os.Exit(2)
}

// set sets an option of TCP's.
func set(s *stack.Stack, option tcpip.SettableTransportProtocolOption) {
	if err := s.SetTransportProtocolOption(tcp.ProtocolNumber, option); err != nil {
		die(fmt.Errorf("%T: %s", option, err))
	}
}

func newStack(offload bool) *stack.Stack {
	s := stack.New(stack.Options{
		NetworkProtocols:   []stack.NetworkProtocolFactory{ipv4.NewProtocol, arp.NewProtocol},
		TransportProtocols: []stack.TransportProtocolFactory{tcp.NewProtocol, udp.NewProtocol},
	})
	most := bufferMax
	if !offload {
		most = bufferMaxPlain
	}
	sack, noRACK := tcpip.TCPSACKEnabled(true), tcpip.TCPRecovery(0)
	cubic, moderate := tcpip.CongestionControlOption("cubic"), tcpip.TCPModerateReceiveBufferOption(true)
	set(s, &sack)
	set(s, &noRACK)
	set(s, &cubic)
	set(s, &moderate)
	set(s, &tcpip.TCPReceiveBufferSizeRangeOption{Min: bufferMin, Default: bufferDefault, Max: most})
	set(s, &tcpip.TCPSendBufferSizeRangeOption{Min: bufferMin, Default: bufferDefault, Max: most})
	return s
}

// attach gives the stack its link and its address.
func attach(s *stack.Stack, link *tap, addr net.IP, bits int) error {
	if err := s.CreateNIC(nic, link); err != nil {
		return fmt.Errorf("%s", err)
	}
	at := tcpip.AddressWithPrefix{Address: tcpip.Address(addr), PrefixLen: bits}
	if err := s.AddProtocolAddress(nic, tcpip.ProtocolAddress{Protocol: ipv4.ProtocolNumber, AddressWithPrefix: at}, stack.AddressProperties{}); err != nil {
		return fmt.Errorf("%s", err)
	}
	s.SetRouteTable([]tcpip.Route{{Destination: at.Subnet(), NIC: nic}})
	return nil
}

func main() {
	flag.Usage = usage
	dev := flag.String("dev", "", "")
	addr := flag.String("addr", "", "")
	offload := flag.String("offload", "off", "")
	flag.Parse()
	ip, network, err := net.ParseCIDR(*addr)
	if *dev == "" || err != nil || ip.To4() == nil || (*offload != "on" && *offload != "off") || flag.NArg() != 0 {
		usage()
	}
	ip = ip.To4()
	bits, _ := network.Mask.Size()
	debug.SetGCPercent(gcPercent)

	mac := tcpip.LinkAddress(append([]byte{0x02, 0x00}, ip...)) // locally given
	link, err := openTAP(*dev, mac, *offload == "on")
	if err != nil {
		die(err)
	}
	s := newStack(*offload == "on")
	if err := attach(s, link, ip, bits); err != nil {
		die(err)
	}
	if err := startServices(s); err != nil {
		die(err)
	}
	fmt.Println("ready")
	select {}
}
