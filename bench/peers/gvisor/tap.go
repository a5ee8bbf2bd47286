// tap.go - a TAP as a link of netstack's, with the kernel's segmentation offload.
//
// netstack's own endpoint for descriptors (link/fdbased) refuses offload on whatever is not a socket,
// and blocks a thread in poll() when there is nothing to read. Here a frame has a virtio_net_hdr
// before it: what TCP sends goes out in pieces of up to 64 KB that the kernel cuts or, on its way to a
// socket of the same machine, never cuts at all; and the kernel's TCP may send us such pieces. Without offload netstack cuts by itself at
// the last moment (GvisorGSOSupported), as its sandbox does.
//
// Frames are read until the kernel has no more; then the goroutine sleeps in the runtime's poller. On
// one core the goroutines that TCP works in get their turn between two batches.
//
// A frame with offload is taken as summed. On this link the peer is the kernel, which leaves every
// checksum of TCP unfinished (NEEDS_CSUM) when it is allowed to; netstack asks once for a link, not
// for a frame. Checksums that we send are unfinished only where netstack asks for it: those of a SYN
// and of a reset to nobody are whole.
package main

import (
	"encoding/binary"
	"fmt"
	"os"
	"runtime"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
	"gvisor.dev/gvisor/pkg/bufferv2"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
)

const (
	mtu        = 1500
	batch      = 64 // frames between two turns of the others
	vnetHeader = 10
	busyTries  = 50
	busyPause  = 20 * time.Millisecond

	// linux/if_tun.h
	tunCsum = 0x01
	tunTSO4 = 0x02

	// linux/virtio_net.h
	vnetNeedsCsum = 1
	vnetTCPv4     = 1
)

// Room for a frame, smallest first, so that what a small frame leaves is still there for the next one:
// netstack clears a buffer whenever it is given out.
var roomSizes = [...]int{256, 2048, 4096, 8192, 16384, 32768, 4096}

const plainRooms = 2 // of them, without offload

type tap struct {
	file       *os.File
	fd         int
	addr       tcpip.LinkAddress
	offload    bool
	dispatcher stack.NetworkDispatcher

	// What the reader reads into.
	header [vnetHeader]byte
	rooms  []*bufferv2.View
	iovecs []unix.Iovec
}

// openTAP opens or makes the interface.
func openTAP(name string, addr tcpip.LinkAddress, offload bool) (*tap, error) {
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("/dev/net/tun: %w", err)
	}
	request, err := unix.NewIfreq(name)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	flags, features := uint16(unix.IFF_TAP|unix.IFF_NO_PI), 0
	if offload {
		flags |= unix.IFF_VNET_HDR
		features = tunCsum | tunTSO4
	}
	request.SetUint16(flags)
	// Its last user may not be quite gone.
	for i := 0; ; i++ {
		err = unix.IoctlIfreq(fd, unix.TUNSETIFF, request)
		if err == nil {
			break
		}
		if err != unix.EBUSY || i == busyTries {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		time.Sleep(busyPause)
	}
	if offload {
		if err := unix.IoctlSetPointerInt(fd, unix.TUNSETVNETHDRSZ, vnetHeader); err != nil {
			return nil, fmt.Errorf("TUNSETVNETHDRSZ: %w", err)
		}
	}
	if err := unix.IoctlSetInt(fd, unix.TUNSETOFFLOAD, features); err != nil {
		return nil, fmt.Errorf("TUNSETOFFLOAD: %w", err)
	}

	t := &tap{file: os.NewFile(uintptr(fd), name), fd: fd, addr: addr, offload: offload}
	rooms := plainRooms
	if offload {
		rooms = len(roomSizes)
		t.iovecs = append(t.iovecs, iovec(t.header[:]))
	}
	t.rooms = make([]*bufferv2.View, rooms)
	t.iovecs = append(t.iovecs, make([]unix.Iovec, rooms)...)
	return t, nil
}

func iovec(octets []byte) unix.Iovec {
	v := unix.Iovec{Base: &octets[0]}
	v.SetLen(len(octets))
	return v
}

// --- in ------------------------------------------------------------------------------------

// readFrame reads one frame. False: there is none.
func (t *tap) readFrame() (bufferv2.Buffer, bool) {
	first := len(t.iovecs) - len(t.rooms)
	for i := range t.rooms {
		if t.rooms[i] != nil {
			break // all behind it are there, too
		}
		t.rooms[i] = bufferv2.NewViewSize(roomSizes[i])
		t.iovecs[first+i] = iovec(t.rooms[i].AsSlice())
	}
	n, _, errno := unix.RawSyscall(unix.SYS_READV, uintptr(t.fd),
		uintptr(unsafe.Pointer(&t.iovecs[0])), uintptr(len(t.iovecs)))
	left := int(n)
	if t.offload {
		left -= vnetHeader
	}
	if errno != 0 || left <= 0 {
		return bufferv2.Buffer{}, false
	}
	var frame bufferv2.Buffer
	for i := 0; left > 0 && i < len(t.rooms); i++ {
		room := t.rooms[i]
		t.rooms[i] = nil
		if left < room.Size() {
			room.CapLength(left)
		}
		left -= room.Size()
		frame.Append(room)
	}
	return frame, true
}

func (t *tap) deliver(frame bufferv2.Buffer) {
	pkt := stack.NewPacketBuffer(stack.PacketBufferOptions{Payload: frame})
	defer pkt.DecRef()
	eth, ok := pkt.LinkHeader().Consume(header.EthernetMinimumSize)
	if ok {
		t.dispatcher.DeliverNetworkPacket(header.Ethernet(eth).Type(), pkt)
	}
}

// receive is called when the kernel has something, and says false when that is no longer so.
func (t *tap) receive(uintptr) bool {
	for rested := false; ; {
		n := 0
		for ; n < batch; n++ {
			frame, ok := t.readFrame()
			if !ok {
				break
			}
			t.deliver(frame)
		}
		if n == 0 && rested {
			return false
		}
		runtime.Gosched()
		rested = true
	}
}

// Attach implements stack.NetworkLinkEndpoint.
func (t *tap) Attach(dispatcher stack.NetworkDispatcher) {
	t.dispatcher = dispatcher
	if dispatcher == nil {
		return
	}
	raw, err := t.file.SyscallConn()
	if err != nil {
		die(err)
	}
	go func() { die(raw.Read(t.receive)) }()
}

// --- out -----------------------------------------------------------------------------------

// emitHeader says what the kernel has to do with the packet.
func emitHeader(pkt stack.PacketBufferPtr, out *[vnetHeader]byte) {
	gso := &pkt.GSOOptions
	if gso.Type == stack.GSONone {
		return
	}
	binary.LittleEndian.PutUint16(out[2:], uint16(pkt.HeaderSize()))
	if gso.NeedsCsum {
		out[0] = vnetNeedsCsum
		binary.LittleEndian.PutUint16(out[6:], header.EthernetMinimumSize+gso.L3HdrLen)
		binary.LittleEndian.PutUint16(out[8:], gso.CsumOffset)
	}
	if gso.Type == stack.GSOTCPv4 && pkt.Data().Size() > int(gso.MSS) {
		out[1] = vnetTCPv4
		binary.LittleEndian.PutUint16(out[4:], gso.MSS)
	}
}

func (t *tap) send(pkt stack.PacketBufferPtr) syscall.Errno {
	var space [32]unix.Iovec
	var vnet [vnetHeader]byte
	iovecs := space[:0]
	if t.offload {
		emitHeader(pkt, &vnet)
		iovecs = append(iovecs, iovec(vnet[:]))
	}
	for _, octets := range pkt.AsSlices() {
		if len(octets) > 0 {
			iovecs = append(iovecs, iovec(octets))
		}
	}
	_, _, errno := unix.RawSyscall(unix.SYS_WRITEV, uintptr(t.fd),
		uintptr(unsafe.Pointer(&iovecs[0])), uintptr(len(iovecs)))
	return errno
}

// WritePackets implements stack.LinkWriter. What the kernel does not take is lost, as on a wire.
func (t *tap) WritePackets(pkts stack.PacketBufferList) (int, tcpip.Error) {
	all := pkts.AsSlice()
	for i, pkt := range all {
		if t.send(pkt) != 0 {
			return i, &tcpip.ErrNoBufferSpace{}
		}
	}
	return len(all), nil
}

// AddHeader implements stack.NetworkLinkEndpoint.
func (t *tap) AddHeader(pkt stack.PacketBufferPtr) {
	header.Ethernet(pkt.LinkHeader().Push(header.EthernetMinimumSize)).Encode(&header.EthernetFields{
		SrcAddr: pkt.EgressRoute.LocalLinkAddress,
		DstAddr: pkt.EgressRoute.RemoteLinkAddress,
		Type:    pkt.NetworkProtocolNumber,
	})
}

// --- what netstack asks about the link ------------------------------------------------------

// MTU implements stack.NetworkLinkEndpoint.
func (*tap) MTU() uint32 { return mtu }

// MaxHeaderLength implements stack.NetworkLinkEndpoint.
func (*tap) MaxHeaderLength() uint16 { return header.EthernetMinimumSize }

// LinkAddress implements stack.NetworkLinkEndpoint.
func (t *tap) LinkAddress() tcpip.LinkAddress { return t.addr }

// Capabilities implements stack.NetworkLinkEndpoint.
func (t *tap) Capabilities() stack.LinkEndpointCapabilities {
	caps := stack.LinkEndpointCapabilities(stack.CapabilityResolutionRequired)
	if t.offload {
		caps |= stack.CapabilityRXChecksumOffload
	}
	return caps
}

// IsAttached implements stack.NetworkLinkEndpoint.
func (t *tap) IsAttached() bool { return t.dispatcher != nil }

// Wait implements stack.NetworkLinkEndpoint.
func (*tap) Wait() {}

// ARPHardwareType implements stack.NetworkLinkEndpoint.
func (*tap) ARPHardwareType() header.ARPHardwareType { return header.ARPHardwareEther }

// GSOMaxSize implements stack.GSOEndpoint. An IPv4 packet has at most 65535 octets.
func (*tap) GSOMaxSize() uint32 { return 65535 - header.IPv4MaximumHeaderSize }

// SupportedGSO implements stack.GSOEndpoint.
func (t *tap) SupportedGSO() stack.SupportedGSO {
	if t.offload {
		return stack.HostGSOSupported
	}
	return stack.GvisorGSOSupported
}
